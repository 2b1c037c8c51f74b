//! How much a test tries: what a landing needs, or what a release needs (`SCALE=release`).

/// The figure of this run.
#[expect(clippy::disallowed_methods, reason = "the one setting of the tests")]
pub fn of(landing: usize, release: usize) -> usize {
    if std::env::var("SCALE").is_ok_and(|scale| scale == "release") { release } else { landing }
}
