//! A hundred thousand attempts across tenants (a million before a release), several tenants at once against the portal's own
//! router in this process: none is answered other than like an id that never was, and no victim changes. Whoever attempts and
//! whoever is reached for are of every placement.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use futures_util::future::join_all;
use tests::{dice::Dice, scale, stack, tenant::Placement};

use super::{
    answers::Comparable,
    attempts::values,
    document::operations,
    judge::{Attempt, KINDS, Kind},
    planted::{Planted, changed},
    spots::{Spot, spots},
    way::{Near, Way},
};

/// Tenants that attempt; each works on its own, so that its lists change by what it does alone.
const ACTORS: [Placement; 4] =
    [Placement::Schema, Placement::Pooled, Placement::Pooled, Placement::Dedicated];
/// Tenants that only have what others reach for.
const VICTIMS: [Placement; 3] = [Placement::Schema, Placement::Pooled, Placement::Dedicated];
/// Changed by whoever wants other attempts.
const SEED: u64 = 20_261_122;

/// One actor: what it has, whom it attacks, and the way.
struct Actor {
    number: usize,
    ours: Arc<Planted>,
    victims: Vec<Arc<Planted>>,
    spots: Arc<Vec<Spot>>,
    way: Way,
}

/// What an actor did.
#[derive(Default)]
struct Tried {
    attempts: usize,
    spots: BTreeSet<usize>,
    violations: Vec<String>,
}

impl Actor {
    async fn act(self, attempts: usize) -> Tried {
        let mut dice = Dice::new(SEED + self.number as u64);
        let (mut tried, mut known) = (Tried::default(), HashMap::new());
        while tried.attempts < attempts && tried.violations.len() < 20 {
            let at = (tried.attempts + self.number * 7) % self.spots.len();
            tried.violations.extend(self.attempt(at, &mut dice, &mut known).await);
            tried.spots.insert(at);
            tried.attempts += 1;
        }
        tried
    }

    /// One attempt; what never was is asked about once for each place and role, and again where it seems to differ.
    async fn attempt(
        &self,
        at: usize,
        dice: &mut Dice,
        known: &mut HashMap<(usize, usize), Comparable>,
    ) -> Option<String> {
        let spot = &self.spots[at];
        // As `Planted::members` has them: nobody is heard the least.
        let role = [0, 0, 0, 1, 1, 2, 2, 3, 3, 4][dice.below(10)];
        let by = &self.ours.members[role];
        let attempt = Attempt { way: &self.way, ours: &self.ours, by, spot };
        let (kind, value) = self.choose(spot, dice);
        if spot.is_a_place_in_an_order() {
            let absent = attempt.absent(&value).await;
            return attempt.violation(kind, &value, &absent).await;
        }
        if let Some(absent) = known.get(&(at, role)) {
            attempt.violation(kind, &value, absent).await.as_ref()?;
        }
        let absent = attempt.absent("").await;
        let wrong = attempt.violation(kind, &value, &absent).await;
        if !attempt.is_refusal(&absent) {
            return Some(format!("{}: what never was is answered with {absent:?}", spot.name()));
        }
        known.insert((at, role), absent);
        wrong
    }

    /// Half of what is tried is another tenant's.
    fn choose(&self, spot: &Spot, dice: &mut Dice) -> (Kind, String) {
        let wanted = if dice.below(2) == 0 { Kind::Foreign } else { *dice.one(&KINDS) };
        let theirs = dice.one(&self.victims);
        for kind in [wanted, Kind::Random] {
            let mut values = values(spot, kind, &self.ours, theirs);
            if !values.is_empty() {
                return (kind, values.swap_remove(dice.below(values.len())));
            }
        }
        unreachable!("something that never was fits anywhere")
    }
}

#[test]
fn a_hundred_thousand_attempts_reach_nothing_of_another_tenant() {
    stack::with_databases(async |stack| {
        let started = Instant::now();
        let spots = Arc::new(spots(&operations(stack.url()).await));
        let near = Way::Near(Near::new(stack, ACTORS.len()).await);
        let mut planted = Vec::new();
        for placement in ACTORS.into_iter().chain(VICTIMS) {
            planted.push(Arc::new(Planted::new_in(stack, placement).await));
        }
        let (actors, victims) = planted.split_at(ACTORS.len());
        let mut before = Vec::new();
        for victim in victims {
            victim.rest(stack).await;
            before.push(victim.digest(stack).await);
        }
        let each = scale::of(100_000, 1_000_000) / ACTORS.len();
        let tasks = actors.iter().enumerate().map(|(number, ours)| {
            let (ours, victims, spots) = (Arc::clone(ours), victims.to_vec(), Arc::clone(&spots));
            tokio::spawn(Actor { number, ours, victims, spots, way: near.clone() }.act(each))
        });
        let mut all = Tried::default();
        for tried in join_all(tasks).await {
            let tried = tried.expect("an actor comes to its end");
            all.attempts += tried.attempts;
            all.spots.extend(tried.spots);
            all.violations.extend(tried.violations);
        }
        let pairs = BTreeSet::from(ACTORS.map(Placement::name)).len() * VICTIMS.len();
        let counts = [
            ("attempts", all.attempts.to_string()),
            (
                "operations×fields",
                format!("{}% ({} places)", all.spots.len() * 100 / spots.len(), spots.len()),
            ),
            ("pairs_of_placements", pairs.to_string()),
            ("violations", all.violations.len().to_string()),
            ("seed", SEED.to_string()),
            ("took", format!("{}s", started.elapsed().as_secs())),
        ];
        scale::say("isolation", &counts);
        assert!(all.violations.is_empty(), "seed {SEED}:\n{}", all.violations.join("\n"));
        assert_eq!(all.spots.len(), spots.len(), "every place was tried");
        for (victim, before) in victims.iter().zip(before) {
            assert_eq!(changed(&before, &victim.digest(stack).await), "", "a victim is as it was");
        }
    });
}
