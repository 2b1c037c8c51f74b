//! The waves in which a migration reaches the workspaces. Pure.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
}

impl FromStr for Wave {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|wave| wave.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wave_reaches_further_than_the_one_before() {
        let reach: Vec<_> = Wave::ALL.iter().map(|wave| wave.reach().unwrap_or(i64::MAX)).collect();
        assert!(reach.windows(2).all(|pair| pair[0] < pair[1]), "{reach:?}");
        for wave in Wave::ALL {
            assert_eq!(wave.as_str().parse(), Ok(*wave));
        }
    }
}
