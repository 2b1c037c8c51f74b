//! Runs signalbox on one machine.
fn main() {}
