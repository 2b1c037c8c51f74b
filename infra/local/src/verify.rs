//! Offline verifiers: whether what signalbox gave out is what it was. Each reads files and nothing else, and shares no code with
//! the product: what a customer runs on a machine of their own, or writes anew from the specification.
//!
//! The command line calls them.

pub mod audit;
pub mod export;
