//! Child processes that die with their parent, whatever kills it.
//!
//! The stack starts functions and Postgres with [`Process::start`]; tests freeze, thaw and kill them. A child starts
//! as `signalbox guard …` ([`guard`]), which asks the kernel for a signal at its parent's death and then becomes the
//! program. The kernel means the *thread* that forked (prctl(2), `PR_SET_PDEATHSIG`), so one thread that never ends
//! starts every child. This module never decides when to restart anything.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

use rustix::process::{Pid, Signal};
use tokio::sync::watch;

mod guard;
mod spawner;

pub use guard::guard;

/// What the kernel sends a child when its parent is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeathSignal {
    /// SIGKILL: functions.
    Kill,
    /// SIGINT: Postgres' fast shutdown.
    Interrupt,
    /// SIGTERM: for shells, which hear SIGINT in no background job.
    Terminate,
}

impl DeathSignal {
    fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Interrupt => "interrupt",
            Self::Terminate => "terminate",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Kill, Self::Interrupt, Self::Terminate].into_iter().find(|signal| signal.word() == word)
    }

    fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::KILL,
            Self::Interrupt => Signal::INT,
            Self::Terminate => Signal::TERM,
        }
    }
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

impl Launch {
    /// A program without arguments, environment or log, that is killed when its parent dies.
    pub fn new(guard: impl Into<PathBuf>, program: impl Into<PathBuf>) -> Self {
        Self {
            guard: guard.into(),
            prefix: Vec::new(),
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            log: None,
            user: None,
            death_signal: DeathSignal::Kill,
        }
    }
}

/// A running child. Dropping the last clone sends it its death signal.
#[derive(Clone, Debug)]
pub struct Process {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pid: Pid,
    death_signal: DeathSignal,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts a child from the thread that lives as long as this process.
    pub async fn start(launch: Launch) -> std::io::Result<Self> {
        let death_signal = launch.death_signal;
        let (pid, exit) = spawner::start(launch).await?;
        Ok(Self { inner: Arc::new(Inner { pid, death_signal, exit }) })
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.inner.pid.as_raw_pid().unsigned_abs()
    }

    /// SIGKILL. Does nothing once the child is gone, as do the others.
    pub fn kill(&self) {
        self.inner.signal(Signal::KILL);
    }

    /// SIGINT.
    pub fn interrupt(&self) {
        self.inner.signal(Signal::INT);
    }

    /// SIGSTOP.
    pub fn freeze(&self) {
        self.inner.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.inner.signal(Signal::CONT);
    }

    /// How it ended, or `None` while it runs.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.inner.exit.borrow()
    }

    /// Waits until it has ended. A child whose end could not be seen counts as killed.
    pub async fn wait(&self) -> ExitStatus {
        use std::os::unix::process::ExitStatusExt;
        let mut exit = self.inner.exit.clone();
        let ended = exit.wait_for(Option::is_some).await.ok().and_then(|status| *status);
        ended.unwrap_or_else(|| ExitStatus::from_raw(Signal::KILL.as_raw()))
    }
}

impl Inner {
    /// A child is reaped and its exit published by the same thread, so a pid is signalled only while it is ours (but
    /// for the instant between the two, far shorter than a pid takes to come round again).
    fn signal(&self, signal: Signal) {
        if self.exit.borrow().is_none() && self.exit.has_changed().is_ok() {
            let _ = send(self.pid, signal);
        }
    }
}

/// To the program alone: Postgres' own children share its group.
#[cfg(target_os = "linux")]
fn send(pid: Pid, signal: Signal) -> rustix::io::Result<()> {
    rustix::process::kill_process(pid, signal)
}

/// To the group: the guard stays between us and the program.
#[cfg(not(target_os = "linux"))]
fn send(pid: Pid, signal: Signal) -> rustix::io::Result<()> {
    rustix::process::kill_process_group(pid, signal)
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.signal(self.death_signal.signal());
        self.signal(Signal::CONT);
    }
}
