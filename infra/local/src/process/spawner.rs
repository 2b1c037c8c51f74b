//! The thread that starts every child, and the task that reaps it.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use rustix::process::Pid;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use super::{DeathSignal, Launch};

struct Order {
    launch: Launch,
    runtime: Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

pub(super) async fn start(launch: Launch) -> io::Result<(Pid, watch::Receiver<Option<ExitStatus>>)> {
    let (answer, started) = oneshot::channel();
    let order = Order { launch, runtime: Handle::current(), answer };
    thread()?.send(order).map_err(|_| io::Error::other("the thread that starts children is gone"))?;
    let child =
        started.await.map_err(|_| io::Error::other("the thread that starts children gave no answer"))??;
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("a child not yet waited for");
    let (ended, exit) = watch::channel(None);
    tokio::spawn(reap(child, ended));
    Ok((pid, exit))
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
            let _entered = order.runtime.enter();
            let _ = order.answer.send(command(&order.launch).and_then(|mut command| command.spawn()));
        }
    })?;
    Ok(ORDERS.get_or_init(|| orders))
}

fn command(launch: &Launch) -> io::Result<Command> {
    let mut words: Vec<_> = launch.prefix.clone();
    words.push(launch.guard.clone().into());
    words.extend(["guard".into(), std::process::id().to_string().into(), launch.death_signal.word().into()]);
    words.push(launch.program.clone().into());
    words.extend(launch.arguments.iter().cloned());
    let mut command = std::process::Command::new(&words[0]);
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
    let mut command = Command::from(command);
    command.kill_on_drop(launch.death_signal == DeathSignal::Kill);
    Ok(command)
}

/// Keeps stdin open until the end: on systems without a death signal the guard takes its end for the parent's death.
async fn reap(mut child: Child, ended: watch::Sender<Option<ExitStatus>>) {
    let stdin = child.stdin.take();
    if let Ok(status) = child.wait().await {
        ended.send_replace(Some(status));
    }
    drop(stdin);
}
