//! Jobs. Saving one makes a version; runs keep the version they were made with.

mod save;
mod shape;

use shared::model::role::Permission::{JobsRead, JobsWrite};
use shared::{
    model::{
        ids::{Id, JobId},
        job::JobDefinition,
        limit::Limit,
    },
    store::jobs,
};

use super::lists::{List, Numbered, Plain};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::{Answered, Fault},
    reply::{Created, Done, Found},
    route::{Route, delete, get, post, put},
    work::Change,
};
use shape::{Job, JobSummary, JobVersion, JobVersionSummary};

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/jobs", "jobs.list", "Lists jobs, newest first", list).needs(JobsRead),
        post("/jobs", "jobs.create", "Makes a job", create).needs(JobsWrite),
        get("/jobs/{id}", "jobs.get", "One job with its newest version", show).needs(JobsRead),
        put("/jobs/{id}", "jobs.update", "Saves a new version", update).needs(JobsWrite),
        delete("/jobs/{id}", "jobs.delete", "Deletes a job that no schedule starts; its runs stay", remove)
            .needs(JobsWrite),
        get("/jobs/{id}/versions", "job_versions.list", "Lists a job's versions, newest first", versions)
            .needs(JobsRead),
        get("/jobs/{id}/versions/{version}", "job_versions.get", "One version of a job", version)
            .needs(JobsRead),
    ]
}

async fn list(caller: Caller, Query(query): Query<Plain>) -> Answered<Found<List<JobSummary>>> {
    let page = query.page();
    let rows = jobs::list(caller.read().await?.into_tx(), page).await?;
    Ok(Found::of(&List::of(rows, page, |j| j.id, JobSummary::from)))
}

async fn create(caller: Caller, Body(new): Body<JobDefinition>) -> Answered<Created<Job>> {
    let work = caller.write().await?;
    let id: JobId = caller.app.clock.new_id();
    work.hold(Limit::Jobs).await?;
    let draft = save::check(&work, &new, id, 1).await?;
    let (_, _, _, row) = futures_util::try_join!(
        jobs::insert(&work, id, &new.name, work.user()),
        jobs::add_version(&work, &draft, work.user()),
        jobs::add_tasks(&work, &draft),
        jobs::read(&work, id),
    )?;
    let job = Job::from(row);
    let change = Change::new("job.create", id.uuid()).after(&job);
    work.commit(change, Created::at(&format!("/api/v1/jobs/{id}"), &job).at_version(job.version)).await
}

async fn show(caller: Caller, Path(id): Path<JobId>) -> Answered<Found<Job>> {
    let job = Job::from(jobs::get(caller.read().await?.into_tx(), id).await?);
    Ok(Found::of(&job).at_version(job.version))
}

async fn update(
    caller: Caller,
    Path(id): Path<JobId>,
    Body(new): Body<JobDefinition>,
) -> Answered<Found<Job>> {
    let work = caller.write().await?;
    let was = jobs::lock(&work, id).await?;
    caller.check_version(was.version)?;
    let draft = save::check(&work, &new, id, was.version + 1).await?;
    let (_, _, _, row) = futures_util::try_join!(
        jobs::update(&work, &was, &new.name, work.user()),
        jobs::add_version(&work, &draft, work.user()),
        jobs::add_tasks(&work, &draft),
        jobs::read(&work, id),
    )?;
    let (before, job) = (Job::from(was), Job::from(row));
    let change = Change::new("job.update", id.uuid()).before(&before).after(&job);
    work.commit(change, Found::of(&job).at_version(job.version)).await
}

async fn remove(caller: Caller, Path(id): Path<JobId>) -> Answered<Done> {
    let work = caller.write().await?;
    let was = jobs::lock(&work, id).await?;
    caller.check_version(was.version)?;
    if jobs::has_schedule(&work, id).await? {
        return Err(
            Fault::conflict("in_use", "A schedule starts this job. Delete the schedule first.").into()
        );
    }
    jobs::delete(&work, &was, work.user()).await?;
    work.commit(Change::new("job.delete", id.uuid()).before(&Job::from(was)), Done::done()).await
}

async fn versions(
    caller: Caller,
    Path(id): Path<JobId>,
    Query(query): Query<Plain>,
) -> Answered<Found<List<JobVersionSummary>>> {
    let tx = caller.read().await?;
    let below = query.number();
    let rows = jobs::versions(&tx, id, below, query.page().limit).await?;
    // The newest version is always there: an empty first page means that there is no such job.
    if rows.is_empty() && below == i32::MAX {
        return Err(Fault::not_found().into());
    }
    tx.into_tx().commit().await?;
    Ok(Found::of(&List::of(rows, query.page(), |v| Numbered::from(v.version), JobVersionSummary::from)))
}

async fn version(
    caller: Caller,
    Path(id): Path<JobId>,
    Path(number): Path<i32>,
) -> Answered<Found<JobVersion>> {
    let row = jobs::version(caller.read().await?.into_tx(), id, number).await?;
    Ok(Found::of(&JobVersion::from(row)))
}
