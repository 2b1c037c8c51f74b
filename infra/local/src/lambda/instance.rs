//! One instance of a function: a child process and the Runtime API it calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::runtime_api::{Invocation, Phase, RuntimeApi};
use super::{FunctionSettings, Host, InvokeError};
use crate::clock::{random_id, real_now};
use crate::process::Process;

/// AWS "Understanding the Lambda execution environment lifecycle": initialisation has 10 s, and what did not finish
/// by then goes on within the invocation's own time.
const INIT_TIME: Duration = Duration::from_secs(10);

pub(super) struct Instance {
    process: Process,
    api: Arc<RuntimeApi>,
    server: AbortHandle,
    frozen: AtomicBool,
}

/// How an invocation ended.
pub(super) enum Outcome {
    Answered(Result<Bytes, InvokeError>),
    /// The instance was already dying and never saw the event.
    Unseen(Bytes),
}

impl Instance {
    /// Starts the child; it is of no use before [`Instance::ready`].
    pub(super) async fn start(function: &FunctionSettings, host: &Host) -> Result<Self, InvokeError> {
        let (api, address, server) =
            RuntimeApi::open(host.arn(&function.name)).await.map_err(InvokeError::Spawn)?;
        match Process::start(host.launch(function, random_id(), address)).await {
            Ok(process) => Ok(Self { process, api, server, frozen: AtomicBool::new(false) }),
            Err(error) => {
                server.abort();
                Err(InvokeError::Spawn(error))
            }
        }
    }

    /// Waits until it asks for its first event.
    pub(super) async fn ready(&self, timeout: Duration) -> Result<(), InvokeError> {
        let mut phases = self.api.phase();
        let result = tokio::select! {
            biased;
            phase = phases.wait_for(|phase| *phase != Phase::Starting) => match phase.as_deref() {
                Ok(Phase::Failed(reason)) => Err(InvokeError::Crashed(reason.clone())),
                _ => Ok(()),
            },
            status = self.process.wait() => Err(InvokeError::Crashed(format!("{status} before its first event"))),
            () = tokio::time::sleep(INIT_TIME + timeout) => Err(InvokeError::TimedOut(timeout.as_secs_f64())),
        };
        if result.is_err() {
            self.end().await;
        }
        result
    }

    /// Hands over one event and waits for its answer, its death or the timeout, which kills it.
    pub(super) async fn invoke(&self, event: Bytes, timeout: Duration) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let timeout_ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX / 2);
        let deadline_ms = real_now().as_millisecond().saturating_add(timeout_ms);
        self.api.hand_over(Invocation { id: random_id(), event, deadline_ms, answer });
        tokio::select! {
            biased;
            Ok(result) = answered => Outcome::Answered(result),
            status = self.process.wait() => match self.api.take_back().await {
                Some(unseen) => Outcome::Unseen(unseen.event),
                None => Outcome::Answered(Err(InvokeError::Crashed(status.to_string()))),
            },
            () = tokio::time::sleep(timeout) => {
                self.end().await;
                Outcome::Answered(Err(InvokeError::TimedOut(timeout.as_secs_f64())))
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(super) fn is_alive(&self) -> bool {
        self.process.exit_status().is_none()
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    pub(super) fn freeze(&self) {
        self.frozen.store(true, Ordering::Relaxed);
        self.process.freeze();
    }

    pub(super) fn thaw(&self) {
        self.process.thaw();
        self.frozen.store(false, Ordering::Relaxed);
    }

    /// SIGKILL, without waiting.
    pub(super) fn kill(&self) {
        self.process.kill();
    }

    /// SIGKILL, and waits until it is gone.
    pub(super) async fn end(&self) {
        self.process.kill();
        self.process.wait().await;
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.server.abort();
        self.process.kill();
    }
}
