//! Fixtures of the integration tests and benches: the running stack, tenants and callers as types, views of the database,
//! and worlds (platforms as doubles with their own append-only ledgers, kept outside the system that is tested).
//!
//! A test is `stack::with(async |stack| …)`: it runs on the runtime on which the stack lives. Most tests share the one
//! stack of the process and make a tenant of their own in it; a test that breaks things starts a stack of its own.

pub mod airflow;
pub mod application;
pub mod archive;
pub mod audit;
pub mod bends;
pub mod browser;
pub mod caller;
pub mod content;
pub mod database;
pub mod dice;
pub mod install;
pub mod invariants;
pub mod keys;
pub mod operator;
pub mod pgbouncer;
pub mod polls;
pub mod proxy;
pub mod scale;
pub mod seen;
pub mod stack;
pub mod steps;
pub mod tenant;
pub mod warehouse;
pub mod work;
pub mod world;
