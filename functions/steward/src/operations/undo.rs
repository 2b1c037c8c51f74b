//! The way back of a restore, an export and a backup. Such an operation is never ended where it stands: it goes to the step `undo`,
//! which removes what it has made, and ends there. That step has no way back itself; it is tried until it is done.

use lambda_runtime::Error;
use serde_json::json;
use shared::{
    archive::{ArchiveKind, Shelf},
    error::DbError,
    model::operation::OperationKind,
    store::operations::Taken,
};

use super::{Next, OverTime, relocate, restore};
use crate::Steward;

/// The step.
pub(super) const UNDO: &str = "undo";

/// The way back for a step that is given up, where there is one.
pub(super) fn given_up(taken: &Taken, why: &str) -> Option<Next> {
    if taken.kind == OperationKind::Move {
        return relocate::given_up(taken);
    }
    let has_way_back = taken.kind.may_be_given_up() && ![UNDO, restore::RETIRE].contains(&&*taken.step);
    has_way_back.then(|| back(taken, why))
}

/// The way back, and why it is taken: for the people of the workspace.
pub(super) fn back(taken: &Taken, why: &str) -> Next {
    let mut progress = taken.progress.clone();
    progress["undo"] = json!({ "why": why });
    Next::Step(UNDO, progress)
}

/// The end of the way back. Where somebody cancelled it, that stands there in place of a reason.
pub(super) fn undone(taken: &Taken) -> Next {
    match taken.progress["undo"]["why"].as_str() {
        Some(why) => Next::Refused(why.to_owned()),
        None => Next::Cancelled,
    }
}

/// The way back of an export or a backup: what it has written.
pub(super) async fn of_archive(steward: &Steward, taken: &Taken, kind: ArchiveKind) -> Result<Next, Error> {
    steward.archive.remove(Shelf { tenant: taken.route.tenant, kind, id: taken.id }).await?;
    Ok(undone(taken))
}

/// A failure as the people of the workspace are told it; the log has the rest.
pub(super) fn told(error: &Error) -> &'static str {
    if error.is::<OverTime>() {
        return "it takes longer than there is time for it";
    }
    match error.downcast_ref::<DbError>() {
        Some(error) if error.is_over_time() => "a statement took longer than it may",
        Some(DbError::Retry(_) | DbError::Unavailable(_)) => "the database could not be reached, or was busy",
        Some(_) => "the database refused it",
        None => "something that it needs could not be used",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_reason_says_what_kind_of_thing_went_wrong_and_nothing_of_its_words() {
        let words = "connect to 10.0.0.1 as t_0123";
        let over: Error = OverTime(Duration::from_secs(200)).into();
        assert_eq!(told(&over), "it takes longer than there is time for it");
        let busy: Error = DbError::Unavailable(words.into()).into();
        assert_eq!(told(&busy), "the database could not be reached, or was busy");
        let refused: Error = DbError::Defect(words.into()).into();
        assert_eq!(told(&refused), "the database refused it");
        assert_eq!(told(&words.into()), "something that it needs could not be used");
    }
}
