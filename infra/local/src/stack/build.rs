//! The functions' binaries: built before they are run, in the profile that this binary was built in.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::settings;

/// Runs `cargo build` for every binary of the workspace, into the folder that holds `binaries`. Cargo's own progress goes
/// to stderr. The error is one sentence.
pub fn build(binaries: &Path) -> Result<(), String> {
    let profile = match binaries.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let cargo = settings::cargo();
    let built = Command::new(&cargo)
        .args(["build", "--workspace", "--bins", "--profile", profile])
        .current_dir(settings::workspace())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    match built {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("the functions do not build; what cargo said is above".to_owned()),
        Err(error) => Err(format!("cannot run {} to build the functions: {error}", cargo.display())),
    }
}
