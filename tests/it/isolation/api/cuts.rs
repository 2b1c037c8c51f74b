//! Every handler cut off at thousands of points, dropped or panicking: whoever borrows next from the pool is clean, no
//! transaction stays open, and nothing of a request that was cut off is seen by another tenant.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{FutureExt, future::join_all, stream};
use local::stack::Stack;
use serde_json::json;
use tests::{
    database,
    dice::Dice,
    polls::Polled,
    scale, stack,
    tenant::{Placement, Workspace, random_id},
};

use super::{
    document::{Operation, operations},
    planted::{Planted, is_destructive},
    way::{Asked, Near},
};
use crate::isolation::leaks::is_clean;

/// Portals that are tried side by side: most of the time goes into opening connections anew. Each serves two tenants of a
/// placement, whose connections are the same.
const PORTALS: [Placement; 4] =
    [Placement::Schema, Placement::Pooled, Placement::Pooled, Placement::Dedicated];
const SEED: u64 = 9;

/// How a request ends before its end.
#[derive(Clone, Copy, Debug)]
enum Cut {
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
    fn random(dice: &mut Dice) -> Self {
        match dice.below(8) {
            0..=3 => Self::Polls(1 + dice.below(16)),
            4..=5 => Self::After(Duration::from_micros(dice.any() % 6_000)),
            6 => Self::Panics(1 + dice.below(16)),
            _ => Self::Within,
        }
    }

    /// Serves a request until it is cut off. True where it came to its end first.
    async fn serve(self, portal: &Near, request: http::Request<Body>) -> bool {
        let serving = portal.serve(request);
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
}

/// One portal whose requests are cut off, and what came of it.
struct Cutting {
    number: usize,
    placement: Placement,
    stack: &'static Stack,
    operations: Arc<Vec<Operation>>,
}

#[derive(Default)]
struct Seen {
    cuts: usize,
    panics: usize,
    ends: usize,
    wrong: Vec<String>,
}

impl Cutting {
    async fn cut(self, points: usize) -> Seen {
        let mut dice = Dice::new(SEED + self.number as u64);
        let portal = Near::new(self.stack, 2).await;
        let mut ours = Planted::new_in(self.stack, self.placement).await;
        let theirs = match &ours.tenant.database {
            Some(database) => Workspace::claim_beside(self.stack, database).await,
            None => Workspace::claim_in(self.stack, self.placement).await,
        };
        let mut seen = Seen::default();
        while seen.cuts < points && seen.wrong.len() < 5 {
            let tried = seen.cuts + seen.ends;
            // What was deleted before it was cut off is planted again, now and then.
            if tried % 1_500 == 1_499 {
                ours = ours.again(self.stack).await;
            }
            let operation = &self.operations[tried % self.operations.len()];
            let cut = Cut::random(&mut dice);
            let body = body(&ours, operation, matches!(cut, Cut::Within));
            let asked = asked(&ours, operation, &mut dice);
            let request = Near::request(&ours.tenant.administrator, &asked, body);
            if cut.serve(&portal, request).await {
                seen.ends += 1;
                continue;
            }
            seen.cuts += 1;
            seen.panics += usize::from(matches!(cut, Cut::Panics(_) | Cut::Within));
            if let Err(how) = is_clean(&portal.database, &theirs).await {
                let placement = self.placement.name();
                seen.wrong.push(format!("{placement}: {} {cut:?}, seed {SEED}: {how}", operation.id));
            }
        }
        seen
    }
}

/// A proper request; half of those that write come with a key, whose reservation is then the first statement.
fn asked(ours: &Planted, operation: &Operation, dice: &mut Dice) -> Asked {
    let takes_key = operation.headers.iter().any(|header| header == "idempotency-key");
    let key = (takes_key && dice.below(2) == 0).then(|| ("idempotency-key", random_id().to_string()));
    Asked {
        method: operation.method.clone(),
        path: ours.path(operation),
        headers: key.into_iter().chain([("content-type", "application/json".to_owned())]).collect(),
        body: None,
    }
}

/// Its body; where it is to panic within, one whose second part is a panic. Going to another workspace would end the session.
fn body(ours: &Planted, operation: &Operation, panics: bool) -> Body {
    if panics {
        let part = |n: usize| {
            if n > 0 {
                resume_unwind(Box::new("cut"));
            }
            Ok::<_, std::io::Error>(Bytes::from_static(b"{"))
        };
        return Body::from_stream(stream::iter((0..2).map(part)));
    }
    let body = match operation.id.as_str() {
        "me_switch" => Some(json!({ "workspace_id": random_id() })),
        _ => ours.body(operation),
    };
    Body::from(body.map(|body| body.to_string()).unwrap_or_default())
}

#[test]
fn whoever_borrows_after_any_handler_was_cut_off_is_clean() {
    stack::with_databases(async |stack| {
        let started = Instant::now();
        let mut all = operations(stack.url()).await;
        all.retain(|operation| operation.permission != "public" && !is_destructive(operation));
        let handlers = all.len();
        let operations = Arc::new(all);
        let each = scale::of(10_000, 100_000) / PORTALS.len();
        let cutting = PORTALS.into_iter().enumerate().map(|(number, placement)| {
            tokio::spawn(Cutting { number, placement, stack, operations: Arc::clone(&operations) }.cut(each))
        });
        let mut seen = Seen::default();
        for of_one in join_all(cutting).await {
            let of_one = of_one.expect("it comes to its end");
            seen.cuts += of_one.cuts;
            seen.panics += of_one.panics;
            seen.wrong.extend(of_one.wrong);
        }
        let client = database::superuser(stack).await;
        let ask = "select count(*) from pg_stat_activity where usename ~ '^signalbox_portal' and state like 'idle in transaction%'
                   and state_change < clock_timestamp() - interval '1 second'";
        let open: i64 = client.query_one(ask, &[]).await.expect("a count").get(0);
        let counts = [
            ("cuts", seen.cuts.to_string()),
            ("panics_among_them", seen.panics.to_string()),
            ("handlers", handlers.to_string()),
            ("leaks", seen.wrong.len().to_string()),
            ("open_transactions", open.to_string()),
            ("took", format!("{}s", started.elapsed().as_secs())),
        ];
        scale::say("isolation", &counts);
        assert!(seen.wrong.is_empty(), "{}", seen.wrong.join("\n"));
        assert_eq!(open, 0, "no transaction stays open");
    });
}
