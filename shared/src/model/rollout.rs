//! The waves in which a migration reaches the workspaces. Pure.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ids::TenantId, tenant::SchemaName};

/// A schema that a migration has yet to reach: one workspace's, or a pool, which moves as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The schema.
    pub schema: SchemaName,
    /// The version it has.
    pub version: i32,
    /// Who lives there, or one of them; nobody in an empty pool.
    pub tenant: Option<TenantId>,
    /// How many workspaces with people it moves.
    pub people: i64,
}

/// How far a rollout goes. Spares first, for they have nobody; then one workspace, ten, all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wave {
    /// Workspaces that nobody has yet.
    Spares,
    /// One workspace with people.
    One,
    /// Ten of them.
    Ten,
    /// All of them.
    #[default]
    All,
}

impl Wave {
    /// The waves in order.
    pub const ALL: &[Self] = &[Self::Spares, Self::One, Self::Ten, Self::All];

    /// The text used in the database and in orders.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spares => "spares",
            Self::One => "one",
            Self::Ten => "ten",
            Self::All => "all",
        }
    }

    /// How many workspaces with people have the version once the wave is through; none where there is no bound.
    #[must_use]
    pub const fn reach(self) -> Option<i64> {
        match self {
            Self::Spares => Some(0),
            Self::One => Some(1),
            Self::Ten => Some(10),
            Self::All => None,
        }
    }

    /// Takes from `homes`, which stand in the order in which they should come, those that this wave may migrate next: `most` at
    /// most, and none with more people than there is room for while `ahead` workspaces with people have the version.
    pub fn take(self, homes: &mut Vec<Home>, ahead: i64, most: usize) -> Vec<Home> {
        let mut room = self.reach().map_or(i64::MAX, |reach| if reach == 0 { 0 } else { reach - ahead });
        let is_open = room > 0 || self == Self::Spares;
        let mut left = most;
        let fits = |home: &mut Home| {
            let fits = is_open && left > 0 && home.people <= room;
            if fits {
                left -= 1;
                room -= home.people;
            }
            fits
        };
        homes.extract_if(.., fits).collect()
    }
}

impl FromStr for Wave {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|wave| wave.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn homes(people: &[i64]) -> Vec<Home> {
        let home = |(number, people): (u128, &i64)| Home {
            schema: SchemaName::named(Uuid::from_u128(number)),
            version: 1,
            tenant: None,
            people: *people,
        };
        (1..).zip(people).map(home).collect()
    }

    fn taken(wave: Wave, from: &[i64], ahead: i64) -> Vec<i64> {
        wave.take(&mut homes(from), ahead, 100).iter().map(|home| home.people).collect()
    }

    #[test]
    fn a_wave_takes_what_it_has_room_for_and_no_pool_that_is_larger() {
        let all = [0, 1, 1, 1, 0, 2, 9, 500];
        assert_eq!(taken(Wave::Spares, &all, 0), [0, 0]);
        assert_eq!(taken(Wave::Spares, &all, 700), [0, 0], "whoever is ahead keeps no spare from it");
        assert_eq!(taken(Wave::One, &all[1..], 0), [1, 0]);
        assert_eq!(taken(Wave::One, &all, 1), [0; 0]);
        assert_eq!(taken(Wave::Ten, &all[2..], 1), [1, 1, 0, 2]);
        assert_eq!(taken(Wave::Ten, &[1, 10, 500], 0), [1], "there are nine left then");
        assert_eq!(taken(Wave::Ten, &[500], 0), [0; 0]);
        assert_eq!(taken(Wave::All, &all, 12), all);
    }

    #[test]
    fn what_is_taken_is_taken_once_and_not_more_than_is_asked_for() {
        let mut left = homes(&[1; 5]);
        assert_eq!(Wave::All.take(&mut left, 0, 2).len(), 2);
        assert_eq!(left, homes(&[1; 5])[2..]);
        assert_eq!(Wave::All.take(&mut left, 2, 9).len(), 3);
        assert!(Wave::All.take(&mut left, 5, 9).is_empty());
    }

    #[test]
    fn each_wave_reaches_further_than_the_one_before() {
        let reach: Vec<_> = Wave::ALL.iter().map(|wave| wave.reach().unwrap_or(i64::MAX)).collect();
        assert!(reach.windows(2).all(|pair| pair[0] < pair[1]), "{reach:?}");
        for wave in Wave::ALL {
            assert_eq!(wave.as_str().parse(), Ok(*wave));
        }
    }
}
