//! From local times to instants.
//!
//! A zone's clock is a row of stretches with one offset each. Within a stretch local time and instants go side by side; only where
//! two stretches meet do local times fall out (a gap) or come twice (a fold). So the search goes stretch by stretch.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::{Fire, Fold, Gap, HORIZON_DAYS, Rule, Shift};

/// A stretch of time over which the offset does not change.
struct Stretch {
    offset: Offset,
    /// When it began and what the offset was before.
    began: Option<(Timestamp, Offset)>,
    /// When it ends and what the offset is after.
    ends: Option<(Timestamp, Offset)>,
}

impl Stretch {
    fn at(zone: &TimeZone, instant: Timestamp) -> Self {
        let second = SignedDuration::from_secs(1);
        let just_after = instant.checked_add(second).unwrap_or(Timestamp::MAX);
        let began = zone.preceding(just_after).next().map(|transition| {
            let began = transition.timestamp();
            (began, zone.to_offset(began.checked_sub(second).unwrap_or(Timestamp::MIN)))
        });
        let ends = zone.following(instant).next().map(|next| (next.timestamp(), next.offset()));
        Self { offset: zone.to_offset(instant), began, ends }
    }

    /// The local time at which it ends and what its clock is set to then.
    fn local_end(&self) -> Option<(DateTime, DateTime)> {
        self.ends.map(|(at, after)| (self.offset.to_datetime(at), after.to_datetime(at)))
    }

    /// The local time until which its times have come once already in the stretch before.
    fn repeats_until(&self) -> Option<DateTime> {
        self.began.and_then(|(at, before)| (before > self.offset).then(|| before.to_datetime(at)))
    }

    /// The local time from which its times come again in the stretch after.
    fn repeated_from(&self) -> Option<DateTime> {
        self.ends.and_then(|(at, after)| (after < self.offset).then(|| after.to_datetime(at)))
    }
}

impl Rule {
    pub(super) fn fire_after(&self, after: Timestamp) -> Option<Fire> {
        let horizon = after.checked_add(SignedDuration::from_hours(24 * i64::from(HORIZON_DAYS))).ok()?;
        let mut stretch = Stretch::at(&self.zone, after);
        let from =
            stretch.offset.to_datetime(Timestamp::from_second(after.as_second().checked_add(1)?).ok()?);
        if let Some(fire) = self.fire_in(&stretch, from, horizon) {
            return Some(fire);
        }
        while let Some((at, _)) = stretch.ends.filter(|(at, _)| *at <= horizon) {
            let next = Stretch::at(&self.zone, at);
            if let Some(fire) = self.fire_for_gap(&stretch, at) {
                return Some(fire);
            }
            if let Some(fire) = self.fire_in(&next, next.offset.to_datetime(at), horizon) {
                return Some(fire);
            }
            stretch = next;
        }
        None
    }

    /// The first fire of a stretch at or after a local time.
    fn fire_in(&self, stretch: &Stretch, from: DateTime, horizon: Timestamp) -> Option<Fire> {
        let last = stretch.offset.to_datetime(horizon);
        let end = stretch.local_end().map_or(last, |(end, _)| end.min(last));
        let mut from = from;
        loop {
            let local = self.cron.first_in(from, end)?;
            let again = stretch.repeats_until().filter(|until| local < *until);
            let first = stretch.repeated_from().is_some_and(|since| local >= since);
            let wanted = self.cron.every_hour()
                || match self.fold {
                    Fold::Both => true,
                    Fold::First => again.is_none(),
                    Fold::Second => !first,
                };
            if wanted {
                let shift = match (again, first) {
                    (Some(_), _) => Some(Shift::FoldSecond),
                    (None, true) => Some(Shift::FoldFirst),
                    (None, false) => None,
                };
                return Some(Fire { at: stretch.offset.to_timestamp(local).ok()?, local, shift });
            }
            // The rest of the repeated times is not wanted either.
            from = again.unwrap_or(end);
        }
    }

    /// The fire that the times lost between a stretch and the next come to: one, at the first instant after them.
    fn fire_for_gap(&self, before: &Stretch, at: Timestamp) -> Option<Fire> {
        let (lost_from, lost_to) = before.local_end()?;
        // A rule for every hour loses nothing: the hour before the gap and the one after it are neighbours on the absolute clock.
        if lost_to <= lost_from || self.gap == Gap::Skip || self.cron.every_hour() {
            return None;
        }
        // A fire of its own at that instant is not a shifted one.
        let own = self.cron.first_in(lost_to, lost_to.checked_add(SignedDuration::from_secs(1)).ok()?);
        if own.is_some() {
            return None;
        }
        let mut from = lost_from;
        loop {
            let local = self.cron.first_in(from, lost_to)?;
            let midnight = local.date().to_datetime(jiff::civil::Time::midnight());
            let tomorrow = local.date().tomorrow().ok()?.to_datetime(jiff::civil::Time::midnight());
            // A date that a zone left out altogether (by crossing the date line) has no fire to move.
            if midnight >= lost_from && tomorrow <= lost_to {
                from = tomorrow;
                continue;
            }
            return Some(Fire { at, local, shift: Some(Shift::Gap) });
        }
    }

    /// The last fire before an instant, by halving: `fire_after` never goes back when its argument goes on.
    pub(super) fn fire_before(&self, before: Timestamp) -> Option<Fire> {
        let earlier = |from: i64| {
            let from = Timestamp::from_second(from).ok()?;
            self.fire_after(from).filter(|fire| fire.at < before)
        };
        let end = before.as_second();
        let furthest = i64::from(HORIZON_DAYS) * 86_400;
        let mut span = 3600;
        while earlier(end - span).is_none() {
            if span >= furthest {
                return None;
            }
            span = (span * 8).min(furthest);
        }
        let (mut some, mut none) = (end - span, end);
        while none - some > 1 {
            let middle = some + (none - some) / 2;
            if earlier(middle).is_some() { some = middle } else { none = middle }
        }
        earlier(some)
    }
}
