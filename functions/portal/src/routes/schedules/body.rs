//! Bodies and queries of schedules.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use shared::{
    error::DbError,
    model::{
        Problem, Problems,
        ids::JobId,
        schedule::{Fold, Gap, MAX_PREVIEW, PreviewedFire, Rule, Timing},
    },
    store::{
        Page,
        schedules::{Draft, Schedule},
    },
};
use utoipa::{IntoParams, ToSchema};

use super::super::{
    check_named,
    lists::{Cursor, Limit},
    times::instant,
};
use crate::fault::Fault;

/// What a schedule is made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleBody)]
pub(super) struct NewSchedule {
    /// Unique in the workspace; at most 100 characters.
    #[schema(max_length = 100)]
    name: String,
    /// What it starts; it never changes.
    pub(super) job_id: JobId,
    /// Five fields, six with seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    #[schema(example = "0 6 * * *")]
    cron: String,
    /// IANA name of the zone the fields are meant in.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// For local times that don't exist.
    #[serde(default)]
    gap: Gap,
    /// For local times that come twice.
    #[serde(default)]
    fold: Fold,
    /// Parameters of its runs; the job's defaults fill the rest.
    #[serde(default = "none")]
    #[schema(value_type = Object)]
    pub(super) parameters: Value,
}

/// A rule to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PreviewBody)]
pub(super) struct Preview {
    /// As a schedule's.
    cron: String,
    /// As a schedule's.
    time_zone: String,
    /// As a schedule's.
    #[serde(default)]
    gap: Gap,
    /// As a schedule's.
    #[serde(default)]
    fold: Fold,
    /// How many fires: 1 to 200.
    #[serde(default = "ten")]
    #[schema(minimum = 1, maximum = 200, default = 10)]
    count: usize,
    /// Fires after this; now if it is absent.
    #[serde(default, deserialize_with = "instant")]
    #[schema(value_type = Option<String>, format = DateTime)]
    after: Option<Timestamp>,
}

/// Which schedules to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// How many items at most.
    #[serde(default)]
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Of this job.
    #[param(value_type = Option<String>, format = Uuid)]
    pub(super) job_id: Option<JobId>,
}

fn none() -> Value {
    Value::Object(serde_json::Map::new())
}

const fn ten() -> usize {
    10
}

impl Asked {
    /// The page, as the store takes it.
    pub(super) fn page(&self) -> Page {
        self.limit.page(self.cursor)
    }
}

impl NewSchedule {
    /// Checks what needs no database.
    pub(super) fn check(&self, now: Timestamp) -> Result<Rule, Fault> {
        let mut problems = Problems::default();
        check_named(&mut problems, "/name", &self.name);
        problems.unless(self.parameters.is_object(), "/parameters", "must be an object");
        let timing = Timing {
            cron: self.cron.clone(),
            time_zone: self.time_zone.clone(),
            gap: self.gap,
            fold: self.fold,
        };
        match Rule::new(&timing, now) {
            Ok(rule) => Ok(problems.or(rule)?),
            Err(wrong) => {
                problems.extend_under("", wrong);
                Err(problems.into_vec().into())
            }
        }
    }

    /// A schedule keeps its job: its runs are that job's.
    pub(super) fn check_against(&self, was: &Schedule) -> Result<(), Fault> {
        if was.job_id == self.job_id {
            return Ok(());
        }
        Err(Fault::invalid(vec![Problem::at("/job_id", "cannot change; make another schedule")]))
    }

    /// The schedule as it is stored.
    pub(super) fn draft(&self) -> Draft {
        Draft {
            name: self.name.clone(),
            job: self.job_id,
            cron: self.cron.clone(),
            time_zone: self.time_zone.clone(),
            gap: match self.gap {
                Gap::NextValid => "next_valid",
                Gap::Skip => "skip",
            },
            fold: match self.fold {
                Fold::First => "first",
                Fold::Second => "second",
                Fold::Both => "both",
            },
            parameters: self.parameters.clone(),
        }
    }
}

impl Preview {
    /// The next fires after `now` or after what was asked.
    pub(super) fn fires(self, now: Timestamp) -> Result<Vec<PreviewedFire>, Fault> {
        if !(1..=MAX_PREVIEW).contains(&self.count) {
            return Err(Fault::invalid(vec![Problem::at("/count", format!("must be 1 to {MAX_PREVIEW}"))]));
        }
        let after = self.after.unwrap_or(now);
        let timing = Timing { cron: self.cron, time_zone: self.time_zone, gap: self.gap, fold: self.fold };
        Ok(Rule::new(&timing, after)?.preview(after, self.count))
    }
}

/// The rule of a schedule as it was stored.
pub(super) fn timing_of(row: &Schedule) -> Result<Timing, DbError> {
    let policy = |text: &str| serde_json::Value::from(text);
    let unknown = |error: serde_json::Error| DbError::Defect(error.into());
    Ok(Timing {
        cron: row.cron.clone(),
        time_zone: row.time_zone.clone(),
        gap: serde_json::from_value(policy(&row.gap)).map_err(unknown)?,
        fold: serde_json::from_value(policy(&row.fold)).map_err(unknown)?,
    })
}
