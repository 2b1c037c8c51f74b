//! The rules of execution as transactions: how a run comes to be, is claimed, settled and stopped.
//!
//! The portal creates and cancels runs here, the dispatcher claims and settles, both plan schedules. Everything works inside
//! a transaction that the caller began and will commit, and hands back the messages to send once it has. Nothing here calls
//! a platform, sends a message, or ends a transaction.
//!
//! One lock order, everywhere: workspace, job or schedule, slots by key, runs by id. **Whoever moves a task run or an attempt
//! holds its run's row**, so two transactions never work one run's graph at once and below the run nothing needs a lock.

mod admit;
mod answer;
mod attempt;
mod batch;
mod cancel;
mod changes;
mod claim;
mod create;
mod kept;
mod known;
mod missed;
mod moves;
mod outcome;
mod poll;
mod render;
mod schedule;
mod settle;
mod sheet;
mod stop;
mod taken;
mod wake;
mod watch;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    clock::Clock,
    db::TenantTx,
    model::{
        ids::{Id, ScheduleId, UserId},
        tenant::Route,
    },
    queue::Message,
};

pub use admit::{Admitted, admit};
pub use answer::{Answer, Outcome};
pub use cancel::{Cancelled, cancel_run};
pub use claim::{FUNCTION_S, SEND_WITHIN_S, claim};
pub use create::{Created, NewRun, Origin, Unfit, create_run};
pub use known::{Connection, Known, Sealed, connection_of_test};
pub use missed::{Missed, record_missed};
pub use poll::{InFlight, Round, Stray, begin_round, end_round};
pub use schedule::{Fired, Planned, fire, plan_schedule};
pub use settle::{Settled, settle};
pub use sheet::Version;
pub use stop::stop_run;
pub use taken::{Budget, Claimed, Taken, Wanted};
pub use wake::{owe, wake};
pub use watch::{plan_watch, watch};

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

impl Actor {
    /// The two columns.
    fn columns(self) -> (&'static str, Option<Uuid>) {
        match self {
            Self::User(id) => ("user", Some(id.uuid())),
            Self::Schedule(id) => ("schedule", Some(id.uuid())),
            Self::System => ("system", None),
        }
    }
}

/// Whole seconds from one instant to a later one, rounded up, so that a delayed message never comes early; none if it has passed.
pub(crate) fn delay_s(now: Timestamp, at: Timestamp) -> i64 {
    let ms = at.duration_since(now).as_millis();
    i64::try_from((ms + 999) / 1000).unwrap_or(i64::MAX).max(0)
}

/// An instant so many seconds later.
pub(crate) fn later(now: Timestamp, s: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(s)).unwrap_or(now)
}
