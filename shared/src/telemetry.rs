//! Logs: one JSON object a line on standard output, level from the configuration. Called once, by each `main`.

use std::io::Write;

use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging at a level: `error`, `warn`, `info` or `debug`. Never lower: libraries write bodies at `trace`.
pub fn start(level: &str) {
    let level = match level {
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "debug" => LevelFilter::DEBUG,
        _ => LevelFilter::INFO,
    };
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false);
    let ours = tracing_subscriber::filter::filter_fn(move |meta| {
        // Other crates speak at warn and above only: their debug lines can hold requests.
        let limit =
            if meta.target().split("::").next().is_some_and(is_ours) { level } else { LevelFilter::WARN };
        *meta.level() <= limit
    });
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}

/// Writes a line of CloudWatch's embedded metric format: a JSON object of its own on standard output, not inside a log event.
pub fn write_metrics(line: &Value) {
    // A closed output takes the log with it: there is nowhere to say so.
    let _unsaid = writeln!(std::io::stdout().lock(), "{line}");
}

fn is_ours(krate: &str) -> bool {
    matches!(krate, "shared" | "signin" | "portal" | "scheduler" | "dispatcher" | "steward" | "operators")
}
