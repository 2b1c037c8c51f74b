//! Sizes of loops: small ones for each landing, large ones before a release (`SCALE=release`).

/// The size for this run.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says how large")]
pub fn of(landing: usize, release: usize) -> usize {
    match std::env::var("SCALE").as_deref() {
        Ok("release") => release,
        _ => landing,
    }
}
