//! The fields of a cron rule, and the local times they name.
//!
//! The `croner` crate reads the fields and judges dates (last day, nth weekday, …). The search over local times is ours, since it must
//! be bounded and must not know about zones: those are in `fires.rs`.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, DateTime, Time, time};

use super::SHORTEST_INTERVAL_S;

/// The longest rule, in bytes.
const MAX_CRON: usize = 200;
const NICKNAMES: &[&str] = &["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];

#[derive(Debug, Clone)]
pub(super) struct Fields {
    cron: Cron,
    months: Vec<i8>,
    hours: Vec<i8>,
    minutes: Vec<i8>,
    seconds: Vec<i8>,
}

impl Fields {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fields = text.split_whitespace().count();
        if text.len() > MAX_CRON {
            return Err(format!("must be at most {MAX_CRON} characters"));
        }
        if !text.is_ascii() || text.chars().any(char::is_control) {
            return Err("must be plain ASCII on one line".into());
        }
        if text.contains('@') {
            if !NICKNAMES.contains(&text.trim().to_ascii_lowercase().as_str()) {
                return Err(format!("is none of {}", NICKNAMES.join(", ")));
            }
        } else if !(5..=6).contains(&fields) {
            return Err(format!(
                "has {fields} fields: a rule has 5 (minute hour day month weekday), or 6 with seconds first"
            ));
        }
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Optional).build();
        let cron =
            parser.parse(text).map_err(|error| format!("is no cron rule: {}", plain(&error.to_string())))?;
        let small = |values: Vec<u16>| -> Vec<i8> {
            values.into_iter().filter_map(|v| i8::try_from(v).ok()).collect()
        };
        let read = Self {
            months: small(cron.pattern.months.values()),
            hours: small(cron.pattern.hours.values()),
            minutes: small(cron.pattern.minutes.values()),
            seconds: small(cron.pattern.seconds.values()),
            cron,
        };
        if read.months.is_empty()
            || read.hours.is_empty()
            || read.minutes.is_empty()
            || read.seconds.is_empty()
        {
            return Err("is no cron rule: a field is empty".into());
        }
        if read.shortest_interval() < SHORTEST_INTERVAL_S {
            return Err(format!(
                "fires more often than every {SHORTEST_INTERVAL_S} seconds, which is the most"
            ));
        }
        Ok(read)
    }

    /// Whether it names every hour of the day. Such a rule goes by the absolute clock.
    pub(super) fn every_hour(&self) -> bool {
        self.hours.len() == 24
    }

    /// The first local time it names from `from` on, before `before`.
    pub(super) fn first_in(&self, from: DateTime, before: DateTime) -> Option<DateTime> {
        let mut date = from.date();
        let mut earliest = from.time();
        while date <= before.date() {
            if self.names_date(date)
                && let Some(found) = self.first_time(earliest)
            {
                let found = date.to_datetime(found);
                return (found < before).then_some(found);
            }
            date = date.tomorrow().ok()?;
            earliest = Time::midnight();
        }
        None
    }

    fn names_date(&self, date: Date) -> bool {
        if !self.months.contains(&date.month()) {
            return false;
        }
        let weekday = match date.weekday().to_sunday_zero_offset() {
            0 => croner::time::Weekday::Sunday,
            1 => croner::time::Weekday::Monday,
            2 => croner::time::Weekday::Tuesday,
            3 => croner::time::Weekday::Wednesday,
            4 => croner::time::Weekday::Thursday,
            5 => croner::time::Weekday::Friday,
            _ => croner::time::Weekday::Saturday,
        };
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        self.cron.pattern.day_match(date.year().into(), month.into(), day.into(), weekday).unwrap_or(false)
    }

    fn first_time(&self, from: Time) -> Option<Time> {
        for &hour in self.hours.iter().filter(|hour| **hour >= from.hour()) {
            let same_hour = hour == from.hour();
            for &minute in self.minutes.iter().filter(|minute| !same_hour || **minute >= from.minute()) {
                let same_minute = same_hour && minute == from.minute();
                if let Some(&second) =
                    self.seconds.iter().find(|second| !same_minute || **second >= from.second())
                {
                    return Some(time(hour, minute, second, 0));
                }
            }
        }
        None
    }

    /// The least seconds between two fires that are less than a minute apart; a minute otherwise.
    fn shortest_interval(&self) -> i64 {
        let seconds = self.seconds.iter().map(|second| i64::from(*second));
        let within = seconds.clone().zip(seconds.clone().skip(1)).map(|(a, b)| b - a).min().unwrap_or(60);
        let neighbours = self.minutes.windows(2).any(|pair| pair[1] - pair[0] == 1)
            || (self.minutes.first() == Some(&0) && self.minutes.last() == Some(&59));
        let across = match (self.seconds.first(), self.seconds.last()) {
            (Some(first), Some(last)) if neighbours => 60 + i64::from(*first) - i64::from(*last),
            _ => 60,
        };
        within.min(across)
    }
}

/// The reader's message without its own heading.
fn plain(message: &str) -> &str {
    message
        .trim_start_matches("Component error: ")
        .trim_start_matches("Invalid pattern: ")
        .trim_end_matches('.')
}
