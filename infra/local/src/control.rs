//! The control API: what `signalbox` commands and shell scripts use to look at a running stack and to hurt it.
//!
//! A unix socket in the data folder, mode 0600, since whoever may use it may invoke any function. Tests that hold the
//! [`crate::cloud::Cloud`] itself don't need it. It speaks HTTP:
//!
//! | call | does |
//! |---|---|
//! | `GET /state` | clock, functions, queues |
//! | `POST /functions/{name}/invoke` | invokes with the body as event; answers what the function answers |
//! | `POST /functions/{name}/{kill,restart,freeze,thaw,tick}` | answers how many instances, or the tick's answer |
//! | `POST /clock` | body `{"shift_seconds": 3600}` |
//! | `POST /queues/{name}/faults` | body: [`crate::sqs::Faults`] |
//! | `POST /queues/{name}/{purge,pause,resume}` | |

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::net::UnixListener;

use crate::cloud::Handle;

mod client;
mod routes;

pub use client::{ControlError, call};

/// Makes the socket, replacing one that nobody answers on.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another stack is running here")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    // The data folder is the user's own (0700), so nobody can connect in between.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until the task is aborted.
pub(crate) async fn serve(listener: UnixListener, cloud: Handle) {
    if let Err(error) = axum::serve(listener, routes::routes(cloud)).await {
        tracing::error!(%error, "the control socket stopped");
    }
}
