//! The JSON API and the web portal.
fn main() {}
