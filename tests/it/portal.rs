//! The API before a single caller: what it refuses and how it says so, and the habits that every route has.

mod bodies;
mod forgotten;
mod graphs;
mod habits;
mod headers;
mod killed;
mod names;
mod rules;
