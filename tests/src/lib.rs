//! Fixtures of the integration tests and benches: the running stack, callers as types, and worlds (platforms as doubles
//! with their own append-only ledgers, kept outside the system that is tested).

pub mod world;
