//! Children die with their parent, whatever killed it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use local::process::{DeathSignal, Launch, Process};

use crate::Folder;

/// A zombie that nobody reaps is dead all the same.
pub(crate) fn is_alive(pid: u64) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit(')').next().unwrap().trim_start().starts_with(['Z', 'X'])
}

fn sleeper() -> Launch {
    let mut launch = Launch::new(env!("CARGO_BIN_EXE_signalbox"), "/bin/sleep");
    launch.arguments = vec!["1000".into()];
    launch
}

#[test]
#[ignore = "started by another test, as a parent"]
#[expect(clippy::disallowed_methods, reason = "the other test says where to write in the environment")]
fn plays_a_parent() {
    let Ok(path) = std::env::var("PID_FILE") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut terminated = sleeper();
        terminated.death_signal = DeathSignal::Terminate;
        let children = [Process::start(sleeper()).await.unwrap(), Process::start(terminated).await.unwrap()];
        // The guard has become sleep when its name is that: a signal sent before proves nothing.
        for child in &children {
            while std::fs::read_to_string(format!("/proc/{}/comm", child.pid())).unwrap().trim() != "sleep" {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        let pids = children.each_ref().map(|child| child.pid().to_string()).join(" ");
        std::fs::write(format!("{path}.new"), pids).unwrap();
        std::fs::rename(format!("{path}.new"), path).unwrap();
        std::future::pending::<()>().await;
    });
}

#[test]
fn children_die_when_their_parent_is_killed_with_kill_9() {
    let folder = Folder::new();
    let pid_file: PathBuf = folder.0.join("pids");
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "guard::plays_a_parent", "--ignored"])
        .env("PID_FILE", &pid_file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pids = soon(|| std::fs::read_to_string(&pid_file).ok());
    let pids: Vec<u64> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    parent.kill().unwrap();
    parent.wait().unwrap();
    soon(|| pids.iter().all(|pid| !is_alive(*pid)).then_some(()));
}

#[test]
fn a_guard_whose_parent_is_already_gone_starts_nothing() {
    let guard = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .args(["guard", "1", "kill", "/bin/echo", "started"])
        .output()
        .unwrap();
    assert!(!guard.status.success());
    assert_eq!(guard.stdout, b"");
}

#[tokio::test]
async fn a_child_dies_with_the_last_handle_on_it() {
    let child = Process::start(sleeper()).await.unwrap();
    let pid = child.pid().into();
    drop(child.clone());
    assert!(is_alive(pid));
    drop(child);
    crate::eventually("its death", || !is_alive(pid)).await;
}

#[tokio::test]
async fn a_program_that_does_not_exist_ends_at_once() {
    let launch = Launch::new(env!("CARGO_BIN_EXE_signalbox"), "/does/not/exist");
    let status = Process::start(launch).await.unwrap().wait().await;
    assert_eq!(status.code(), Some(127));
}

fn soon<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}
