//! The words of the product as types: what a job, a connection, a run and a state are, and which moves are legal.
//!
//! Every function and the store code against these types; nothing here does I/O, runs SQL, waits, or reads a clock:
//! time and randomness are arguments.

pub mod connection;
pub mod graph;
pub mod ids;
pub mod job;
pub mod limit;
pub mod operation;
pub mod problem;
pub mod retry;
pub mod role;
pub mod rollout;
pub mod schedule;
pub mod state;
pub mod tenant;

pub use problem::{Problem, Problems};
