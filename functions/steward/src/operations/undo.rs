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

use super::{Next, relocate, restore};
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

/// The end of the way back.
pub(super) fn undone(taken: &Taken) -> Next {
    let why = taken.progress["undo"]["why"].as_str().unwrap_or_default();
    Next::Refused(why.to_owned())
}

/// The way back of an export or a backup: what it has written.
pub(super) async fn of_archive(steward: &Steward, taken: &Taken, kind: ArchiveKind) -> Result<Next, Error> {
    steward.archive.remove(Shelf { tenant: taken.route.tenant, kind, id: taken.id }).await?;
    Ok(undone(taken))
}

/// A failure as the people of the workspace are told it; the log has the rest.
pub(super) fn told(error: &Error) -> &'static str {
    match error.downcast_ref::<DbError>() {
        Some(DbError::Retry(_) | DbError::Unavailable(_)) => "the database could not be reached, or was busy",
        Some(_) => "the database refused it",
        None => "something that it needs could not be used",
    }
}
