//! What breaks: functions are killed and frozen, messages are lost, doubled and forged, ticks are dropped, Postgres crashes,
//! the whole stack is killed. Nothing may be lost, and nothing may happen twice: the platforms' own ledgers say.
//!
//! Each test has a stack of its own.

mod doubts;
mod kills;
mod messages;
mod servers;
mod silence;
mod statements;
mod storms;
mod zombies;
