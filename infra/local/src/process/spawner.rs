//! The thread that starts every child, and the threads that wait for their ends.
//!
//! No async runtime is involved, so children of a test whose runtime has ended are still reaped and still signalled.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use rustix::process::{Pid, Signal};
use tokio::sync::{oneshot, watch};

use super::Launch;

struct Order {
    launch: Launch,
    answer: oneshot::Sender<io::Result<Started>>,
}

type Started = (Pid, watch::Receiver<Option<ExitStatus>>);

pub(super) async fn start(launch: Launch) -> io::Result<Started> {
    let (answer, started) = oneshot::channel();
    let gone = || io::Error::other("the thread that starts children is gone");
    thread()?.send(Order { launch, answer }).map_err(|_| gone())?;
    started.await.map_err(|_| gone())?
}

/// One thread per process, which ends with it: a child's parent is this thread.
fn thread() -> io::Result<&'static Sender<Order>> {
    static ORDERS: OnceLock<Sender<Order>> = OnceLock::new();
    if let Some(orders) = ORDERS.get() {
        return Ok(orders);
    }
    let (orders, inbox) = channel::<Order>();
    std::thread::Builder::new().name("children".to_owned()).spawn(move || {
        for order in inbox {
            let started = command(&order.launch).and_then(|mut command| command.spawn()).and_then(watch_over);
            // Whoever asked has gone: nobody would ever end this child.
            if let Err(Ok((pid, _))) = order.answer.send(started) {
                let _ = super::send(pid, Signal::KILL);
            }
        }
    })?;
    Ok(ORDERS.get_or_init(|| orders))
}

/// Waits for the child on a thread of its own. It keeps stdin open until then: on systems without a death signal the
/// guard takes the end of its stdin for the parent's death.
fn watch_over(mut child: Child) -> io::Result<Started> {
    let pid = Pid::from_child(&child);
    let (ended, exit) = watch::channel(None);
    let reaper = std::thread::Builder::new().name(format!("child {}", child.id()));
    reaper.spawn(move || {
        let stdin = child.stdin.take();
        if let Ok(status) = child.wait() {
            ended.send_replace(Some(status));
        }
        drop(stdin);
    })?;
    Ok((pid, exit))
}

fn command(launch: &Launch) -> io::Result<Command> {
    let mut words: Vec<_> = launch.prefix.clone();
    words.push(launch.guard.clone().into());
    words.extend(["guard".into(), std::process::id().to_string().into(), launch.death_signal.word().into()]);
    words.push(launch.program.clone().into());
    words.extend(launch.arguments.iter().cloned());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_clear().envs(launch.environment.iter().map(|(name, value)| (name, value)));
    // A group of its own, so that Ctrl-C at the terminal reaches the runner only, which then ends its children in order.
    command.process_group(0).stdin(if cfg!(target_os = "linux") { Stdio::null() } else { Stdio::piped() });
    if let Some(folder) = &launch.folder {
        command.current_dir(folder);
    }
    if let Some((user, group)) = launch.user {
        command.uid(user).gid(group);
    }
    let (out, err) = match &launch.log {
        Some(path) => {
            let log = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
            (Stdio::from(log.try_clone()?), Stdio::from(log))
        }
        None => (Stdio::null(), Stdio::null()),
    };
    command.stdout(out).stderr(err);
    Ok(command)
}
