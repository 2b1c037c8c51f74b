//! Runs: started by hand here, listed, shown with their tasks and attempts, and stopped. What happens to them is the engine's.

mod event;
mod shape;
mod task;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use shared::model::role::Permission::{RunsOperate, RunsRead};
use shared::{
    engine::{self, Actor, NewRun, Origin},
    error::DbError,
    model::{
        Problem,
        ids::{Id, JobId, RunId},
        job::JobDefinition,
        state::RunState,
    },
    parameters,
    store::{
        events, jobs, members,
        runs::{self, RunFilter},
    },
};
use utoipa::{IntoParams, ToSchema};

use super::{
    Nothing,
    lists::{Cursor, Limit, List, Plain},
    times::instant,
};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::{Answered, Fault},
    reply::{Created, Found},
    route::{Route, get, post},
    work::Change,
};
use event::Event;
use shape::{Run, RunSummary, Trigger};

/// The largest parameters of a run, in bytes.
pub(super) const MAX_PARAMETERS: usize = 64 * 1024;

/// A run to be started by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RunBody)]
struct StartRun {
    /// Values for the job's parameters; its defaults fill the rest. At most 64 KiB.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    parameters: Value,
    /// The instant the run stands for.
    #[serde(default, deserialize_with = "instant")]
    #[schema(value_type = Option<String>, format = DateTime)]
    logical_date: Option<Timestamp>,
    /// Not to start before this.
    #[serde(default, deserialize_with = "instant")]
    #[schema(value_type = Option<String>, format = DateTime)]
    run_after: Option<Timestamp>,
}

/// Which runs to list.
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
    /// Of this job.
    #[param(value_type = Option<String>, format = Uuid)]
    job_id: Option<JobId>,
    /// In this state.
    #[param(value_type = Option<String>)]
    state: Option<RunState>,
    /// Started by.
    #[param(value_type = Option<String>)]
    trigger: Option<Trigger>,
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
        post("/jobs/{id}/runs", "runs.create", "Starts a run of a job", start).needs(RunsOperate),
        get("/runs", "runs.list", "Lists runs, newest first", list).needs(RunsRead),
        get("/runs/{id}", "runs.get", "One run with its tasks and their attempts", show).needs(RunsRead),
        get("/runs/{id}/events", "run_events.list", "Every transition of a run, oldest first", events)
            .needs(RunsRead),
        post("/runs/{id}/cancel", "runs.cancel", "Stops a run; what is in flight is asked to stop", cancel)
            .needs(RunsOperate),
    ]
}

async fn start(
    caller: Caller,
    Path(job): Path<JobId>,
    Body(asked): Body<StartRun>,
) -> Answered<Created<Run>> {
    let mut work = caller.write().await?;
    let job = jobs::read(&work, job).await?;
    let definition: JobDefinition =
        serde_json::from_value(job.definition).map_err(|e| DbError::Defect(e.into()))?;
    let parameters = check_parameters(&definition, &asked.parameters)?;
    let new = NewRun {
        id: caller.app.clock.new_id(),
        job: job.id,
        version: job.version,
        definition: &definition,
        origin: Origin::Manual(work.user()),
        parameters,
        unfit: None,
        logical_date: asked.logical_date,
        data_interval: None,
        run_after: asked.run_after,
    };
    let created = engine::create_run(work.within(), new).await?;
    work.send_later(created.messages);
    let run = read(&work, created.run_id).await?;
    let change = Change::new("run.create", created.run_id.uuid()).after(&run);
    work.commit(change, Created::at(&format!("/api/v1/runs/{}", created.run_id), &run)).await
}

async fn list(caller: Caller, Query(asked): Query<Asked>) -> Answered<Found<List<RunSummary>>> {
    let page = asked.limit.page(asked.cursor);
    let filter = RunFilter {
        job: asked.job_id,
        state: asked.state.map(|s| s.as_str().to_owned()),
        trigger: asked.trigger.map(|t| t.as_str().to_owned()),
        from: asked.from,
        to: asked.to,
        before: asked.cursor.map(|c| c.id().into()),
        limit: page.limit,
    };
    let tx = caller.read().await?;
    let rows = runs::list(&tx, &filter).await?;
    tx.into_tx().commit().await?;
    Ok(Found::of(&List::of(rows, page, |r| r.id, RunSummary::from)))
}

async fn show(caller: Caller, Path(id): Path<RunId>) -> Answered<Found<Run>> {
    let tx = caller.read().await?;
    let run = read(&tx, id).await?;
    tx.into_tx().commit().await?;
    Ok(Found::of(&run))
}

async fn events(
    caller: Caller,
    Path(id): Path<RunId>,
    Query(query): Query<Plain>,
) -> Answered<Found<List<Event>>> {
    let page = query.page();
    let after = query.cursor().map(|c| c.id().into());
    let tx = caller.read().await?;
    let (tasks, rows) =
        futures_util::try_join!(jobs::tasks_of_run(&tx, id), events::of_run(&tx, id, after, page.limit))?;
    if tasks.is_empty() {
        return Err(Fault::not_found().into());
    }
    let names = members::names(&tx, &event::people(&rows)).await?;
    tx.into_tx().commit().await?;
    Ok(Found::of(&List::of(rows, page, |e| e.id, |e| Event::of(e, &names))))
}

async fn cancel(caller: Caller, Path(id): Path<RunId>, Body(_): Body<Nothing>) -> Answered<Found<Run>> {
    let mut work = caller.write().await?;
    let before = read(&work, id).await?;
    let cancelled = engine::cancel_run(work.within(), id, Actor::User(work.user())).await?;
    work.send_later(cancelled.messages);
    let run = read(&work, id).await?;
    work.commit(Change::new("run.cancel", id.uuid()).before(&before).after(&run), Found::of(&run)).await
}

async fn read(tx: &shared::db::TenantTx, id: RunId) -> Result<Run, DbError> {
    let (detail, tasks) = futures_util::try_join!(runs::detail(tx, id), jobs::tasks_of_run(tx, id))?;
    Ok(Run::of(detail, &tasks))
}

/// The parameters of a run of this definition, defaults filled in.
pub(super) fn check_parameters(definition: &JobDefinition, given: &Value) -> Result<Value, Fault> {
    let told = |problems: Vec<Problem>| {
        Fault::invalid(problems.into_iter().map(|p| p.under("/parameters")).collect())
    };
    if given.to_string().len() > MAX_PARAMETERS {
        return Err(told(vec![Problem::at("", "may have 64 KiB")]));
    }
    parameters::complete(&definition.parameters, given).map_err(told)
}
