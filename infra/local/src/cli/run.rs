//! `signalbox`: build, start, seed, say where, wait for the end.

use tokio::signal::unix::{SignalKind, signal};

use super::sentence;
use crate::settings::{self, StackSettings};
use crate::stack::{Stack, build};

/// Runs the stack until it is told to stop.
pub(super) async fn run(settings: StackSettings) -> Result<(), String> {
    let mut stop = Stop::listen()?;
    let stack = tokio::select! {
        started = start(settings) => started?,
        () = stop.asked() => return Ok(()),
    };
    println!("signalbox is ready at {}", stack.url());
    stop.asked().await;
    hint("stopping");
    tokio::select! {
        () = stack.stop() => {}
        // A second request does not wait: the children die with us.
        () = stop.asked() => {}
    }
    Ok(())
}

async fn start(settings: StackSettings) -> Result<Stack, String> {
    // What needs no function is looked at first: building them may take minutes.
    Stack::check(&settings).await.map_err(|error| sentence(&error))?;
    hint("building the functions");
    let (binaries, data) = (settings.binaries.clone(), settings.data_dir.clone());
    let built = tokio::task::spawn_blocking(move || build(&binaries)).await;
    built.map_err(|error| error.to_string())??;
    hint("starting Postgres, the queues and the functions");
    let settings = StackSettings { progress: hint, ..settings };
    let stack = Stack::start(settings).await.map_err(|error| sentence(&error))?;
    hint(&format!("the functions' logs are in {}", data.join("log").display()));
    let named = match data == settings::default_data_dir() {
        true => String::new(),
        false => format!("--data {} ", data.display()),
    };
    hint(&format!("sign in as ada, ben, clara, dan or eva; for the API: cargo run -- {named}token ada"));
    let door = format!("{}/operators/login", stack.url());
    hint(&format!(
        "the platform operators' own door: {door}, as olga; for its API: cargo run -- {named}token olga"
    ));
    Ok(stack)
}

fn hint(what: &str) {
    eprintln!("signalbox: {what}");
}

/// Ctrl-C and SIGTERM.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> Result<Self, String> {
        let on = |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
        Ok(Self { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
