//! When a job runs: a cron rule in a time zone, and the instants it comes to.
//!
//! The local rule is stored; instants are computed here and nowhere else. The portal previews, the scheduler asks for the
//! next fire. Every search is bounded: a rule that does not fire within [`HORIZON_DAYS`] never fires.

mod cron;
mod fires;
mod preview;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::{Problem, Problems};

/// How far ahead a next fire is looked for: ten years.
pub const HORIZON_DAYS: i32 = 3653;
/// The shortest time between two fires, in seconds.
pub const SHORTEST_INTERVAL_S: i64 = 10;
/// The most fires one preview lists.
pub const MAX_PREVIEW: usize = 200;

/// What to do with a local time that does not exist, because clocks went forward over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// Fire at the first instant after it, once.
    #[default]
    NextValid,
    /// Don't fire.
    Skip,
}

/// What to do with a local time that comes twice, because clocks went back over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// Fire the first time.
    #[default]
    First,
    /// Fire the second time.
    Second,
    /// Fire both times.
    Both,
}

/// The rule as its author writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Five fields, six with seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    pub cron: String,
    /// IANA name of the zone the fields are meant in.
    pub time_zone: String,
    /// For times that don't exist. A rule for every hour of the day goes by the absolute clock and needs neither policy.
    pub gap: Gap,
    /// For times that come twice.
    pub fold: Fold,
}

/// A rule that was checked and fires at least once in ten years from the instant it was checked at.
#[derive(Debug, Clone)]
pub struct Rule {
    cron: cron::Fields,
    zone: TimeZone,
    gap: Gap,
    fold: Fold,
}

/// Why a fire is not simply at the local time the rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// The local time does not exist that day; moved to the first that does.
    Gap,
    /// The local time comes twice that day; this is the first.
    FoldFirst,
    /// The local time comes twice that day; this is the second.
    FoldSecond,
}

/// One fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fire {
    /// The instant. It is the run's logical date and the end of its data interval.
    pub at: Timestamp,
    /// The local time the rule names, which may not exist.
    pub local: DateTime,
    /// Whether clocks moved it.
    pub shift: Option<Shift>,
}

/// One line of a preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PreviewedFire {
    /// The instant, in UTC.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The same instant on the zone's clock, with its offset.
    #[schema(example = "2027-03-28T03:00:00+02:00")]
    pub local: String,
    /// Start of its data interval: the fire before it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub data_interval_start: Option<Timestamp>,
    /// What moved it, if anything did.
    pub shift: Option<Shift>,
    /// The shift in a sentence.
    pub reason: Option<String>,
}

impl Rule {
    /// Checks a rule. Pointers are `/cron` and `/time_zone`.
    ///
    /// # Errors
    /// What is wrong with the fields or the zone, or that it never fires after `now`.
    pub fn new(timing: &Timing, now: Timestamp) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let cron = cron::Fields::parse(&timing.cron).map_err(|wrong| problems.add("/cron", wrong)).ok();
        let zone = zone(&timing.time_zone).map_err(|wrong| problems.add("/time_zone", wrong)).ok();
        let (Some(cron), Some(zone)) = (cron, zone) else { return Err(problems.into_vec()) };
        let rule = Self { cron, zone, gap: timing.gap, fold: timing.fold };
        let fires = rule.next_after(now).is_some();
        problems.unless(fires, "/cron", "names no date that comes within ten years: it would never fire");
        problems.or(rule)
    }

    /// Reads a rule that was checked when it was saved. Unlike [`Rule::new`] it may have fired for the last time.
    ///
    /// # Errors
    /// What is wrong with the fields or the zone.
    pub fn read(timing: &Timing) -> Result<Self, Vec<Problem>> {
        let cron = cron::Fields::parse(&timing.cron).map_err(|wrong| vec![Problem::at("/cron", wrong)])?;
        let zone = zone(&timing.time_zone).map_err(|wrong| vec![Problem::at("/time_zone", wrong)])?;
        Ok(Self { cron, zone, gap: timing.gap, fold: timing.fold })
    }

    /// The first fire after an instant; `None` if there is none within [`HORIZON_DAYS`].
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Fire> {
        self.fire_after(after)
    }

    /// The last fire before an instant; `None` if there is none within [`HORIZON_DAYS`].
    #[must_use]
    pub fn last_before(&self, before: Timestamp) -> Option<Fire> {
        self.fire_before(before)
    }

    /// The data interval of the run that fires at an instant: from the fire before it (or itself, if it is the first).
    #[must_use]
    pub fn data_interval(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        (self.last_before(at).map_or(at, |fire| fire.at), at)
    }

    /// The next fires after an instant, at most [`MAX_PREVIEW`], with the reason of each shift.
    #[must_use]
    pub fn preview(&self, after: Timestamp, count: usize) -> Vec<PreviewedFire> {
        self.previewed(after, count)
    }

    /// The zone's name.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }
}

fn zone(name: &str) -> Result<TimeZone, String> {
    let unknown =
        || format!("{:?} is not a time zone; use an IANA name such as Europe/Berlin or UTC", shortened(name));
    if name.len() > 64 || !name.is_ascii() {
        return Err(unknown());
    }
    let zone = TimeZone::get(name).map_err(|_| unknown())?;
    if zone.is_unknown() || zone.iana_name().is_none() { Err(unknown()) } else { Ok(zone) }
}

fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}
