//! The store: one function per named statement. Each takes a `TenantTx` or a `SystemTx`; none begins or ends one.

pub mod directories;
