//! What every signalbox function shares.

pub mod archive;
pub mod auth;
pub mod clock;
pub mod config;
pub mod db;
pub mod egress;
pub mod engine;
pub mod error;
pub mod keys;
pub mod limiter;
pub mod model;
pub mod parameters;
pub mod queue;
pub mod seal;
pub mod secrets;
pub mod signing;
pub mod store;
pub mod telemetry;
pub mod template;
