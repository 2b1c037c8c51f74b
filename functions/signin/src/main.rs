//! Sign-in, first-sign-in provisioning and sessions.
fn main() {}
