//! Lambda on one machine: functions, their instances, and invoking them.
//!
//! The gateway, event sources, ticks and the control API call [`Functions::invoke`]. Each function runs as up to
//! `max_instances` child processes that ask for events over the Lambda Runtime API, exactly as in AWS; an instance is
//! started when an event finds all others busy, and kept. This module never retries an event that a function has
//! seen: its source does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

mod environment;
mod function;
mod instance;
mod runtime_api;

pub use environment::Host;
use function::Function;

/// Largest event and largest answer of a synchronous invocation (AWS "Lambda quotas": 6 MB each).
pub const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// One function: a binary that speaks the Lambda Runtime API.
#[derive(Clone, Debug)]
pub struct FunctionSettings {
    /// Name, as in `dispatcher`.
    pub name: String,
    /// The program.
    pub binary: PathBuf,
    /// Its arguments. The real functions take none.
    pub arguments: Vec<String>,
    /// `SIGNALBOX_*` and whatever else the function needs. The cloud itself adds the `AWS_*` names; nothing is
    /// inherited from the runner's own environment.
    pub environment: Vec<(String, String)>,
    /// As in Lambda: an invocation that takes longer is killed.
    pub timeout: Duration,
    /// How many instances may run side by side (at least 1).
    pub max_instances: usize,
    /// User and group of the child, when it must not be the runner's.
    pub user: Option<(u32, u32)>,
}

/// Why an invocation gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No such function.
    #[error("there is no function named {0}")]
    NoFunction(String),
    /// The function answered with an error.
    #[error("{error_type}: {message}")]
    Function {
        /// Lambda's `errorType`.
        error_type: String,
        /// Lambda's `errorMessage`.
        message: String,
    },
    /// The timeout passed and the instance was killed.
    #[error("Task timed out after {0:.2} seconds")]
    TimedOut(f64),
    /// The instance died, was killed, or never asked for its first event.
    #[error("Runtime exited: {0}")]
    Crashed(String),
    /// The event or the answer is larger than Lambda's 6 MiB.
    #[error("the payload is larger than 6 MiB")]
    TooLarge,
    /// The process could not be started.
    #[error("cannot start the function")]
    Spawn(#[source] std::io::Error),
    /// The cloud is stopping.
    #[error("the local cloud is stopping")]
    Stopping,
}

/// What a function is doing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FunctionState {
    /// Process ids of instances that wait for an event.
    pub idle: Vec<u32>,
    /// Process ids of instances that work on one.
    pub busy: Vec<u32>,
    /// Process ids of instances that are frozen.
    pub frozen: Vec<u32>,
    /// Invocations since the start, and how many of them failed.
    pub invocations: u64,
    /// Invocations that gave no answer.
    pub failures: u64,
}

/// Every function of the cloud, by name.
#[derive(Default)]
pub struct Functions {
    by_name: RwLock<BTreeMap<String, Arc<Function>>>,
}

impl Functions {
    /// Declares a function, replacing one of the same name. Its log is begun anew when it has grown too large.
    pub fn add(&self, settings: FunctionSettings, host: &Arc<Host>) -> std::io::Result<()> {
        host.trim_log(&settings.name)?;
        let name = settings.name.clone();
        let function = Arc::new(Function::new(settings, host.clone()));
        let replaced = self.by_name.write().unwrap_or_else(PoisonError::into_inner).insert(name, function);
        if let Some(replaced) = replaced {
            replaced.close();
        }
        Ok(())
    }

    /// Whether a function has that name.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Invokes a function and waits for its answer. An invocation once begun goes on although nobody waits for it.
    pub async fn invoke(&self, name: &str, event: Bytes) -> Result<Bytes, InvokeError> {
        let function = self.get(name).ok_or_else(|| InvokeError::NoFunction(name.to_owned()))?;
        tokio::spawn(async move { function.invoke(event).await }).await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// SIGKILL to every instance; waits until they are gone.
    pub async fn kill(&self, name: &str) -> Option<usize> {
        Some(self.get(name)?.kill().await)
    }

    /// SIGSTOP to every instance.
    pub fn freeze(&self, name: &str) -> Option<usize> {
        Some(self.get(name)?.freeze())
    }

    /// SIGCONT to every frozen instance.
    pub fn thaw(&self, name: &str) -> Option<usize> {
        Some(self.get(name)?.thaw())
    }

    /// What every function is doing.
    pub fn states(&self) -> BTreeMap<String, FunctionState> {
        self.all().into_iter().map(|(name, function)| (name, function.state())).collect()
    }

    /// Refuses further events and kills every instance, without waiting.
    pub fn close(&self) {
        self.all().values().for_each(|function| function.close());
    }

    /// Refuses further events, kills every instance and waits until they are gone.
    pub async fn stop(&self) {
        self.close();
        for function in self.all().into_values() {
            function.kill().await;
        }
    }

    fn get(&self, name: &str) -> Option<Arc<Function>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn all(&self) -> BTreeMap<String, Arc<Function>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
