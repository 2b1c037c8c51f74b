//! When a schedule fires: its row, the due index and the message, and the fire itself, which re-checks everything.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Actor, LOOK_AHEAD_S, Messages, NewRun, Origin, Within,
    batch::{Batch, bind},
    changes::add_events,
    create::{Unfit, create_run},
    delay_s,
    kept::clip,
    moves::Event,
    sheet::Version,
};
use crate::{
    db::{FromRow, Row},
    error::DbError,
    model::{
        Problem,
        ids::{Id, JobId, RunId, ScheduleId},
        limit::Limit,
        schedule::{Rule, Timing},
    },
    parameters,
    queue::{Kind, Message},
    sql,
};

/// What was planned.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The next fire; none for a paused schedule or a rule that never fires again.
    pub next_fire_at: Option<Timestamp>,
    /// To be sent after the commit.
    pub messages: Messages,
}

/// What a fire came to.
#[derive(Clone, Debug)]
pub enum Fired {
    /// Not its time yet: the message is to be sent again.
    Early(Messages),
    /// Nothing to do: paused, changed, deleted, or another message was first.
    Void,
    /// This logical date has its run already: only the next fire was planned.
    Planned(Messages),
    /// A run was created; its message is among those to be sent.
    Run(RunId, Messages),
}

/// Missed fires are counted up to this.
const MOST_MISSED: usize = 1000;

/// A message this much early is a matter of clocks, not of a changed plan.
const SKEW_MS: i128 = 1000;

/// Plans the next fire after now, or none (`rule` is none: paused, or about to be deleted). Writes `schedules.next_fire_at`.
/// The transaction's first statement must have been answered (now is the database's).
pub async fn plan_schedule(
    within: Within<'_>,
    schedule: ScheduleId,
    rule: Option<&Rule>,
) -> Result<Planned, DbError> {
    let now = within.tx.entered()?.now;
    plan_after(within, schedule, rule, now).await
}

async fn plan_after(
    within: Within<'_>,
    schedule: ScheduleId,
    rule: Option<&Rule>,
    after: Timestamp,
) -> Result<Planned, DbError> {
    let now = within.tx.entered()?.now;
    let next_fire_at = rule.and_then(|rule| rule.next_after(after)).map(|fire| fire.at);
    let mut batch = Batch::default();
    batch.add(sql!("schedules/plan.sql"), bind![schedule, next_fire_at]);
    match next_fire_at {
        Some(at) => batch.add(sql!("due/set.sql"), bind!["schedule", schedule.uuid(), at]),
        None => batch.add(sql!("due/clear.sql"), bind!["schedule", schedule.uuid()]),
    }
    let answers = batch.run(within.tx).await?;
    let mut messages = Vec::new();
    if let (Some(at), Some(row)) = (next_fire_at, answers[1].first()) {
        let wait_s = delay_s(now, at);
        if wait_s <= LOOK_AHEAD_S {
            let message = fire_message(within, schedule, row.try_get("round")?, at);
            messages.push((message, i32::try_from(wait_s).unwrap_or(0)));
        }
    }
    Ok(Planned { next_fire_at, messages })
}

fn fire_message(within: Within<'_>, schedule: ScheduleId, round: i32, at: Timestamp) -> Message {
    Message {
        route: within.route.clone(),
        kind: Kind::Fire,
        id: schedule.uuid(),
        round,
        at: Some(at),
        outbox: None,
    }
}

