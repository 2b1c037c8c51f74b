//! The rules of execution as transactions: how a run comes to be, is claimed, settled and stopped.
//!
//! The portal creates and cancels runs here, the dispatcher claims and settles, both plan schedules. Everything works inside
//! a transaction that the caller began and will commit, and hands back the messages to send once it has. Nothing here calls
//! a platform, sends a message, or ends a transaction.
//!
//! One lock order, everywhere: workspace, job or schedule, slots by key, runs by id. **Whoever moves a task run or an attempt
//! holds its run's row**, so two transactions never work one run's graph at once and below the run nothing needs a lock.

mod cancel;
mod create;
mod schedule;
mod wake;

use jiff::Timestamp;

use crate::{
    clock::Clock,
    db::TenantTx,
    model::{
        ids::{ScheduleId, UserId},
        tenant::Route,
    },
    queue::Message,
};

pub use cancel::{Cancelled, cancel_run};
pub use create::{Created, NewRun, Origin, create_run};
pub use schedule::{Planned, plan_schedule};
pub use wake::{owe, wake};

/// A message due within this is sent by whoever made it due, with a delay; a later one by the scheduler's sweep.
pub const LOOK_AHEAD_S: i64 = 90;

/// Messages to send after the commit, each with its delay in seconds.
pub type Messages = Vec<(Message, i32)>;

/// A transaction in one workspace, and what the rules need beside it.
#[derive(Clone, Copy)]
pub struct Within<'a> {
    /// The open transaction.
    pub tx: &'a TenantTx,
    /// The workspace it is in.
    pub route: &'a Route,
    /// For fresh ids; instants are the database's.
    pub clock: &'a Clock,
}

/// Who moved something, as the log of events says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    User(UserId),
    /// A schedule.
    Schedule(ScheduleId),
    /// Ourselves.
    System,
}

/// Whole seconds from one instant to a later one, rounded up, so that a delayed message never comes early; none if it has passed.
pub(crate) fn delay_s(now: Timestamp, at: Timestamp) -> i64 {
    let ms = at.duration_since(now).as_millis();
    i64::try_from((ms + 999) / 1000).unwrap_or(i64::MAX).max(0)
}
