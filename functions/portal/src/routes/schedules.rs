//! Schedules: when a job runs by itself. Paused and resumed by those who run jobs, changed by those who configure.

mod body;

use serde::Serialize;
use serde_json::Value;
use shared::model::role::Permission::{SchedulesOperate, SchedulesRead, SchedulesWrite};
use shared::{
    engine,
    error::DbError,
    model::{
        ids::{Id, JobId, ScheduleId},
        job::JobDefinition,
        limit::Limit,
        schedule::{PreviewedFire, Rule},
    },
    store::{
        jobs,
        schedules::{self, Schedule},
    },
};
use utoipa::ToSchema;

use super::{Nothing, lists::List, runs::check_parameters};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::{Answered, Fault},
    reply::{Created, Done, Found},
    route::{Route, delete, get, post, put},
    work::{Change, Work},
};
use body::{Asked, NewSchedule, Preview, timing_of};

/// The next fires of a rule.
#[derive(Debug, Serialize, ToSchema)]
struct Fires {
    items: Vec<PreviewedFire>,
}

pub(super) fn routes() -> Vec<Route> {
    let (all, one) = ("/schedules", "/schedules/{id}");
    vec![
        get(all, "schedules.list", "Lists schedules, newest first", list).needs(SchedulesRead),
        post(all, "schedules.create", "Makes a schedule", create).needs(SchedulesWrite),
        post(
            "/schedules/preview",
            "schedules.preview",
            "The next fires of a rule, and why each is when it is",
            preview,
        )
        .needs(SchedulesRead),
        get(one, "schedules.get", "One schedule", show).needs(SchedulesRead),
        put(one, "schedules.update", "Changes a schedule", update).needs(SchedulesWrite),
        delete(one, "schedules.delete", "Deletes a schedule; its runs stay", remove).needs(SchedulesWrite),
        post("/schedules/{id}/pause", "schedules.pause", "Stops a schedule from firing", pause)
            .needs(SchedulesOperate),
        post("/schedules/{id}/resume", "schedules.resume", "Lets it fire again, from now on", resume)
            .needs(SchedulesOperate),
    ]
}

async fn list(caller: Caller, Query(asked): Query<Asked>) -> Answered<Found<List<Schedule>>> {
    let page = asked.page();
    let rows = schedules::list(caller.read().await?.into_tx(), page, asked.job_id).await?;
    Ok(Found::of(&List::of(rows, page, |s| s.id, |s| s)))
}

async fn create(caller: Caller, Body(new): Body<NewSchedule>) -> Answered<Created<Schedule>> {
    let mut work = caller.write().await?;
    let rule = new.check(work.now().await?)?;
    work.hold(Limit::Schedules).await?;
    check_job(&work, new.job_id, &new.parameters).await?;
    let id: ScheduleId = caller.app.clock.new_id();
    schedules::insert(&work, id, &new.draft(), work.user()).await?;
    let schedule = plan(&mut work, id, Some(&rule)).await?;
    let change = Change::new("schedule.create", id.uuid()).after(&schedule);
    let answer = Created::at(&format!("/api/v1/schedules/{id}"), &schedule).at_version(schedule.version);
    work.commit(change, answer).await
}

async fn preview(caller: Caller, Body(asked): Body<Preview>) -> Answered<Found<Fires>> {
    let tx = caller.read().await?;
    let now = tx.open().await?.now;
    let items = asked.fires(now)?;
    tx.into_tx().commit().await?;
    Ok(Found::of(&Fires { items }))
}

async fn show(caller: Caller, Path(id): Path<ScheduleId>) -> Answered<Found<Schedule>> {
    let schedule = schedules::get(caller.read().await?.into_tx(), id).await?;
    Ok(Found::of(&schedule).at_version(schedule.version))
}

async fn update(
    caller: Caller,
    Path(id): Path<ScheduleId>,
    Body(new): Body<NewSchedule>,
) -> Answered<Found<Schedule>> {
    let mut work = caller.write().await?;
    let was = schedules::lock(&work, id).await?;
    caller.check_version(was.version)?;
    new.check_against(&was)?;
    let rule = new.check(work.now().await?)?;
    check_job(&work, new.job_id, &new.parameters).await?;
    schedules::update(&work, &was, &new.draft(), work.user()).await?;
    let schedule = plan(&mut work, id, Some(&rule).filter(|_| was.state == "active")).await?;
    let change = Change::new("schedule.update", id.uuid()).before(&was).after(&schedule);
    work.commit(change, Found::of(&schedule).at_version(schedule.version)).await
}

async fn remove(caller: Caller, Path(id): Path<ScheduleId>) -> Answered<Done> {
    let mut work = caller.write().await?;
    let was = schedules::lock(&work, id).await?;
    caller.check_version(was.version)?;
    plan(&mut work, id, None).await?;
    schedules::delete(&work, &was).await?;
    work.commit(Change::new("schedule.delete", id.uuid()).before(&was), Done::done()).await
}

async fn pause(
    caller: Caller,
    Path(id): Path<ScheduleId>,
    Body(_): Body<Nothing>,
) -> Answered<Found<Schedule>> {
    set_state(&caller, id, "paused", "schedule.pause").await
}

async fn resume(
    caller: Caller,
    Path(id): Path<ScheduleId>,
    Body(_): Body<Nothing>,
) -> Answered<Found<Schedule>> {
    set_state(&caller, id, "active", "schedule.resume").await
}

/// Pausing what is paused changes nothing, and is written nowhere.
async fn set_state(
    caller: &Caller,
    id: ScheduleId,
    state: &'static str,
    action: &'static str,
) -> Answered<Found<Schedule>> {
    let mut work = caller.write().await?;
    let was = schedules::lock(&work, id).await?;
    if was.state == state {
        return Ok(Found::of(&was).at_version(was.version));
    }
    let rule = Rule::new(&timing_of(&was)?, work.now().await?)?;
    schedules::set_state(&work, &was, state, work.user()).await?;
    let schedule = plan(&mut work, id, Some(&rule).filter(|_| state == "active")).await?;
    let change = Change::new(action, id.uuid()).before(&was).after(&schedule);
    work.commit(change, Found::of(&schedule).at_version(schedule.version)).await
}

/// Plans the next fire, or none, and reads the schedule as it is then.
async fn plan(work: &mut Work, id: ScheduleId, rule: Option<&Rule>) -> Result<Schedule, Fault> {
    let planned = engine::plan_schedule(work.within(), id, rule).await?;
    work.send_later(planned.messages);
    Ok(schedules::read(work, id).await?)
}

/// The job must be there, and take these parameters as it is now.
async fn check_job(work: &Work, job: JobId, parameters: &Value) -> Result<(), Fault> {
    let missing = || Fault::dangling("/job_id", "is not a job of this workspace");
    let job = jobs::find(work, job).await?.ok_or_else(missing)?;
    let definition: JobDefinition =
        serde_json::from_value(job.definition).map_err(|e| DbError::Defect(e.into()))?;
    check_parameters(&definition, parameters).map(drop)
}
