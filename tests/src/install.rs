//! Programs of others that tests need: found on the machine, or installed once into `.local/tools`, and started so that they
//! die with the tests and take everything they started along.
//!
//! [`crate::airflow`], [`crate::browser`] and [`crate::pgbouncer`] call it. Nothing is installed into the system unless there is no other way and
//! we are root. Where a program cannot be had, [`absent`] says so; under `CI` that is a failure.

pub mod debian;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use local::process::{DeathSignal, Launch, Process};
use local::settings;

use crate::{stack, tenant::random_id};

/// Written last, with what was installed: an interrupted install leaves none.
const MARKER: &str = "installed";

/// Ends whatever was started with our mark in its environment, wherever it has moved itself to, then our group.
const KEEPER: &str = "\
end() { for p in /proc/[0-9]*; do [ \"$p\" = /proc/$$ ] || ! grep -qsa \"$TESTS_MARK\" $p/environ || kill -9 ${p#/proc/}; done; kill -9 0; }
trap end INT TERM
\"$@\" &
wait
end";

/// A program to start.
pub struct Program<'a> {
    /// Its file.
    pub path: &'a Path,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
    /// Where it keeps its files; its log is `log` in there.
    pub folder: &'a Path,
}

impl Program<'_> {
    /// Starts it. Dropping what is given back, or the death of the tests, ends it and everything it started.
    pub async fn start(self) -> Process {
        let shell = PathBuf::from("/bin/sh");
        let mut launch = Launch::new(guard(), shell);
        launch.arguments = vec!["-c".into(), KEEPER.into(), "keeper".into(), self.path.into()];
        launch.arguments.extend(self.arguments.into_iter().map(Into::into));
        launch.environment = self.environment;
        launch.environment.push(("TESTS_MARK".to_owned(), random_id().to_string()));
        launch.folder = Some(self.folder.to_owned());
        launch.log = Some(self.folder.join("log"));
        // What the keeper traps, even where the tests run in the background of a shell.
        launch.death_signal = DeathSignal::Terminate;
        Process::start(launch).await.expect("a shell starts")
    }
}

/// The process guard. It changes so little that one built earlier will do.
fn guard() -> PathBuf {
    let built = settings::binaries().join("signalbox");
    if built.is_file() { built } else { stack::binaries().join("signalbox") }
}

/// The folder `.local/tools/NAME`, holding what `install` puts there. `what` names the versions: when it changes, so does
/// the folder. Two processes that want the same wait for each other.
pub fn once(
    name: &str,
    what: &str,
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let tools = settings::local_folder().join("tools");
    let folder = tools.join(name);
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&tools).map_err(failed)?;
    let lock = File::create(tools.join(format!("{name}.lock"))).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if fs::read_to_string(folder.join(MARKER)).is_ok_and(|installed| installed == what) {
        return Ok(folder);
    }
    eprintln!("installing {name} into {}", folder.display());
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(failed)?;
    install(&folder)?;
    fs::write(folder.join(MARKER), what).map_err(failed)?;
    Ok(folder)
}

/// Runs a command to its end and gives what it printed; the error is the last thing it said.
pub fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(format!("{name}: {}", said.trim().lines().next_back().unwrap_or("failed")))
}

/// A loopback port that nobody listens on now.
pub fn free_port() -> u16 {
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    held.local_addr().expect("bound").port()
}

/// A test that cannot run here: said aloud, or a failure where everything must run.
pub fn absent(what: &str, why: &str) {
    assert!(!must_have_everything(), "{what} is needed under CI: {why}");
    // Not by a macro: what those print in a test that passes is swallowed.
    let said = format!("\n==== skipped, because there is no {what}: {why} ====\n");
    let _unsaid = std::io::stderr().write_all(said.as_bytes());
}

/// The path on which programs are found.
#[expect(clippy::disallowed_methods, reason = "tests start programs of others, which need the path")]
pub fn path() -> String {
    std::env::var("PATH").unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "CI says by its environment that it is CI")]
fn must_have_everything() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
