//! Starts, polls and cancels external runs; advances graphs.
fn main() {}
