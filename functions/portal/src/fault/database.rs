//! The database's word as an answer: the one place where a [`DbError`] becomes a [`Fault`].

use http::StatusCode;
use shared::{
    error::{DbError, Quota, Refusal},
    model::limit::Limit,
};

use super::Fault;

impl From<DbError> for Fault {
    /// The one place where the database's word becomes an answer.
    fn from(error: DbError) -> Self {
        use StatusCode as S;
        let fault = match &error {
            DbError::Refused(refusal) => return refused(*refusal),
            DbError::Taken { constraint }
                if constraint.ends_with("_name") || constraint.ends_with("_name_key") =>
            {
                return Self::conflict("name_taken", "Another one has that name.");
            }
            DbError::Taken { .. } => Self::conflict("conflict", "It is there already."),
            DbError::Dangling { .. } => return Self::conflict("in_use", "Something else refers to it."),
            // Every write names the version it was read at, under the row's lock: another one was here all the same.
            DbError::Moved { .. } => {
                Self::conflict("conflict", "Somebody else changed it meanwhile. Read it again.")
            }
            DbError::Retry(_) | DbError::Unavailable(_) => {
                let detail = "The database cannot be reached at the moment. Try again in a few seconds.";
                let fault = Self::new(S::SERVICE_UNAVAILABLE, "unavailable", detail);
                Self { retry_after_s: Some(2), may_retry: error.is_retryable(), ..fault }
            }
            DbError::Behind(_) => {
                let detail = "This workspace is being brought up to date. Try again in a few minutes.";
                let fault = Self::new(S::SERVICE_UNAVAILABLE, "upgrading", detail);
                Self { retry_after_s: Some(60), ..fault }
            }
            DbError::Defect(_) | DbError::Elsewhere(_) => {
                Self::new(S::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.")
            }
        };
        fault.because(error)
    }
}

fn refused(refusal: Refusal) -> Fault {
    let forbidden = |code, detail: &str| Fault::new(StatusCode::FORBIDDEN, code, detail);
    match refusal {
        Refusal::NoSession => Fault::unauthenticated(),
        Refusal::Role => forbidden("forbidden", "Your role in this workspace may not do this."),
        Refusal::NotOnboarded | Refusal::Blocked => {
            forbidden("not_onboarded", "Your organisation has no workspace here.")
        }
        Refusal::NoRole => forbidden("no_role", "Nobody has given you a role yet."),
        Refusal::Invitation => forbidden("invitation", "This invitation does not hold."),
        Refusal::Absent | Refusal::NoWorkspace => Fault::not_found(),
        Refusal::Conflict => Fault::conflict("conflict", "It is there already."),
        // A platform operator's, at their own door.
        Refusal::NoGrant | Refusal::GrantOpen | Refusal::TooManyGrants => Fault::not_found(),
        Refusal::InUse => Fault::conflict("in_use", "Something else refers to it."),
        Refusal::Limit => {
            Fault::conflict("limit_reached", "There are as many as there may be. Delete one first.")
        }
        Refusal::LastAdministrator => Fault::conflict(
            "last_administrator",
            "A workspace keeps at least one Administrator; make somebody else one first.",
        ),
        Refusal::OriginAdministrator => Fault::conflict(
            "origin_administrator",
            "Whoever administers the workspace of which this is a sandbox administers this one too.",
        ),
        Refusal::HasSandboxes => {
            Fault::conflict("has_sandboxes", "The sandboxes of this workspace have to be deleted first.")
        }
        Refusal::OperationOpen => Fault::conflict(
            "operation_open",
            "Something else is being done to this workspace; it has to end, or be taken back, first.",
        ),
        Refusal::OperationEnded => Fault::conflict(
            "operation_ended",
            "This operation is over: there is nothing left of it to be cancelled.",
        ),
        Refusal::NotCancellable => Fault::conflict(
            "not_cancellable",
            "This operation is finished whatever happens: exports, backups and restores can be cancelled, and a restore \
             until the workspace that it makes is there.",
        ),
        Refusal::WorkspaceState => {
            Fault::conflict("workspace_state", "The workspace is in a state that does not allow this.")
        }
        Refusal::WorkspaceName => {
            Fault::conflict("workspace_name", "That is not the name of this workspace; nothing was changed.")
        }
        Refusal::Quota(quota) => quota_exceeded(quota),
        Refusal::NoSpare => {
            let fault = Fault::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "No workspace is ready yet. Try again soon.",
            );
            Fault { retry_after_s: Some(5), ..fault }
        }
    }
}

/// 409: nothing is wrong with the request but that the workspace may not have more.
fn quota_exceeded(quota: Quota) -> Fault {
    let Quota { limit, most } = quota;
    let detail = match limit {
        Limit::RunsPerDay => {
            format!("This workspace may make {most} runs a day (UTC); the quota `{limit}` is used up.")
        }
        Limit::StoredBytes => {
            format!("This workspace may store {most} bytes; the quota `{limit}` is used up.")
        }
        _ => format!("This workspace may have {most} of these; the quota `{limit}` is used up."),
    };
    Fault::new(StatusCode::CONFLICT, "quota_exceeded", detail)
}
