//! Why the cloud could not do what it was told.

use crate::sqs::SqsError;

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
    /// The queue service refused.
    #[error("queue {queue}")]
    Queue {
        /// The queue's name.
        queue: String,
        /// Why.
        source: SqsError,
    },
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
