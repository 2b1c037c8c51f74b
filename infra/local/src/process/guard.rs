//! The `guard` command: ask for a signal at the parent's death, then become the program.

use std::ffi::OsString;
use std::io;
use std::process::Command;

use super::DeathSignal;

/// `signalbox guard PARENT_PID kill|interrupt|terminate PROGRAM [ARGUMENT…]`, called at the very start of `main`, before any
/// thread exists, with the arguments after `guard`. Returns only when it could not become the program (on Linux), or
/// when the program has ended (elsewhere).
pub fn guard(mut arguments: impl Iterator<Item = OsString>) -> io::Error {
    let usage =
        || io::Error::new(io::ErrorKind::InvalidInput, "guard PARENT_PID kill|interrupt|terminate PROGRAM …");
    let mut next = || arguments.next().ok_or_else(usage);
    let words = (|| Ok::<_, io::Error>((next()?, next()?, next()?)))();
    let (parent, signal, program) = match words {
        Ok(words) => words,
        Err(error) => return error,
    };
    let Some(parent) = parent.to_str().and_then(|word| word.parse().ok()) else { return usage() };
    let Some(signal) = signal.to_str().and_then(DeathSignal::parse) else { return usage() };
    let mut command = Command::new(program);
    command.args(arguments);
    become_program(parent, signal, command)
}

/// The signal survives exec but not a change of user, so the guard already runs as its final user (prctl(2)). A
/// parent that died before the request is seen by its id, since no signal will come for it any more.
#[cfg(target_os = "linux")]
fn become_program(parent: i32, signal: DeathSignal, mut command: Command) -> io::Error {
    use std::os::unix::process::CommandExt;
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(signal.signal())) {
        return error.into();
    }
    if rustix::process::getppid().map(rustix::process::Pid::as_raw_pid) != Some(parent) {
        return io::Error::other("the parent is gone");
    }
    command.exec()
}

/// No death signal here: the guard stays, and takes the end of its stdin for its parent's death. The child shares
/// its process group, so signals sent to the group reach both.
#[cfg(not(target_os = "linux"))]
fn become_program(_parent: i32, signal: DeathSignal, mut command: Command) -> io::Error {
    use std::io::Read;
    let mut child = match command.stdin(std::process::Stdio::null()).spawn() {
        Ok(child) => child,
        Err(error) => return error,
    };
    let pid = rustix::process::Pid::from_child(&child);
    std::thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = rustix::process::kill_process(pid, signal.signal());
    });
    match child.wait() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
