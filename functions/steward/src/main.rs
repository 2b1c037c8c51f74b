//! Tenant life cycle: install, migrate, onboard, refill.
fn main() {}
