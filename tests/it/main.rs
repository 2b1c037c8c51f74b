//! The integration tests.

mod deploy;
mod house;
