//! The integration tests.

mod audit;
mod browser;
mod connectors;
mod deploy;
mod engine;
mod faults;
mod house;
mod identity;
mod isolation;
mod lifecycle;
mod operators;
mod people;
mod portal;
mod shares;
mod time;
mod whole;
