//! Lambda on one machine (being written).

use serde::Serialize;

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
