//! Inside one workspace, under an open grant: read-only, each look in both audit logs before it happens. Settings of
//! connections are shown as the workspace's own members see them; credentials are not, and this function has no key to them.

use serde_json::json;
use shared::{
    model::ids::{Id, RunId},
    store::{
        audit, connections, events, jobs,
        runs::{self, RunFilter},
        schedules,
    },
};

use crate::{
    answer::{Answer, List, found},
    call::Call,
    shapes,
};

/// Events of a run that are shown.
const EVENTS: i64 = 1_000;

/// Runs, newest first.
pub(crate) async fn runs(call: Call) -> Answer {
    let asked = call.asked(&[])?;
    let tx = call.inside("run", None).await?;
    let filter =
        RunFilter { before: asked.cursor.map(RunId::from), limit: asked.limit + 1, ..RunFilter::default() };
    let rows = runs::list(&tx, &filter).await?;
    tx.commit().await?;
    Ok(found(&List::of(rows, asked.items(), |row| row.id.uuid().to_string(), |row| shapes::run(&row))))
}

/// One run: tasks, attempts, events.
pub(crate) async fn run(call: Call) -> Answer {
    call.no_query()?;
    let id = call.id(1);
    let tx = call.inside("run", Some(id)).await?;
    let detail = runs::detail(&tx, id.into()).await;
    let events = events::of_run(&tx, id.into(), None, EVENTS).await;
    // Whatever came of it, the transaction ends here and its connection goes back.
    tx.rollback().await?;
    let (detail, events) = (detail?, events?);
    Ok(found(&shapes::whole_run(&detail, &events)))
}

/// Jobs, newest first.
pub(crate) async fn jobs(call: Call) -> Answer {
    let asked = call.asked(&[])?;
    let rows = jobs::list(call.inside("job", None).await?, asked.page()).await?;
    Ok(found(&List::of(rows, asked.items(), |row| row.id.uuid().to_string(), |row| shapes::job(&row))))
}

/// Schedules, newest first.
pub(crate) async fn schedules(call: Call) -> Answer {
    let asked = call.asked(&[])?;
    let rows = schedules::list(call.inside("schedule", None).await?, asked.page(), None).await?;
    Ok(found(&List::of(rows, asked.items(), |row| row.id.uuid().to_string(), |row| json!(row))))
}

/// Connections, newest first.
pub(crate) async fn connections(call: Call) -> Answer {
    let asked = call.asked(&[])?;
    let rows = connections::list(call.inside("connection", None).await?, asked.page()).await?;
    Ok(found(&List::of(rows, asked.items(), |row| row.id.uuid().to_string(), |row| shapes::connection(&row))))
}

/// The workspace's own audit log, newest first; the row of this look is its first.
pub(crate) async fn audit(call: Call) -> Answer {
    let asked = call.asked(&[])?;
    let tx = call.inside("audit", None).await?;
    let rows = audit::list(tx, asked.page(), uuid::Uuid::nil()).await?;
    Ok(found(&List::of(rows, asked.items(), |row| row.id.uuid().to_string(), |row| shapes::entry(&row))))
}
