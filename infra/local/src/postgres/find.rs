//! Where a server comes from: an installed one that is new enough, one fetched earlier, one fetched now, an old one.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{PostgresError, fetch};
use crate::settings;

/// From this version on, the cost of a role with many members is bounded.
const GOOD: u32 = 17;
/// The oldest version that has what we use.
const OLDEST: u32 = 15;

/// The programs of one Postgres version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Folder with `initdb` and `postgres`.
    pub bin: PathBuf,
    /// Its version: 15, 18.
    pub major: u32,
}

impl Installation {
    /// The installation in this folder, if both programs are there and say their version.
    pub fn at(bin: &Path) -> Option<Self> {
        let bin = bin.canonicalize().ok()?;
        if !bin.join("initdb").is_file() {
            return None;
        }
        let said = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
        let major = version(&String::from_utf8_lossy(&said.stdout))?;
        Some(Self { bin, major })
    }
}

/// The server to use. With `needed`, only that version: it is the one that wrote the data. `cache` is where fetched
/// versions are kept.
pub fn find(cache: &Path, needed: Option<u32>) -> Result<Installation, PostgresError> {
    let fits = |found: &Installation| needed.map_or(found.major >= GOOD, |major| found.major == major);
    let installed = installed();
    if let Some(found) = installed.iter().find(|found| fits(found)) {
        return Ok(found.clone());
    }
    if needed.is_some_and(|major| major != fetch::MAJOR) {
        return Err(PostgresError::OtherVersion { major: needed.unwrap_or_default() });
    }
    let fetching = match fetch::fetched(cache).map_or_else(|| fetch::fetch(cache), Ok) {
        Ok(found) => return Ok(found),
        Err(said) => said,
    };
    match (needed, installed.into_iter().find(|found| found.major >= OLDEST)) {
        (Some(major), _) => Err(PostgresError::OtherVersion { major }),
        (None, None) => Err(PostgresError::Missing { fetching }),
        (None, Some(old)) => {
            eprintln!("signalbox: using PostgreSQL {}; many workspaces need {GOOD} or newer", old.major);
            Ok(old)
        }
    }
}

/// What is installed, newest first.
fn installed() -> Vec<Installation> {
    let on_path = settings::on_path("postgres").and_then(|file| file.canonicalize().ok());
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<Installation> = on_path
        .and_then(|file| file.parent().map(Path::to_owned))
        .into_iter()
        .chain(debian.map(|version| version.path().join("bin")))
        .filter_map(|bin| Installation::at(&bin))
        .collect();
    found.sort_by_key(|it| std::cmp::Reverse(it.major));
    found.dedup();
    found
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` is 15; `18beta1` is 18.
fn version(said: &str) -> Option<u32> {
    let number = said.split_once("(PostgreSQL) ")?.1;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_print_them() {
        let read = |said| version(&format!("postgres (PostgreSQL) {said}"));
        assert_eq!(read("15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(read("18beta1\n"), Some(18));
        assert_eq!(version("something else"), None);
    }
}
