//! The house rules that a compiler can't hold: which part may use which, sizes, names, and how SQL is written.
//!
//! Source files are read as text; nothing is compiled or run.

mod layering;
mod naming;
mod pages;
mod size;
mod source;
mod sql;
