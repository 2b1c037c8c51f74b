//! The whole, through the real functions: sign in, connect, run, watch; a schedule; a cancel; a stop and a start.

mod restart;
mod run;
mod schedule;
mod settings;
