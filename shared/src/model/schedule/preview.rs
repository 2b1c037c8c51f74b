//! What the next fires will be, in words a person can check.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::{Fire, MAX_PREVIEW, PreviewedFire, Rule, Shift};

impl Rule {
    pub(super) fn previewed(&self, after: Timestamp, count: usize) -> Vec<PreviewedFire> {
        let mut fires = Vec::new();
        let mut from = after;
        let mut before = None;
        while fires.len() < count.min(MAX_PREVIEW) {
            let Some(fire) = self.fire_after(from) else { break };
            let start = before.or_else(|| self.fire_before(fire.at).map(|earlier| earlier.at));
            fires.push(PreviewedFire {
                at: fire.at,
                local: format!("{}{}", self.local(fire.at), offset_text(self.zone.to_offset(fire.at))),
                data_interval_start: start,
                shift: fire.shift,
                reason: fire.shift.map(|shift| self.reason(&fire, shift)),
            });
            from = fire.at;
            before = Some(fire.at);
        }
        fires
    }

    fn local(&self, at: Timestamp) -> jiff::civil::DateTime {
        self.zone.to_datetime(at)
    }

    fn reason(&self, fire: &Fire, shift: Shift) -> String {
        let (time, date, zone) = (fire.local.time(), fire.local.date(), self.time_zone());
        match shift {
            Shift::Gap => {
                let moved = self.local(fire.at).time();
                format!(
                    "{time} does not exist on {date} in {zone}, where clocks go forward; moved to {moved}"
                )
            }
            Shift::FoldFirst => {
                format!("{time} comes twice on {date} in {zone}, where clocks go back; this is the first")
            }
            Shift::FoldSecond => {
                format!("{time} comes twice on {date} in {zone}, where clocks go back; this is the second")
            }
        }
    }
}

/// An offset as RFC 3339 writes it.
fn offset_text(offset: Offset) -> String {
    let seconds = offset.seconds();
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
