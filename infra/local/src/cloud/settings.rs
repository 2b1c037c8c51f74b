//! What the runner and the tests say about the local cloud.

use std::path::PathBuf;
use std::sync::Arc;

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
