//! The two lists of what must happen: instants due and messages owed. One statement each; both lock what they take and skip
//! what another tick holds. The scheduler is the only caller.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    db::{FromRow, Row, SystemTx},
    error::DbError,
    model::{
        ids::{OutboxId, TenantId},
        tenant::Route,
    },
    queue::Message,
    sql,
};

/// Rows a statement takes.
pub const BATCH: usize = 50;

/// A message to send, as the lists have it.
pub struct Owed {
    tenant: TenantId,
    schema: String,
    kind: String,
    subject: Uuid,
    round: i32,
    at: Option<Timestamp>,
    outbox: Option<OutboxId>,
    delay_s: i32,
}

/// Takes instants that are due: schedules 90 seconds ahead, leases and limits as far ahead as the next tick, polls once their
/// own message is late.
pub async fn due(tx: &SystemTx) -> Result<Vec<Owed>, DbError> {
    tx.all(sql!("system_scheduler/claim_due.sql"), &[]).await
}

/// Takes messages whose consumer has not answered in time: lost ones, and those due later than a queue can hold them.
pub async fn owed(tx: &SystemTx) -> Result<Vec<Owed>, DbError> {
    tx.all(sql!("system_scheduler/claim_owed.sql"), &[]).await
}

impl Owed {
    /// The message and its delay in seconds. None where the row is not of this version: it stays, and is seen again.
    pub fn message(self) -> Option<(Message, i32)> {
        let kind = self.kind.parse().ok()?;
        let route = Route { tenant: self.tenant, schema: self.schema.parse().ok()? };
        let message =
            Message { route, kind, id: self.subject, round: self.round, at: self.at, outbox: self.outbox };
        Some((message, self.delay_s))
    }
}

impl FromRow for Owed {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.try_get("tenant_id")?,
            schema: row.try_get("schema_name")?,
            kind: row.try_get("kind")?,
            subject: row.try_get("ref")?,
            round: row.try_get("round")?,
            at: row.try_get("at")?,
            outbox: row.try_get("outbox")?,
            delay_s: row.try_get("delay_s")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::uuid;

    use super::*;
    use crate::{model::tenant::SchemaName, queue::Kind};

    fn owed(kind: &str) -> Owed {
        let tenant = TenantId::from(uuid!("0193d4a0-0000-7000-8000-000000000001"));
        Owed {
            tenant,
            schema: SchemaName::of(tenant).to_string(),
            kind: kind.to_owned(),
            subject: uuid!("0193d4a0-0000-7000-8000-000000000003"),
            round: 3,
            at: None,
            outbox: None,
            delay_s: 7,
        }
    }

    #[test]
    fn a_due_schedule_is_sent_as_its_firing() {
        let (message, delay_s) = owed("schedule").message().unwrap();
        assert_eq!((message.kind, message.round, delay_s), (Kind::Fire, 3, 7));
    }

    #[test]
    fn a_row_of_a_later_version_is_left_for_it() {
        assert!(owed("alert").message().is_none());
    }
}
