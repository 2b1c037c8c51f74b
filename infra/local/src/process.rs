//! Child processes that die with their parent (being written).

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;

/// What the kernel sends a child when its parent is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeathSignal {
    /// SIGKILL: functions.
    Kill,
    /// SIGINT: Postgres' fast shutdown.
    Interrupt,
}

/// A program to start through the guard.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The `signalbox` binary.
    pub guard: PathBuf,
    /// A command line that goes before the guard, such as `unshare --user --map-user=1000 --map-group=1000`: the
    /// guard must already run as its final user, since a change of user clears the death signal.
    pub prefix: Vec<OsString>,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
    /// Its working folder, or the runner's.
    pub folder: Option<PathBuf>,
    /// Where stdout and stderr are appended; nowhere when `None`.
    pub log: Option<PathBuf>,
    /// User and group of the child (the runner must be root).
    pub user: Option<(u32, u32)>,
    /// What ends it when the runner dies.
    pub death_signal: DeathSignal,
}

/// A running child. Dropping the last clone sends it its death signal.
#[derive(Clone, Debug)]
pub struct Process {}

impl Process {
    /// Starts a child from the thread that lives as long as this process. Must be called within a tokio runtime.
    pub async fn start(launch: Launch) -> std::io::Result<Self> {
        let _ = launch;
        todo!()
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        todo!()
    }

    /// SIGKILL. Does nothing once the child is gone, as do the others.
    pub fn kill(&self) {
        todo!()
    }

    /// SIGINT.
    pub fn interrupt(&self) {
        todo!()
    }

    /// SIGSTOP.
    pub fn freeze(&self) {
        todo!()
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        todo!()
    }

    /// How it ended, or `None` while it runs.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        todo!()
    }

    /// Waits until it has ended.
    pub async fn wait(&self) -> ExitStatus {
        todo!()
    }
}

/// The `guard` command: `signalbox guard PARENT_PID kill|interrupt PROGRAM [ARGUMENT…]`. Called at the very start of
/// `main`, before any thread exists, with the arguments after `guard`. Returns only when it could not become the program.
pub fn guard(arguments: impl Iterator<Item = OsString>) -> std::io::Error {
    let _ = arguments;
    todo!()
}
