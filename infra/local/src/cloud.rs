//! The local cloud as one object: what the runner starts and what tests drive.
//!
//! A [`Cloud`] starts with only its AWS endpoint (and control socket), so that queue URLs and secret ARNs are known
//! before the first function needs them. The caller then adds queues, functions, event sources, ticks and the
//! gateway in its own order. It never reads `SIGNALBOX_*` settings and knows nothing of what functions do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::SignedDuration;
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::lambda::{FunctionState, InvokeError};
use crate::sqs::{Faults, QueueStats};

mod settings;

pub use crate::event_source::EventSourceSettings;
pub use crate::gateway::RouteSettings;
pub use crate::lambda::FunctionSettings;
pub use crate::sqs::QueueSettings;
pub use crate::ticker::TickSettings;
pub use settings::CloudSettings;

/// What went wrong while the cloud was set up or driven.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// A socket could not be opened.
    #[error("cannot listen on {what}")]
    Listen {
        /// Which socket.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No such function.
    #[error("there is no function named {0}")]
    NoFunction(String),
    /// No such queue.
    #[error("there is no queue named {0}")]
    NoQueue(String),
    /// The log folder or a log file could not be made.
    #[error("cannot open the log {path}")]
    Log {
        /// The file.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A route key that is not `METHOD /path` or `$default`.
    #[error("{0:?} is not a route key")]
    RouteKey(String),
}

/// A running local cloud. Cheap to clone; [`Cloud::stop`] ends the children, and so does dropping the last clone.
#[derive(Clone)]
pub struct Cloud {
    _inner: Arc<()>,
}

impl Cloud {
    /// Opens the AWS endpoint on an ephemeral loopback port, and the control socket if one is set.
    pub async fn start(settings: CloudSettings) -> Result<Self, CloudError> {
        let _ = settings;
        todo!()
    }

    /// `AWS_ENDPOINT_URL` for SQS and Secrets Manager: `http://127.0.0.1:PORT`.
    pub fn endpoint_url(&self) -> String {
        todo!()
    }

    /// The clock that was given.
    pub fn clock(&self) -> &Clock {
        todo!()
    }

    /// The ARN under which a secret of the store is read.
    pub fn secret_arn(&self, name: &str) -> String {
        let _ = name;
        todo!()
    }

    /// Makes a queue (or changes its settings) and returns its URL. The dead-letter queue must exist already.
    pub fn create_queue(&self, settings: QueueSettings) -> Result<String, CloudError> {
        let _ = settings;
        todo!()
    }

    /// Declares a function. Nothing starts until it is invoked.
    pub fn add_function(&self, settings: FunctionSettings) -> Result<(), CloudError> {
        let _ = settings;
        todo!()
    }

    /// Invokes a function and waits for its answer.
    pub async fn invoke(&self, function: &str, event: impl Into<Bytes>) -> Result<Bytes, InvokeError> {
        let _ = (function, event.into());
        todo!()
    }

    /// Starts feeding a queue to a function.
    pub fn subscribe(&self, settings: EventSourceSettings) -> Result<(), CloudError> {
        let _ = settings;
        todo!()
    }

    /// Starts a schedule. The first event comes on the next multiple of the period.
    pub fn tick(&self, settings: TickSettings) -> Result<(), CloudError> {
        let _ = settings;
        todo!()
    }

    /// Sends one scheduled event now and waits for the function's answer.
    pub async fn tick_now(&self, function: &str) -> Result<Bytes, InvokeError> {
        let _ = function;
        todo!()
    }

    /// Serves the gateway on a socket the caller has bound.
    pub fn serve_gateway(
        &self,
        listener: TcpListener,
        routes: Vec<RouteSettings>,
    ) -> Result<SocketAddr, CloudError> {
        let _ = (listener, routes);
        todo!()
    }

    /// `kill -9` of every instance of a function; the next event starts a new one. Returns how many died.
    pub async fn kill(&self, function: &str) -> Result<usize, CloudError> {
        let _ = function;
        todo!()
    }

    /// SIGSTOP of every instance. New events go to new instances: what is frozen is a zombie until it is thawed.
    pub fn freeze(&self, function: &str) -> Result<usize, CloudError> {
        let _ = function;
        todo!()
    }

    /// SIGCONT of every frozen instance.
    pub fn thaw(&self, function: &str) -> Result<usize, CloudError> {
        let _ = function;
        todo!()
    }

    /// Stops or starts again the delivery of a queue's messages to its function.
    pub fn pause_queue(&self, queue: &str, paused: bool) -> Result<(), CloudError> {
        let _ = (queue, paused);
        todo!()
    }

    /// Moves the clock forward (or back).
    pub fn shift_time(&self, step: SignedDuration) {
        let _ = step;
        todo!()
    }

    /// Sets what goes wrong on a queue from now on.
    pub fn set_faults(&self, queue: &str, faults: Faults) -> Result<(), CloudError> {
        let _ = (queue, faults);
        todo!()
    }

    /// Removes every message of a queue.
    pub fn purge_queue(&self, queue: &str) -> Result<(), CloudError> {
        let _ = queue;
        todo!()
    }

    /// Counts of every queue, by name.
    pub fn queues(&self) -> BTreeMap<String, QueueStats> {
        todo!()
    }

    /// Instances of every function, by name.
    pub fn functions(&self) -> BTreeMap<String, FunctionState> {
        todo!()
    }

    /// Ends event sources and ticks, kills every instance and waits until they are gone.
    pub async fn stop(&self) {
        todo!()
    }
}
