//! The local stack.

pub mod cli;
pub mod clock;
pub mod cloud;
pub mod control;
pub mod event_source;
pub mod folder;
pub mod gateway;
pub mod lambda;
pub mod oidc;
pub mod people;
pub mod postgres;
pub mod process;
pub mod secrets_manager;
pub mod seed;
pub mod settings;
pub mod sqs;
pub mod stack;
pub mod ticker;