/// Fires a schedule if it is time: creates the run of that logical date and plans the next fire. A message of an earlier round
/// that comes late fires too, since the schedule's row says whether anything is due; one that comes early is void. Fires that
/// were missed while nothing ran are not made up: the one that is due fires late and its run says how many were missed; the
/// next is the first after now.
pub async fn fire(within: Within<'_>, schedule: ScheduleId, round: i32) -> Result<Fired, DbError> {
    let mut batch = Batch::default();
    batch.add(sql!("schedules/to_fire.sql"), bind![schedule]);
    batch.add(sql!("due/round.sql"), bind!["schedule", schedule.uuid()]);
    batch.add(sql!("usage/runs_left.sql"), bind![Limit::RunsPerDay.initial()]);
    let answers = batch.run(within.tx).await?;
    let due: Option<i32> = answers[1].first().map(|row| row.try_get("round")).transpose()?.flatten();
    let Some(row) = answers[0].first() else { return Ok(Fired::Void) };
    let found = Found::from_row(row)?;
    let now = within.tx.entered()?.now;
    let (Some(at), Some(version)) = (found.next_fire_at, Version::read(found.definition)) else {
        return Ok(Fired::Void);
    };
    let early_ms = at.duration_since(now).as_millis();
    if early_ms > SKEW_MS && due != Some(round) {
        return Ok(Fired::Void);
    }
    if early_ms > SKEW_MS {
        let delay = i32::try_from(delay_s(now, at)).unwrap_or(i32::MAX);
        return Ok(Fired::Early(vec![(fire_message(within, schedule, round, at), delay)]));
    }
    let rule = Rule::read(&found.timing).ok();
    if found.fired {
        let planned = plan_after(within, schedule, rule.as_ref(), now.max(at)).await?;
        return Ok(Fired::Planned(planned.messages));
    }
    // The job may have a version that the schedule's parameters were never held against.
    let (parameters, unfit) = match parameters::complete(&version.definition.parameters, &found.parameters) {
        Ok(whole) => (whole, None),
        Err(problems) => (found.parameters, Some(Unfit { reason: "parameters", message: told(&problems) })),
    };
    let unfit = unfit.or(used_up(&answers[2])?);
    let new = NewRun {
        id: within.clock.new_id(),
        job: found.job,
        version: found.version,
        definition: &version.definition,
        origin: Origin::Schedule(schedule),
        parameters,
        unfit,
        logical_date: Some(at),
        data_interval: rule.as_ref().map(|rule| rule.data_interval(at)),
        run_after: None,
    };
    let created = create_run(within, new).await?;
    let planned = plan_after(within, schedule, rule.as_ref(), now.max(at)).await?;
    if let Some(missed) = missed(created.run_id, rule.as_ref(), at, now) {
        let mut batch = Batch::default();
        add_events(&mut batch, within, Actor::Schedule(schedule), now, &[missed]);
        batch.run(within.tx).await?;
    }
    Ok(Fired::Run(created.run_id, created.messages.into_iter().chain(planned.messages).collect()))
}

/// Why the day has no run left, if it has none.
fn used_up(rows: &[Row]) -> Result<Option<Unfit>, DbError> {
    let Some(row) = rows.first() else { return Ok(None) };
    let (left, most): (i64, i64) = (row.try_get("runs")?, row.try_get("most")?);
    let message =
        || format!("The workspace has made its {most} runs of this day (quota {}).", Limit::RunsPerDay);
    Ok((left <= 0).then(|| Unfit { reason: "quota_exceeded", message: message() }))
}

fn told(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| format!("{} {}", problem.pointer, problem.message));
    clip(&format!("The parameters do not fit the job: {}", lines.collect::<Vec<_>>().join("; ")), 1000)
}

/// The fires after an instant that have passed by now.
pub(super) fn passed(rule: Option<&Rule>, after: Timestamp, now: Timestamp) -> Vec<Timestamp> {
    let next =
        |after| rule.and_then(|rule| rule.next_after(after)).map(|fire| fire.at).filter(|at| *at <= now);
    std::iter::successors(next(after), |at| next(*at)).take(MOST_MISSED).collect()
}

/// The fires between the one that is due and now, told on the run of the one that is due.
fn missed(run: RunId, rule: Option<&Rule>, at: Timestamp, now: Timestamp) -> Option<Event> {
    let fires = passed(rule, at, now);
    let detail =
        json!({ "missed": fires.len(), "from": fires.first()?.to_string(), "to": fires.last()?.to_string() });
    Some(Event {
        run,
        task_run: None,
        attempt: None,
        from: None,
        to: "pending",
        reason: Some("fires_missed"),
        detail: Some(detail),
    })
}

struct Found {
    job: JobId,
    version: i32,
    definition: Value,
    timing: Timing,
    parameters: Value,
    next_fire_at: Option<Timestamp>,
    fired: bool,
}

impl FromRow for Found {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            job: row.try_get("job_id")?,
            version: row.try_get("version")?,
            definition: row.try_get("definition")?,
            timing: timing(row)?,
            parameters: row.try_get("parameters")?,
            next_fire_at: row.try_get("next_fire_at")?,
            fired: row.try_get("fired")?,
        })
    }
}

/// The rule of a row.
pub(super) fn timing(row: &Row) -> Result<Timing, DbError> {
    let policy = |column| row.try_get::<_, String>(column).map(Value::String);
    Ok(Timing {
        cron: row.try_get("cron")?,
        time_zone: row.try_get("time_zone")?,
        gap: serde_json::from_value(policy("gap")?).unwrap_or_default(),
        fold: serde_json::from_value(policy("fold")?).unwrap_or_default(),
    })
}
