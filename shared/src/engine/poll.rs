//! The rounds in which a connection's external runs are asked about: one chain of messages per connection, kept by its round
//! in the due index. A round begins and ends here; what was learnt in between is settled like any other answer.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Messages, Within,
    batch::{Batch, bind},
    changes::POLL_GRACE_S,
    known::{Connection, Known},
};
use crate::{
    db::Row,
    error::DbError,
    model::{
        connection::{ConnectionKind, Settings, Start},
        ids::{AttemptId, ConnectionId, Id, OrphanId, RunId, TaskRunId},
    },
    queue::{Kind, Message},
    sql,
};

/// A round: what is to be asked about.
#[derive(Debug)]
pub struct Round {
    /// The connection.
    pub connection: Arc<Connection>,
    /// Attempts whose external run is known and not over.
    pub in_flight: Vec<InFlight>,
    /// External runs that no attempt owns.
    pub strays: Vec<Stray>,
}

/// An attempt with an external run.
#[derive(Clone, Debug)]
pub struct InFlight {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its epoch.
    pub epoch: i32,
    /// Its task run.
    pub task_run: TaskRunId,
    /// Its run.
    pub run: RunId,
    /// The external run.
    pub external_id: String,
    /// What was started, as far as polls and stops need it.
    pub start: Option<Start>,
    /// It is to be stopped.
    pub cancelling: bool,
}

/// An external run to be stopped and seen stopped.
#[derive(Clone, Debug)]
pub struct Stray {
    /// The orphan.
    pub id: OrphanId,
    /// The attempt that it was once started for.
    pub attempt: AttemptId,
    /// The external run.
    pub external_id: String,
    /// What was started, as far as polls and stops need it.
    pub start: Option<Start>,
}

/// At most so many external runs are asked about in a round; the others have their turn in the next ones.
const MOST: i64 = 200;

/// Begins a round. None: another message took it, or the connection is gone.
pub async fn begin_round(
    within: Within<'_>,
    key: ConnectionId,
    round: i32,
    known: &mut Known,
) -> Result<Option<Round>, DbError> {
    let mut batch = Batch::default();
    batch.add(sql!("due/take_poll.sql"), bind![key.uuid(), round]);
    batch.add(sql!("attempts/in_flight.sql"), bind![key, i64::from(round), MOST]);
    batch.add(sql!("orphans/open.sql"), bind![key, MOST]);
    known.add_reads(&mut batch, &[key], &[]);
    let answers = batch.run(within.tx).await?;
    known.take_in(&answers[3], &answers[4])?;
    let taken: bool = answers[0].first().map(|row| row.try_get("taken")).transpose()?.unwrap_or(false);
    let Some(connection) = known.connection(key).filter(|_| taken).cloned() else { return Ok(None) };
    let kind = connection.settings.as_ref().map(Settings::kind);
    let in_flight = answers[1].iter().map(|row| InFlight::read(row, kind)).collect::<Result<_, _>>()?;
    let strays = answers[2].iter().map(|row| Stray::read(row, kind)).collect::<Result<_, _>>()?;
    Ok(Some(Round { connection, in_flight, strays }))
}

/// Ends a round in the transaction that settled it, which holds the key's slots: plans the next one, no sooner than
/// `not_before_s`, or ends the chain where nothing is in flight. `gone` are strays that were seen stopped.
pub async fn end_round(
    within: Within<'_>,
    key: ConnectionId,
    not_before_s: i64,
    gone: &[OrphanId],
) -> Result<Messages, DbError> {
    let mut batch = Batch::default();
    batch.add(sql!("orphans/gone.sql"), bind![gone.to_vec()]);
    batch.add(sql!("attempts/next_poll.sql"), bind![key]);
    let answers = batch.run(within.tx).await?;
    let delay_s: Option<i64> = answers[1].first().map(|row| row.try_get("delay_s")).transpose()?.flatten();
    let Some(delay_s) = delay_s.map(|s| s.max(not_before_s).max(1)) else {
        within.tx.execute(sql!("due/clear.sql"), &[&"poll", &key.uuid()]).await?;
        return Ok(Vec::new());
    };
    let at = within.tx.entered()?.now.checked_add(SignedDuration::from_secs(delay_s + POLL_GRACE_S));
    let at = at.unwrap_or(Timestamp::MAX);
    let rows = within.tx.rows(sql!("due/set.sql"), &[&"poll", &key.uuid(), &at]).await?;
    let round = rows.first().map(|row| row.try_get("round")).transpose()?.unwrap_or(0);
    let route = within.route.clone();
    let message = Message { route, kind: Kind::Poll, id: key.uuid(), round, at: None, outbox: None };
    Ok(vec![(message, i32::try_from(delay_s).unwrap_or(i32::MAX))])
}

/// The start that a handle stands for.
fn start(row: &Row, kind: Option<ConnectionKind>) -> Result<Option<Start>, DbError> {
    let handle: Option<Value> = row.try_get("handle")?;
    Ok(kind.zip(handle).and_then(|(kind, handle)| Start::read(kind, &handle).ok()))
}

impl InFlight {
    fn read(row: &Row, kind: Option<ConnectionKind>) -> Result<Self, DbError> {
        Ok(Self {
            attempt: row.try_get("id")?,
            epoch: row.try_get("epoch")?,
            task_run: row.try_get("task_run_id")?,
            run: row.try_get("run_id")?,
            external_id: row.try_get("external_id")?,
            start: start(row, kind)?,
            cancelling: row.try_get::<_, &str>("reason")? == "cancelling",
        })
    }
}

impl Stray {
    fn read(row: &Row, kind: Option<ConnectionKind>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.try_get("id")?,
            attempt: row.try_get("attempt_id")?,
            external_id: row.try_get("external_id")?,
            start: start(row, kind)?,
        })
    }
}
