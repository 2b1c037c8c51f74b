//! Every id of another tenant in every place that takes one: the answer is that of an id which never was, to the byte. The
//! whole grid goes through the gateway once.

use std::time::Instant;

use local::stack::Stack;
use reqwest::Method;
use serde_json::json;
use tests::{
    caller::{Caller, send},
    scale, stack,
    tenant::{APART, PAIRS, Placement},
    work,
};

use super::{
    document::operations,
    judge::{Attempt, KINDS, Kind},
    planted::{Planted, changed},
    spots::{Spot, spots},
    way::{Near, Way},
};

#[test]
fn every_operation_says_who_may_and_is_attacked() {
    stack::with(async |stack| {
        let (ours, operations) = (Planted::new(stack).await, operations(stack.url()).await);
        for operation in &operations {
            let permission = operation.permission.as_str();
            let known = ["public", "signed_in"].contains(&permission)
                || permission.parse::<shared::model::role::Permission>().is_ok();
            assert!(known, "{} does not say who may: {permission:?}", operation.id);
            let body = ours.body(operation);
            for reference in operation.references() {
                let filled = body.as_ref().and_then(|body| body.pointer(&reference.pointer));
                assert!(
                    filled.is_some(),
                    "{}: {} is in no attempt: put it into the body that `Planted::body` makes",
                    operation.id,
                    reference.pointer
                );
            }
            assert!(!ours.path(operation).contains('{'), "{}", operation.path);
        }
        let places = spots(&operations).len();
        assert!(places >= 110, "{places} places that take an id");
    });
}

/// The whole grid, from a workspace of one placement against one of another.
async fn foreign_is_absent(stack: &Stack, (ours, theirs): (Placement, Placement)) {
    let (ours, theirs) = (Planted::new_in(stack, ours).await, Planted::new_in(stack, theirs).await);
    absent_between(stack, Way::Gateway, (&ours, &theirs)).await;
}

async fn absent_between(stack: &Stack, way: Way, (ours, theirs): (&Planted, &Planted)) {
    theirs.rest(stack).await;
    let before = theirs.digest(stack).await;
    let spots = spots(&operations(stack.url()).await);
    let (name, started) = (way.name(), Instant::now());
    let grid = Grid { way, spots: &spots, ours, theirs };
    let (attempts, violations) = grid.attempt(usize::MAX).await;
    assert_eq!(changed(&before, &theirs.digest(stack).await), "", "nothing of theirs was touched");
    let counts = [
        ("from", ours.placement.name().to_owned()),
        ("to", theirs.placement.name().to_owned()),
        (name, attempts.to_string()),
        ("operations×fields", format!("100% ({} places)", spots.len())),
        ("violations", violations.len().to_string()),
        ("took", format!("{}s", started.elapsed().as_secs())),
    ];
    scale::say("isolation", &counts);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    assert!(attempts > 1_500, "{attempts} attempts");
}

#[test]
fn a_foreign_id_anywhere_is_answered_like_one_that_never_was() {
    stack::with(async |stack| foreign_is_absent(stack, (Placement::Schema, Placement::Schema)).await);
}

#[test]
fn so_it_is_between_neighbours_in_a_pool_and_into_a_pool_and_out_of_it() {
    stack::with(async |stack| {
        for pair in PAIRS.into_iter().filter(|pair| *pair != (Placement::Schema, Placement::Schema)) {
            foreign_is_absent(stack, pair).await;
        }
    });
}

/// By a portal in this process, which finds each workspace in its database; from one such database to another through the
/// gateway.
#[test]
fn so_it_is_into_a_database_of_ones_own_and_out_of_it() {
    stack::with_databases(async |stack| {
        let mut planted = Vec::new();
        for placement in [Placement::Schema, Placement::Pooled, Placement::Dedicated, Placement::Dedicated] {
            planted.push(Planted::new_in(stack, placement).await);
        }
        let near = Way::Near(Near::new(stack, 2).await);
        for (ours, theirs) in APART {
            let way = if ours == theirs { Way::Gateway } else { near.clone() };
            let ours = planted.iter().find(|planted| planted.placement == ours).expect("planted");
            let theirs = planted.iter().rfind(|planted| planted.placement == theirs).expect("planted");
            assert_ne!(ours.tenant.database, theirs.tenant.database);
            absent_between(stack, way, (ours, theirs)).await;
        }
    });
}

/// Who attempts what.
pub(in crate::isolation) struct Grid<'a> {
    pub(in crate::isolation) way: Way,
    pub(in crate::isolation) spots: &'a [Spot],
    pub(in crate::isolation) ours: &'a Planted,
    pub(in crate::isolation) theirs: &'a Planted,
}

