//! One figure: printed, and appended to `target/bench.jsonl`.

use std::{io::Write, time::Duration};

use local::settings;
use serde_json::json;

/// Prints and keeps a figure.
pub(crate) fn report(name: &str, value: f64, unit: &str) {
    println!("bench {name} {value:.2} {unit}");
    let file = settings::workspace().join("target/bench.jsonl");
    let line = json!({ "name": name, "value": value, "unit": unit }).to_string();
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
    opened.and_then(|mut f| writeln!(f, "{line}")).expect("target/bench.jsonl can be written");
}

/// The p-th percentile of some durations, in milliseconds.
pub(crate) fn percentile(durations: &mut [Duration], p: usize) -> f64 {
    durations.sort_unstable();
    let index = (durations.len() * p / 100).min(durations.len().saturating_sub(1));
    durations.get(index).copied().unwrap_or_default().as_secs_f64() * 1000.0
}
