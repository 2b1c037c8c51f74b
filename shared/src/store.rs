//! The store: one function per named statement. Each takes a `TenantTx` or a `SystemTx`; none begins or ends one.

pub mod directories;
pub mod attempts;
pub mod events;
pub mod outbox;
pub mod runs;
pub mod task_runs;