impl Grid<'_> {
    /// Every place; stops where so many are wrong. Says how often it tried, and what was wrong.
    pub(in crate::isolation) async fn attempt(&self, enough: usize) -> (usize, Vec<String>) {
        let (mut attempts, mut violations) = (0, Vec::new());
        for spot in self.spots {
            if violations.len() >= enough {
                break;
            }
            let tried = self.at_one_spot(spot, &mut violations).await;
            assert!(tried > 0, "{} was not tried", spot.name());
            attempts += tried;
        }
        (attempts, violations)
    }

    /// One place by each role, with what is theirs, deleted, random or malformed; says how often it was tried.
    async fn at_one_spot(&self, spot: &Spot, violations: &mut Vec<String>) -> usize {
        let (ours, mut tried) = (self.ours, 0);
        for by in &ours.members {
            let attempt = Attempt { way: &self.way, ours, by, spot };
            let mut absent = attempt.absent("").await;
            if !attempt.is_refusal(&absent) {
                violations.push(format!("{}: what never was is answered with {absent:?}", spot.name()));
            }
            for kind in KINDS {
                for value in some(values(spot, kind, ours, self.theirs), tried) {
                    if spot.is_a_place_in_an_order() {
                        absent = attempt.absent(&value).await;
                    }
                    violations.extend(attempt.violation(kind, &value, &absent).await);
                    tried += 1;
                }
            }
        }
        tried
    }
}

/// A few of them, others each time; in bulk, without the gateway, each comes up many times.
fn some(mut values: Vec<String>, from: usize) -> Vec<String> {
    let at = from % values.len().max(1);
    values.rotate_left(at);
    values.truncate(3);
    values
}

/// All values of a kind that fit a place.
pub(super) fn values(spot: &Spot, kind: Kind, ours: &Planted, theirs: &Planted) -> Vec<String> {
    match kind {
        Kind::Foreign => spot.foreign(theirs),
        Kind::Deleted if spot.takes_ids() => ours.deleted.clone(),
        Kind::Deleted => Vec::new(),
        Kind::Random => vec![spot.never_was("")],
        Kind::Malformed => spot.malformed(),
    }
}

async fn a_key_is_fresh(stack: &Stack, placement: Placement) {
    let (ours, theirs) = (Planted::new_in(stack, placement).await, Planted::new_in(stack, placement).await);
    let body = json!({ "name": work::fresh("name"), "kind": "managed" });
    let post = async |by: &Caller, key: &str| {
        let request = by.request(Method::POST, "/vaults").header("idempotency-key", key).json(&body);
        send(request).await.expect(201)
    };
    let key = work::fresh("key");
    let made = post(&theirs.tenant.administrator, &key).await;
    let again = post(&theirs.tenant.administrator, &key).await;
    assert_eq!(again, made, "their own repetition is replayed");
    let mine = post(&ours.tenant.administrator, &key).await;
    assert_ne!(mine["id"], made["id"], "ours is made");
    ours.tenant.administrator.get(&format!("/vaults/{}", work::id(&mine))).await.expect(200);
    ours.tenant.administrator.get(&format!("/vaults/{}", work::id(&made))).await.problem(404, "not_found");
}

#[test]
fn a_key_that_another_tenant_used_is_a_fresh_one() {
    stack::with(async |stack| {
        a_key_is_fresh(stack, Placement::Schema).await;
        a_key_is_fresh(stack, Placement::Pooled).await;
    });
}

async fn a_name_is_free(stack: &Stack, placement: Placement) {
    let (ours, theirs) = (Planted::new_in(stack, placement).await, Planted::new_in(stack, placement).await);
    let by = &ours.tenant.administrator;
    work::vault(by, &theirs.names["vault"]).await;
    let profile = json!({ "name": theirs.names["profile"], "limit": 1 });
    by.post("/concurrency-profiles", &profile).await.expect(201);
    let settings = json!({ "base_url": "https://example.com" });
    let connection = json!({ "name": theirs.names["connection"], "kind": "http", "settings": settings });
    by.post("/connections", &connection).await.expect(201);
    let tasks = work::chain(&theirs.names["connection"], 1);
    let job = work::job(by, &theirs.names["job"], &tasks).await;
    let schedule = json!({ "name": theirs.names["schedule"], "job_id": job["id"], "cron": "0 6 1 1 *", "time_zone": "UTC" });
    by.post("/schedules", &schedule).await.expect(201);
    // And our own are taken, so that the question was one.
    let twice = by.post("/vaults", &json!({ "name": theirs.names["vault"], "kind": "managed" })).await;
    twice.problem(409, "name_taken");
}

#[test]
fn a_name_that_another_tenant_has_is_free() {
    stack::with(async |stack| {
        a_name_is_free(stack, Placement::Schema).await;
        a_name_is_free(stack, Placement::Pooled).await;
    });
}
