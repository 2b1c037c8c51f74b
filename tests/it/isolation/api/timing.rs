//! Whether the time of an answer tells that an id exists: pairs of a foreign and a random id, interleaved, and the median
//! of their differences.

use std::time::{Duration, Instant};

use tests::{dice::Dice, scale, stack, tenant::random_id};

use super::{
    document::{Operation, operations},
    planted::Planted,
    way::{Asked, Near, Way},
};

/// Those that read a row, that read several, that list by a reference, that write, that delete, that act; of things of work, of
/// people, of the workspace.
const REPRESENTATIVE: [&str; 9] = [
    "vaults_get",
    "runs_get",
    "run_events_list",
    "jobs_update",
    "connections_delete",
    "runs_create",
    "exports_get",
    "roles_update",
    "api_tokens_delete",
];
/// What an attacker would have to tell apart.
const TELLING: Duration = Duration::from_millis(1);

/// One operation of ours, with ids of theirs.
pub(in crate::isolation) struct Measured<'a> {
    pub(in crate::isolation) way: &'a Way,
    pub(in crate::isolation) ours: &'a Planted,
    pub(in crate::isolation) theirs: &'a Planted,
    pub(in crate::isolation) operation: &'a Operation,
}

impl Measured<'_> {
    /// How much longer one takes than the other, at the median of so many pairs.
    async fn apart(&self, pairs: usize) -> Duration {
        let mut dice = Dice::new(4);
        let (collection, _) = &self.operation.parts()[0];
        let foreign = self.theirs.ids[collection.as_str()].clone();
        let mut longer = Vec::new();
        for _ in 0..pairs {
            let random = random_id().to_string();
            // Which goes first is left to chance, or the second of each pair would find warmer caches.
            let (of_foreign, of_random) = if dice.below(2) == 0 {
                let first = self.took(&foreign).await;
                (first, self.took(&random).await)
            } else {
                let first = self.took(&random).await;
                (self.took(&foreign).await, first)
            };
            longer.push(of_foreign.as_secs_f64() - of_random.as_secs_f64());
        }
        // Of each pair: what else the machine does at the time is in both.
        longer.sort_by(f64::total_cmp);
        Duration::from_secs_f64(longer[longer.len() / 2].abs())
    }

    /// What an attacker would find who comes again: on a busy machine one look may be chance, three are not.
    pub(in crate::isolation) async fn tells(&self, pairs: usize) -> (Duration, bool) {
        let mut least = Duration::MAX;
        for _ in 0..3 {
            least = least.min(self.apart(pairs).await);
            if least < TELLING {
                return (least, false);
            }
        }
        (least, true)
    }

    async fn took(&self, id: &str) -> Duration {
        let asked = Asked {
            method: self.operation.method.clone(),
            path: self.operation.path.replacen("{id}", id, 1),
            headers: Vec::new(),
            body: self.ours.body(self.operation),
        };
        let started = Instant::now();
        let answer = self.way.ask(&self.ours.tenant.administrator, &asked).await;
        let took = started.elapsed();
        assert_eq!(answer.status, 404, "{}: {}", self.operation.id, answer.text());
        took
    }
}

#[test]
fn the_time_of_an_answer_does_not_tell_whether_an_id_exists() {
    stack::with(async |stack| {
        let (ours, theirs) = (Planted::new(stack).await, Planted::new(stack).await);
        let way = Way::Near(Near::new(stack, 1).await);
        let pairs = scale::of(2_000, 10_000) / REPRESENTATIVE.len();
        let mut most = Duration::ZERO;
        let all = operations(stack.url()).await;
        for wanted in REPRESENTATIVE {
            let operation = all.iter().find(|operation| operation.id == wanted).expect("an operation");
            let measured = Measured { way: &way, ours: &ours, theirs: &theirs, operation };
            let (apart, tells) = measured.tells(pairs).await;
            assert!(!tells, "{wanted}: {apart:?} apart");
            most = most.max(apart);
        }
        let counts = [
            ("timed_pairs", (pairs * REPRESENTATIVE.len()).to_string()),
            ("apart_at_the_median_at_most", format!("{}µs", most.as_micros())),
        ];
        scale::say("isolation", &counts);
    });
}
