//! The integration tests.

mod browser;
mod deploy;
mod engine;
mod house;
mod identity;
mod isolation;
