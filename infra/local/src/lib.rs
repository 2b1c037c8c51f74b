//! signalbox on one machine: everything that AWS gives the functions, and the functions themselves.
//!
//! | part | modules |
//! |---|---|
//! | the stack as one object, and the commands | [`stack`], [`cli`], [`settings`], [`folder`] |
//! | Postgres: found or fetched | [`postgres`] |
//! | the cloud: Lambda, SQS, Secrets Manager, gateway, clock, and a way to hurt it | [`cloud`] and what it is made of |
//! | sign-in: a provider with Entra's shapes, and its made-up people | [`oidc`], [`people`] |
//! | the demo, set up through the API | [`seed`] |
//! | offline verifiers of what signalbox gives out | [`verify`] |
//!
//! The binary `signalbox` and the tests use it. It runs the real function binaries and depends on no crate of the
//! product: what it knows of them is what AWS knows, their environment and their events.

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
pub mod verify;
