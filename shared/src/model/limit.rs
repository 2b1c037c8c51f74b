//! What a workspace may use: each limit's name, what it is where nobody set another, and within what it may be set. Pure.
//!
//! The steward's order sets them, the portal and the engine hold them, `docs/fair-shares.md` lists them (a test compares).

use std::{collections::BTreeMap, fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $initial:literal, $least:literal..=$most:literal;)*) => {
        /// One limit of a workspace.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Limit {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Limit {
            /// Every limit, in the order of this file.
            pub const ALL: &[Limit] = &[$(Limit::$name,)*];

            /// The name in orders, answers and the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Limit::$name => $text,)* }
            }

            /// What it is where nobody set another.
            #[must_use]
            pub const fn initial(self) -> i64 {
                match self { $(Limit::$name => $initial,)* }
            }

            /// Within what it may be set.
            #[must_use]
            pub const fn range(self) -> RangeInclusive<i64> {
                match self { $(Limit::$name => $least..=$most,)* }
            }
        }
    };
}

// Name, initial value, least and most.
limits! {
    /// Calls of the API a second, sustained.
    ApiRate = "api_rate", 100, 1..=10_000;
    /// Calls of the API at once, after a quiet while.
    ApiBurst = "api_burst", 1_000, 1..=100_000;
    /// Webhooks a second, sustained.
    WebhookRate = "webhook_rate", 50, 1..=10_000;
    /// Webhooks at once, after a quiet while.
    WebhookBurst = "webhook_burst", 500, 1..=100_000;
    /// Jobs that are not deleted.
    Jobs = "jobs", 1_000, 1..=100_000;
    /// Schedules.
    Schedules = "schedules", 1_000, 1..=100_000;
    /// Connections.
    Connections = "connections", 200, 1..=10_000;
    /// Members.
    Users = "users", 500, 1..=100_000;
    /// Runs made on one day (UTC).
    RunsPerDay = "runs_per_day", 200_000, 1..=100_000_000;
    /// Exports that are kept.
    Exports = "exports", 50, 1..=1_000;
    /// Backups that are kept.
    Backups = "backups", 200, 1..=10_000;
    /// Sandboxes: workspaces that were made of a backup.
    Sandboxes = "sandboxes", 10, 1..=100;
    /// Bytes that the workspace's tables and indexes take.
    StoredBytes = "stored_bytes", 10_737_418_240, 1_048_576..=10_995_116_277_760;
}

/// The limits of one workspace: those set for it, and the initial ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(BTreeMap<Limit, i64>);

impl Limits {
    /// From what is stored; a name of a later version is left out.
    pub fn of(stored: impl IntoIterator<Item = (String, i64)>) -> Self {
        Self(stored.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value))).collect())
    }

    /// The value of one.
    #[must_use]
    pub fn get(&self, limit: Limit) -> i64 {
        self.0.get(&limit).copied().unwrap_or(limit.initial())
    }

    /// Sets one, or none: back to the initial value.
    pub fn set(&mut self, limit: Limit, value: Option<i64>) {
        match value {
            Some(value) => self.0.insert(limit, value),
            None => self.0.remove(&limit),
        };
    }

    /// What is wrong with them, in one sentence; none where they may be.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        for (limit, value) in &self.0 {
            let range = limit.range();
            if !range.contains(value) {
                return Some(format!("{limit} is {} to {}, not {value}", range.start(), range.end()));
            }
        }
        let pairs = [(Limit::ApiRate, Limit::ApiBurst), (Limit::WebhookRate, Limit::WebhookBurst)];
        let tight = pairs.into_iter().find(|(rate, burst)| self.get(*burst) < self.get(*rate));
        tight.map(|(rate, burst)| format!("{burst} must hold one second of {rate}, {}", self.get(rate)))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Limit {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Limit::ALL.iter().copied().find(|limit| limit.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initial_limits_may_be() {
        assert_eq!(Limits::default().fault(), None);
        for limit in Limit::ALL {
            assert!(limit.range().contains(&limit.initial()), "{limit}");
            assert_eq!(limit.as_str().parse(), Ok(*limit));
        }
    }

    #[test]
    fn a_limit_is_refused_one_past_either_end() {
        for limit in Limit::ALL {
            let mut limits = Limits::default();
            // Rates and bursts move together.
            for other in Limit::ALL.iter().filter(|l| l.as_str().ends_with("_burst")) {
                limits.set(*other, Some(*other.range().end()));
            }
            for other in Limit::ALL.iter().filter(|l| l.as_str().ends_with("_rate")) {
                limits.set(*other, Some(*other.range().start()));
            }
            let (least, most) = limit.range().into_inner();
            for (value, is_good) in
                [(least - 1, false), (least, true), (most, true), (most + 1, false), (0, false)]
            {
                limits.set(*limit, Some(value));
                assert_eq!(limits.fault().is_none(), is_good, "{limit} = {value}: {:?}", limits.fault());
            }
        }
    }

    #[test]
    fn a_burst_holds_a_second_of_its_rate() {
        let mut limits = Limits::of([("api_rate".to_owned(), 2_000), ("of_a_later_version".to_owned(), 1)]);
        assert!(limits.fault().is_some_and(|fault| fault.starts_with("api_burst must hold")));
        limits.set(Limit::ApiBurst, Some(2_000));
        assert_eq!(limits.fault(), None);
        limits.set(Limit::ApiRate, None);
        assert_eq!(limits.get(Limit::ApiRate), Limit::ApiRate.initial());
    }
}
