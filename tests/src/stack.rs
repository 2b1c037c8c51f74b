//! The stack under test: the real function binaries under the local cloud, one stack for all tests of a process.
//!
//! [`with`] gives a test the shared stack, [`own`] starts one that a test may stop, kill and move through time. Both live
//! on one runtime of this module, because a child is reaped by the runtime that started it. Nothing here knows the API.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use local::settings::{self, StackSettings};
use local::stack::{Stack, build};
use rustix::process::{Pid, test_kill_process};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::world;

/// Spare workspaces made before the first test: each tenant of a test claims one.
const SPARES: u32 = 12;

/// What the functions of a stack under test may reach on loopback beside the worlds. A test that runs a real platform
/// asks [`port`] where to put it.
const PLATFORMS: [(&str, &str); 2] = [("airflow", "http"), ("openbao", "http")];

/// Databases beside the first of the stack of [`with_databases`]: each tenant with a database of its own takes one.
const DATABASES: [&str; 6] = ["north", "south", "east", "west", "inland", "overseas"];

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static SHARED: OnceCell<Result<Stack, String>> = OnceCell::const_new();
static BESIDE: OnceCell<Result<Stack, String>> = OnceCell::const_new();
static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
static PORTS: OnceLock<Vec<(&str, u16)>> = OnceLock::new();

/// Runs a test on the stack that the tests of this process share.
pub fn with<T>(test: impl AsyncFnOnce(&'static Stack) -> T) -> T {
    run(async { test(shared().await).await })
}

/// Runs a test on the stack with several databases that the tests of this process share. There are as many tenants with a
/// database of their own as it has databases beside the first; a workspace beside them in one is
/// [`crate::tenant::Workspace::claim_beside`]'s.
pub fn with_databases<T>(test: impl AsyncFnOnce(&'static Stack) -> T) -> T {
    run(async {
        let started = BESIDE.get_or_init(|| async {
            let databases = DATABASES.map(str::to_owned).to_vec();
            start(StackSettings { databases, ..settings_in(&folder("databases")) }).await
        });
        match started.await {
            Ok(stack) => test(stack).await,
            Err(why) => panic!("the stack with several databases did not start: {why}"),
        }
    })
}

/// Runs a test on the runtime of this module, for a test that starts its own stack or needs none.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    runtime().block_on(test)
}

/// The stack that the tests of this process share.
pub async fn shared() -> &'static Stack {
    let started = SHARED.get_or_init(|| async {
        let stack = start(settings_in(&folder("shared"))).await?;
        let refill = json!({ "do": "refill", "spares": SPARES });
        stack.order(refill).await.map_err(|error| sentence(&error))?;
        Ok(stack)
    });
    match started.await {
        Ok(stack) => stack,
        Err(why) => panic!("the shared stack did not start: {why}"),
    }
}

/// Starts a stack for one test, in a folder of its own. The caller may change the settings first.
pub async fn own(change: impl FnOnce(&mut StackSettings)) -> Stack {
    static OWN: AtomicUsize = AtomicUsize::new(1);
    let mut settings = settings_in(&folder(&format!("own-{}", OWN.fetch_add(1, Ordering::Relaxed))));
    change(&mut settings);
    match start(settings).await {
        Ok(stack) => stack,
        Err(why) => panic!("a stack did not start: {why}"),
    }
}

/// Starts a stack again in the folder of one that was stopped.
pub async fn again(data_dir: &Path) -> Stack {
    match start(settings_in(data_dir)).await {
        Ok(stack) => stack,
        Err(why) => panic!("the stack did not start again: {why}"),
    }
}

/// The loopback port that the functions may reach and nobody listens on: for a real platform that a test starts.
pub fn port(platform: &str) -> u16 {
    ports().iter().find(|(name, _)| *name == platform).map(|(_, port)| *port).expect("a known platform")
}

/// The folder of the binaries, built once a process.
pub fn binaries() -> PathBuf {
    match BUILT.get_or_init(|| build(&settings::binaries())) {
        Ok(()) => settings::binaries(),
        Err(why) => panic!("{why}"),
    }
}

async fn start(settings: StackSettings) -> Result<Stack, String> {
    tokio::task::spawn_blocking(binaries).await.map_err(|_| "the functions do not build".to_owned())?;
    Stack::start(settings).await.map_err(|error| sentence(&error))
}

fn settings_in(data_dir: &Path) -> StackSettings {
    let platforms = PLATFORMS.iter().map(|(name, scheme)| format!("{scheme}://127.0.0.1:{}", port(name)));
    StackSettings {
        port: Some(0),
        binaries: settings::binaries(),
        extra_egress: platforms.chain([world::origin()]).collect(),
        seed: false,
        database_url: None,
        log: "debug".to_owned(),
        ..StackSettings::new(data_dir)
    }
}

fn runtime() -> &'static Runtime {
    RUNTIME.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
        runtime.expect("a runtime")
    })
}

/// A folder below `target/it/PID`; the first call removes those of processes that are gone.
pub fn folder(name: &str) -> PathBuf {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    let root = ROOT.get_or_init(|| {
        let target = settings::binaries().parent().expect("below the target folder").to_owned();
        let all = target.join("it");
        let entries = fs::read_dir(&all).into_iter().flatten().flatten();
        for gone in entries.map(|entry| entry.path()).filter(|path| !is_alive(path)) {
            // What cannot be removed now is removed the next time.
            let _kept = fs::remove_dir_all(gone);
        }
        all.join(std::process::id().to_string())
    });
    root.join(name)
}

fn is_alive(folder: &Path) -> bool {
    let pid = folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    pid.and_then(Pid::from_raw).is_some_and(|pid| test_kill_process(pid).is_ok())
}

fn ports() -> &'static [(&'static str, u16)] {
    PORTS.get_or_init(|| {
        // Held together, so that no two are the same.
        let free = || std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let held: Vec<_> = PLATFORMS.iter().map(|(name, _)| (*name, free())).collect();
        held.iter().map(|(name, held)| (*name, held.local_addr().expect("bound").port())).collect()
    })
}

fn sentence(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
