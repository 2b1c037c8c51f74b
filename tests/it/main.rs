//! The integration tests.

mod browser;
mod deploy;
mod house;
mod identity;
mod isolation;
