//! What is due across workspaces (`system.due`, `system.outbox`), claimed by the scheduler's tick. Both cost what is due, not
//! what exists.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    db::{Row, SystemTx},
    error::DbError,
    model::{
        ids::{OutboxId, TenantId},
        tenant::{Route, SchemaName},
    },
    queue::{Kind, Message},
    sql,
};

/// A message to be sent, and when.
#[derive(Clone, Debug)]
pub struct Due {
    /// The message.
    pub message: Message,
    /// The instant it is for.
    pub at: Timestamp,
    /// Database time as it was claimed.
    pub now: Timestamp,
    /// The workspace's state.
    pub state: String,
}

/// Claims due instants, at most `limit`, for a time: each in a new round, so that a doubled tick cannot start a second chain.
/// Schedules are claimed 90 seconds ahead, leases 60, polls once they are late. The transaction ends with it.
pub async fn claim(tx: SystemTx, limit: i64) -> Result<Vec<Due>, DbError> {
    tx.last(sql!("system/claim_due.sql"), &[&limit]).await?.iter().filter_map(|row| read(row, false).transpose()).collect()
}

/// Claims messages that nobody took on in time, at most `limit`. The transaction ends with it.
pub async fn sweep(tx: SystemTx, limit: i64) -> Result<Vec<Due>, DbError> {
    tx.last(sql!("system/sweep_outbox.sql"), &[&limit]).await?.iter().filter_map(|row| read(row, true).transpose()).collect()
}

/// A row as its message; none for a row that names what this release does not know.
fn read(row: &Row, is_outbox: bool) -> Result<Option<Due>, DbError> {
    let tenant: TenantId = row.try_get("tenant_id")?;
    let schema: Option<SchemaName> = row.try_get::<_, &str>("schema_name")?.parse().ok();
    let kind: Option<Kind> = row.try_get::<_, &str>("kind")?.parse().ok();
    let (Some(schema), Some(kind)) = (schema, kind) else {
        tracing::error!(%tenant, "a due row names nothing that this release knows");
        return Ok(None);
    };
    let at: Timestamp = row.try_get("at")?;
    let message = Message {
        route: Route { tenant, schema },
        kind,
        id: row.try_get::<_, Uuid>("ref")?,
        round: if is_outbox { 0 } else { row.try_get("round")? },
        at: (kind == Kind::Fire).then_some(at),
        outbox: if is_outbox { Some(row.try_get::<_, OutboxId>("id")?) } else { None },
    };
    Ok(Some(Due { message, at, now: row.try_get("now")?, state: row.try_get("state")? }))
}
