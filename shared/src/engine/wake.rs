//! Messages owed: written to the outbox in the transaction that made them due, handed back to be sent after it.

use jiff::Timestamp;
use uuid::Uuid;

use super::{LOOK_AHEAD_S, Messages, Within, delay_s};
use crate::{
    db::Row,
    error::DbError,
    model::ids::{ConnectionId, Id, OutboxId},
    queue::{Kind, Message},
    store::outbox::{self, Owed},
};

/// Owes a look at a concurrency key: its limit was raised, its connection was resumed.
pub async fn wake(within: Within<'_>, key: ConnectionId) -> Result<Messages, DbError> {
    owe(within, &[(Kind::Wake, key.uuid(), None)]).await
}

/// Owes messages (kind, what, not before), and hands back those to send now: what is due later is the sweep's. A test of a
/// connection is owed with this too.
pub async fn owe(
    within: Within<'_>,
    wanted: &[(Kind, Uuid, Option<Timestamp>)],
) -> Result<Messages, DbError> {
    let (owed, messages) = prepare(within, wanted);
    outbox::enqueue(within.tx, &owed).await?;
    Ok(messages)
}

/// The rows and the messages, unwritten.
pub(crate) fn prepare(
    within: Within<'_>,
    wanted: &[(Kind, Uuid, Option<Timestamp>)],
) -> (Vec<Owed>, Messages) {
    let now = within.tx.entered().map_or_else(|_| within.clock.now(), |entered| entered.now);
    let mut messages = Vec::new();
    let mut owed = Vec::new();
    for (kind, id, available_at) in wanted {
        let outbox: OutboxId = within.clock.new_id();
        let wait_s = available_at.map_or(0, |at| delay_s(now, at));
        if wait_s <= LOOK_AHEAD_S {
            let message = Message {
                route: within.route.clone(),
                kind: *kind,
                id: *id,
                round: 0,
                at: *available_at,
                outbox: Some(outbox),
            };
            messages.push((message, i32::try_from(wait_s).unwrap_or(0)));
        }
        owed.push(Owed { id: outbox, kind: *kind, subject: *id, available_at: *available_at });
    }
    (owed, messages)
}

/// A message that came before its instant, to be sent again with what is left of its delay. A later one is the sweep's.
pub(crate) fn again(
    within: Within<'_>,
    row: &Row,
    now: Timestamp,
) -> Result<Option<(Message, i32)>, DbError> {
    let at: Timestamp = row.try_get("available_at")?;
    let wait_s = delay_s(now, at);
    let Ok(kind) = row.try_get::<_, &str>("kind")?.parse() else { return Ok(None) };
    if wait_s > LOOK_AHEAD_S {
        return Ok(None);
    }
    let (id, outbox) = (row.try_get("ref")?, Some(row.try_get("id")?));
    let message = Message { route: within.route.clone(), kind, id, round: 0, at: Some(at), outbox };
    Ok(Some((message, i32::try_from(wait_s).unwrap_or(0))))
}
