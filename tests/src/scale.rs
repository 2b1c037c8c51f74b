//! How much the tests that try at random try, and how they say what they tried.
//!
//! Every landing runs the smaller sizes; `SCALE=release` asks for those of a release. What was tried is said past the
//! capture of the test harness, so that a plain `cargo test` shows it.

use std::io::Write;

/// How many, or how long a loop: `landing` with every landing, `release` before a release.
pub fn of(landing: usize, release: usize) -> usize {
    if is_release() { release } else { landing }
}

/// Says a line of counts: `isolation: attempts=100000 violations=0`.
pub fn say(area: &str, counts: &[(&str, String)]) {
    let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name}={count}")).collect();
    // Not by a macro: what those print in a test that passes is swallowed.
    let line = format!("\n{area}: {}\n", counts.join(" "));
    let _unsaid = std::io::stderr().write_all(line.as_bytes());
}

#[expect(clippy::disallowed_methods, reason = "the size is asked for by whoever starts the tests")]
fn is_release() -> bool {
    std::env::var("SCALE").is_ok_and(|size| size == "release")
}
