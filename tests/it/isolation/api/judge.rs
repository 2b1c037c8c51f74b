//! One attempt at one place, and whether it was answered like an id that never was.

use tests::caller::{Answer, Caller};

use super::{
    answers::Comparable,
    planted::Planted,
    spots::{Place, Spot},
    way::{Asked, Way},
};

/// What stands in the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Foreign,
    Deleted,
    Random,
    Malformed,
}

/// The kinds.
pub(super) const KINDS: [Kind; 4] = [Kind::Foreign, Kind::Deleted, Kind::Random, Kind::Malformed];

/// Whose request, which way.
pub(super) struct Attempt<'a> {
    pub(super) way: &'a Way,
    pub(super) ours: &'a Planted,
    pub(super) by: &'a Caller,
    pub(super) spot: &'a Spot,
}

impl Attempt<'_> {
    /// The answer for one value. What a request made all the same is taken away again.
    pub(super) async fn answer(&self, value: &str) -> Answer {
        let asked = self.spot.asked(self.ours, value);
        let answer = self.way.ask(self.by, &asked).await;
        let made = answer.header("location").strip_prefix("/api/v1").map(str::to_owned);
        if let (201, Some(path)) = (answer.status, made) {
            let undo = Asked { method: reqwest::Method::DELETE, path, headers: Vec::new(), body: None };
            self.way.ask(&self.ours.tenant.administrator, &undo).await;
        }
        answer
    }

    /// How something that never was is answered here: what everything else must be like.
    pub(super) async fn absent(&self, beside: &str) -> Comparable {
        let value = self.spot.never_was(beside);
        Comparable::of(&self.answer(&value).await).about(&value)
    }

    /// What is wrong with the answer for a value.
    pub(super) async fn violation(&self, kind: Kind, value: &str, absent: &Comparable) -> Option<String> {
        let answer = self.answer(value).await;
        let seen = Comparable::of(&answer).about(value);
        let is_alike = match (kind, &self.spot.place) {
            (Kind::Malformed, Place::Part(_)) => seen == *absent,
            (Kind::Malformed, Place::Filter(_)) => seen.status < 500,
            (Kind::Malformed, _) => (400..500).contains(&seen.status),
            _ => seen == *absent,
        };
        if is_alike {
            return None;
        }
        let name = self.spot.name();
        Some(format!("{name} {kind:?} {value}: {seen:?} in place of {absent:?}: {}", answer.text()))
    }

    /// What must be true of the answer that all others are compared with.
    pub(super) fn is_refusal(&self, absent: &Comparable) -> bool {
        if self.by.token().is_empty() {
            return absent.status == 401;
        }
        match &self.spot.place {
            Place::Part(_) => [404, 403, 401].contains(&absent.status),
            Place::Query(_) | Place::Filter(_) | Place::Cursor => absent.status < 500,
            Place::Body(_) => absent.status >= 400 && absent.status < 500 || self.spot.is_of_people(),
            Place::IfMatch => [412, 403, 401].contains(&absent.status),
            Place::Key => [400, 403, 401].contains(&absent.status),
        }
    }
}
