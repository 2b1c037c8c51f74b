//! How a request ends before its end.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{FutureExt, stream};
use tests::{dice::Dice, polls::Polled};

/// How a request ends before its end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// Its future is dropped after so many polls, as when a client hangs up.
    Polls(usize),
    /// Its future is dropped after so long, wherever it is.
    After(Duration),
    /// Whoever polls it panics: it is dropped while the stack unwinds.
    Panics(usize),
    /// It panics itself, as it reads its body.
    Within,
}

impl Cut {
    /// Any of them, within so many polls.
    pub(super) fn random(dice: &mut Dice, polls: usize) -> Self {
        match dice.below(8) {
            0..=3 => Self::Polls(1 + dice.below(polls)),
            4..=5 => Self::After(Duration::from_micros(dice.any() % 6_000)),
            6 => Self::Panics(1 + dice.below(polls)),
            _ => Self::Within,
        }
    }

    /// Serves a request until it is cut off. True where it came to its end first.
    pub(super) async fn serve<T>(self, serving: impl Future<Output = T>) -> bool {
        match self {
            Self::Polls(polls) => Polled::new(polls, serving).await.is_some(),
            Self::After(pause) => tokio::time::timeout(pause, serving).await.is_ok(),
            Self::Panics(polls) => {
                // Unwinds without a word on the screen, and with all that was begun.
                let polled = async {
                    let mut polled = Polled::new(polls, serving);
                    if (&mut polled).await.is_none() {
                        resume_unwind(Box::new("cut"));
                    }
                };
                AssertUnwindSafe(polled).catch_unwind().await.is_ok()
            }
            Self::Within => AssertUnwindSafe(serving).catch_unwind().await.is_ok(),
        }
    }

    /// Whether it is a panic.
    pub(super) const fn is_a_panic(self) -> bool {
        matches!(self, Self::Panics(_) | Self::Within)
    }
}

/// What a number of requests came to.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) cuts: usize,
    pub(super) panics: usize,
    pub(super) ends: usize,
    pub(super) wrong: Vec<String>,
    pub(super) took: Duration,
}

impl Seen {
    /// Requests so far.
    pub(super) const fn tried(&self) -> usize {
        self.cuts + self.ends
    }

    /// Counts a request, and says whether it was cut off.
    pub(super) fn count(&mut self, cut: Cut, came_to_its_end: bool) -> bool {
        if came_to_its_end {
            self.ends += 1;
            return false;
        }
        self.cuts += 1;
        self.panics += usize::from(cut.is_a_panic());
        true
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.cuts += other.cuts;
        self.panics += other.panics;
        self.ends += other.ends;
        self.wrong.extend(other.wrong);
        self
    }
}

/// A body whose second part is a panic.
pub(super) fn panicking() -> Body {
    let part = |n: usize| {
        if n > 0 {
            resume_unwind(Box::new("cut"));
        }
        Ok::<_, std::io::Error>(Bytes::from_static(b"{"))
    };
    Body::from_stream(stream::iter((0..2).map(part)))
}
