//! Messages owed (`system.outbox`), from inside a workspace and from the scheduler's sweep.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{db::TenantTx, error::DbError, model::ids::OutboxId, queue::Kind, sql};

/// A message owed.
#[derive(Clone, Debug)]
pub struct Owed {
    /// The row's id, which the message carries.
    pub id: OutboxId,
    /// What is to be looked at.
    pub kind: Kind,
    /// Its id.
    pub subject: Uuid,
    /// Not before this.
    pub available_at: Option<Timestamp>,
}

/// Writes messages owed.
pub async fn enqueue(tx: &TenantTx, owed: &[Owed]) -> Result<(), DbError> {
    if owed.is_empty() {
        return Ok(());
    }
    let (ids, kinds, subjects, available) = columns(owed);
    tx.execute(sql!("outbox/enqueue.sql"), &[&ids, &kinds, &subjects, &available]).await.map(drop)
}

type Columns = (Vec<OutboxId>, Vec<&'static str>, Vec<Uuid>, Vec<Option<Timestamp>>);

/// The columns of messages owed, for a statement among others.
pub(crate) fn columns(owed: &[Owed]) -> Columns {
    (
        owed.iter().map(|o| o.id).collect(),
        owed.iter().map(|o| o.kind.as_str()).collect(),
        owed.iter().map(|o| o.subject).collect(),
        owed.iter().map(|o| o.available_at).collect(),
    )
}

/// The consumer has taken these on: they are owed no longer.
pub async fn done(tx: &TenantTx, ids: &[OutboxId]) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    tx.execute(sql!("outbox/done.sql"), &[&ids]).await.map(drop)
}
