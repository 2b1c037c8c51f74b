//! What the runner and the tests say about the local cloud.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::secrets_manager::SecretStore;

/// How to start a [`super::Cloud`]. Functions, queues and routes are added afterwards, in the order they are needed.
pub struct CloudSettings {
    /// The region that ARNs and `AWS_REGION` name.
    pub region: String,
    /// The `signalbox` binary, whose `guard` command starts every child. A test passes the built binary; the runner
    /// passes its own path.
    pub guard: PathBuf,
    /// Where `<function>.log` files are appended.
    pub log_folder: PathBuf,
    /// Where the control socket is made (mode 0600), or `None` for no control API.
    pub control_socket: Option<PathBuf>,
    /// Where secrets are read and written.
    pub secrets: Arc<dyn SecretStore>,
    /// The clock that ticks, delays and visibility follow.
    pub clock: Clock,
}

/// One SQS queue.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// Name, as in `work`.
    pub name: String,
    /// How long a received message stays hidden.
    pub visibility_timeout: Duration,
    /// The name of the dead-letter queue and how often a message is received before it goes there.
    pub redrive: Option<(String, u32)>,
}

/// One function: a binary that speaks the Lambda Runtime API.
#[derive(Clone, Debug)]
pub struct FunctionSettings {
    /// Name, as in `dispatcher`.
    pub name: String,
    /// The program.
    pub binary: PathBuf,
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

/// A queue that feeds a function.
#[derive(Clone, Debug)]
pub struct EventSourceSettings {
    /// The queue's name.
    pub queue: String,
    /// The function's name.
    pub function: String,
    /// Most records in one event (AWS's default: 10).
    pub batch_size: usize,
    /// How many batches are worked side by side.
    pub concurrency: usize,
}

/// A schedule that sends an EventBridge event to a function.
#[derive(Clone, Debug)]
pub struct TickSettings {
    /// The function's name.
    pub function: String,
    /// The period; ticks fall on its multiples (each minute, on the minute).
    pub every: Duration,
}

/// A route of the gateway, as API Gateway writes it.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// `ANY /auth/{proxy+}`, `GET /healthz` or `$default`.
    pub key: String,
    /// The function's name.
    pub function: String,
}
