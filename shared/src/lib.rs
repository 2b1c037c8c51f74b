//! What every signalbox function shares.

pub mod auth;
pub mod model;
pub mod template;
pub mod clock;
pub mod config;
pub mod db;
pub mod egress;
pub mod engine;
pub mod error;
pub mod keys;
pub mod queue;
pub mod secrets;
pub mod telemetry;
pub mod store;
pub mod parameters;
