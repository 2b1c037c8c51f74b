//! The audit log, newest first. It is read here and written with every change.

mod export;
mod seals;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::model::role::Permission::AuditRead;
use shared::{
    model::ids::AuditId,
    store::audit::{self, Entry},
};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    lists::{Cursor, Limit, List},
    times::{first_id_at, instant},
};
use crate::{
    argument::Query,
    caller::Caller,
    fault::Answered,
    reply::Found,
    route::{Route, get},
};

/// One thing that was done.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEntry {
    /// Its id.
    id: AuditId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who.
    actor: AuditActor,
    /// What was done: `connection.create`.
    action: String,
    /// To what.
    target: AuditTarget,
    /// SHA-256, in hex, of the canonical JSON of what was there.
    before_digest: Option<String>,
    /// SHA-256, in hex, of the canonical JSON of what is there now.
    after_digest: Option<String>,
    /// The request, as in `x-request-id`.
    request_id: String,
    /// Where it came from.
    source_address: String,
    /// What else is to be known: of a platform operator, reason and ticket.
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
struct AuditActor {
    /// `user`, `system` or `operator`.
    kind: String,
    /// Their id.
    id: Option<Uuid>,
    /// Their name then.
    name: String,
}

/// What it was done to.
#[derive(Debug, Serialize, ToSchema)]
struct AuditTarget {
    /// The kind of thing.
    kind: String,
    /// Its id.
    id: Option<Uuid>,
}

/// The query of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// How many items at most.
    #[serde(default)]
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Made at or after.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Made before.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/audit", "audit.list", "Lists what people and programs did, newest first", list)
            .needs(AuditRead)
            .recorded("audit.read"),
        get("/audit/head", "audit.head", "Tells the newest seal, to be noted outside", seals::head)
            .needs(AuditRead),
        get("/audit/verify", "audit.verify", "Verifies the logs against their seals", seals::verify)
            .needs(AuditRead)
            .alone(),
        get(
            "/audit/export",
            "audit.export",
            "Gives the sealed logs with their seals, oldest first",
            export::export,
        )
        .needs(AuditRead)
        .alone()
        .recorded("audit.read"),
    ]
}

async fn list(caller: Caller, Query(asked): Query<Asked>) -> Answered<Found<List<AuditEntry>>> {
    let mut page = asked.limit.page(asked.cursor);
    // Ids begin with their time: an instant is a place in the list.
    page.before = page.before.min(asked.to.map_or(Uuid::max(), first_id_at));
    let from = asked.from.map_or(Uuid::nil(), first_id_at);
    let rows = audit::list(caller.read().await?.into_tx(), page, from).await?;
    Ok(Found::of(&List::of(rows, page, |e| e.id, AuditEntry::from)))
}

impl From<Entry> for AuditEntry {
    fn from(row: Entry) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: AuditActor { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
            action: row.action,
            target: AuditTarget { kind: row.target_kind, id: row.target_id },
            before_digest: row.before_digest,
            after_digest: row.after_digest,
            request_id: row.request_id,
            source_address: row.source_address,
            detail: row.detail,
        }
    }
}
