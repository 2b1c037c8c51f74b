//! Steps that take longer than a steward lives: those that are cut off say so, those whose steward is killed again and again are
//! given up, and nobody's workspace stays shut.

use std::time::Duration;

use serde_json::json;
use tests::{
    bends::Bend,
    database, stack,
    steps::{Gate, PAST_THE_LEASE},
    work::{self, SOON},
    world::World,
};

use super::{
    refusals::state,
    restore_kills::left_behind,
    restore_undone::{ask, ready, swept, tried_again},
    restores::outcome,
};

/// How often a step may be left behind.
const ABANDONED: usize = 5;

#[test]
fn a_step_whose_steward_is_killed_again_and_again_is_given_up() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, kept) = ready(&stack, &world).await;
        let before = state(&stack).await;
        let bend = Bend::holding(&stack, "vaults", "insert").await;
        let asked = ask(&tenant, &kept, "replace").await;
        for _ in 0..ABANDONED {
            work::until("a steward loads", SOON, async || bend.is_reached().await).await;
            assert!(stack.cloud().kill("steward").await.expect("a function") > 0);
            bend.let_go().await;
            stack.advance(PAST_THE_LEASE).await.expect("time passes");
        }
        bend.straighten().await;
        work::until("it ends", SOON, async || tried_again(&stack, &asked).await).await;
        let (ended, error, _) = outcome(&stack, &asked).await;
        assert_eq!(ended, "failed");
        assert_eq!(error.as_deref(), Some("the step load was begun 5 times and never came to an end"));
        assert_eq!(state(&stack).await, before);
        assert_eq!(left_behind(&stack).await, Vec::<String>::new());
        assert_eq!(swept(&stack).await, json!([]));
        tenant.administrator.post("/workspace/reactivate", &json!({})).await.expect(200);
        stack.stop().await;
    });
}

#[test]
fn a_steward_that_is_killed_at_one_step_after_the_other_gives_nothing_up() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, kept) = ready(&stack, &world).await;
        let steps = ["keep", "load", "settle", "stop", "swap", "retire"];
        assert!(steps.len() > ABANDONED);
        let mut gate = Gate::at_record(&stack, "restore", steps[0]).await;
        let asked = ask(&tenant, &kept, "replace").await;
        for next in steps.iter().skip(1).copied().chain(["end"]) {
            gate.kill_the_steward(&stack).await;
            gate = Gate::at_record(&stack, "restore", next).await;
            stack.advance(PAST_THE_LEASE).await.expect("time passes");
        }
        gate.open().await;
        work::until("it ends", SOON, async || tried_again(&stack, &asked).await).await;
        let (ended, error, _) = outcome(&stack, &asked).await;
        assert_eq!(ended, "succeeded", "{error:?}");
        stack.stop().await;
    });
}

#[test]
fn a_step_that_takes_longer_than_the_steward_lives_fails_and_is_tried_again() {
    stack::run(async {
        let lives = Duration::from_secs(30);
        let stack = stack::own(|settings| settings.steward_timeout = Some(lives)).await;
        let world = World::at_once();
        let (tenant, kept) = ready(&stack, &world).await;
        let bend = Bend::holding(&stack, "vaults", "insert").await;
        let asked = ask(&tenant, &kept, "replace").await;
        let ask = "select failures, abandoned, step from system.operations where id = $1::text::uuid";
        let client = database::superuser(&stack).await;
        let mut found = (0, 0, String::new());
        work::until("it has failed", SOON.max(2 * lives), async || {
            let row = client.query_one(ask, &[&work::id(&asked)]).await.expect("it");
            found = (row.get(0), row.get(1), row.get(2));
            found.0 > 0
        })
        .await;
        assert_eq!(found, (1, 0, "load".to_owned()), "it was cut off and recorded, not killed");
        bend.straighten().await;
        work::until("it ends", SOON, async || tried_again(&stack, &asked).await).await;
        let (ended, error, _) = outcome(&stack, &asked).await;
        assert_eq!(ended, "succeeded", "{error:?}");
        stack.stop().await;
    });
}
