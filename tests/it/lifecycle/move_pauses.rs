//! How long a move keeps people from writing: no longer than its pause, whoever is killed in it and whatever fails.

use std::time::{Duration, Instant};

use futures_util::future::join;
use local::stack::Stack;
use serde_json::json;
use tests::{
    archive, database, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::{self, Placement, Tenant},
    work::{self, SOON},
    world::{Answer, World},
};

use super::moves::{ask, ended, fill, last, place, rows, shown};

/// The lease of a step in which nobody can write, and the second after which somebody comes.
const PAST_THE_PAUSE: Duration = Duration::from_secs(21);

/// Where the steward is killed: at the record of a step, or in the middle of one.
async fn gate(stack: &Stack, at: &str, tenant: &Tenant) -> Gate {
    match at {
        "in the pause" => Gate::on(stack, "system.tenants", "update").await,
        "in the copy" => Gate::on(stack, &format!("\"{}\".jobs", tenant.schema), "insert").await,
        step => Gate::at_record(stack, "move", step).await,
    }
}

async fn is_writable(tenant: &Tenant) -> bool {
    let body = json!({ "name": work::fresh("since"), "kind": "managed" });
    tenant.administrator.post("/vaults", &body).await.status == 201
}

/// A sequence that counts how often something was tried: what is rolled back still counts.
async fn count_tries(stack: &Stack, schema: &str, then: &str) {
    let make = format!(
        "create sequence public.tries;
         create function public.bend() returns trigger language plpgsql security definer as $$
         declare v_try bigint := nextval('public.tries');
         begin {then} return new; end $$;
         create trigger bend before insert on \"{schema}\".jobs for each row execute function public.bend()"
    );
    database::superuser(stack).await.batch_execute(&make).await.expect("a bend");
}

async fn tries(stack: &Stack) -> i64 {
    let ask = "select last_value from public.tries";
    database::superuser(stack).await.query_one(ask, &[]).await.expect("a count").get(0)
}

#[test]
fn a_steward_killed_while_nobody_can_write_is_followed_before_long() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let neighbour = tenant::new_in(&stack, Placement::Pooled).await;
        let world = World::at_once();
        for at in ["drain", "copy", "clear", "in the pause", "in the copy"] {
            let moved = tenant::new(&stack).await;
            fill(&moved, &world).await;
            let before = shown(&moved).await;
            let gate = gate(&stack, at, &neighbour).await;
            ask(&stack, &moved, "pooled").await;
            gate.kill_the_steward(&stack).await;
            // No tick: what wakes the next one was sent before.
            stack.advance(PAST_THE_PAUSE).await.expect("time");
            ended(&stack, &moved, "succeeded").await;
            let (placement, pool, state) = place(&stack, &moved).await;
            assert_eq!((placement.as_str(), state.as_str()), ("pooled", "active"), "killed at {at}");
            assert_eq!(shown(&moved).await, before, "killed at {at}");
            assert!(rows(&stack, &moved, &pool).await > 0);
            assert!(is_writable(&moved).await, "killed at {at}");
        }
        stack.stop().await;
    });
}

#[test]
fn a_steward_killed_on_the_way_back_is_followed_before_long() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let neighbour = tenant::new_in(&stack, Placement::Pooled).await;
        let world = World::at_once();
        count_tries(&stack, &neighbour.schema, "raise 'never';").await;
        for step in ["undo", "unmake", "end"] {
            let moved = tenant::new(&stack).await;
            fill(&moved, &world).await;
            let at = place(&stack, &moved).await;
            let gate = Gate::at_record(&stack, "move", step).await;
            ask(&stack, &moved, "pooled").await;
            gate.kill_the_steward(&stack).await;
            if step == "end" {
                // Everybody can write again: this one waits for the tick.
                stack.advance(PAST_THE_LEASE).await.expect("time");
                stack.cloud().tick_now("steward").await.expect("a tick");
            } else {
                stack.advance(PAST_THE_PAUSE).await.expect("time");
            }
            ended(&stack, &moved, "failed").await;
            assert_eq!(place(&stack, &moved).await, at, "killed at {step}");
            assert!(is_writable(&moved).await, "killed at {step}");
        }
        stack.stop().await;
    });
}

#[test]
fn a_copy_that_fails_is_tried_again_at_once_and_undone_after_a_few_times() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (first, second) = (tenant::new(&stack).await, tenant::new(&stack).await);
        let neighbour = tenant::new_in(&stack, Placement::Pooled).await;
        let world = World::at_once();
        fill(&first, &world).await;
        fill(&second, &world).await;
        count_tries(&stack, &neighbour.schema, "if v_try <> 2 then raise 'not now'; end if;").await;
        ask(&stack, &first, "pooled").await;
        ended(&stack, &first, "succeeded").await;
        assert_eq!(tries(&stack).await, 2);
        let pause_ms = last(&stack, &first).await.1.expect("a result")["pause_ms"].as_i64();
        assert!(pause_ms.is_some_and(|ms| (1_000..10_000).contains(&ms)), "the wait counts: {pause_ms:?}");
        let (before, at) = (shown(&second).await, place(&stack, &second).await);
        ask(&stack, &second, "pooled").await;
        ended(&stack, &second, "failed").await;
        assert_eq!(tries(&stack).await, 5, "three times more");
        assert_eq!(place(&stack, &second).await, at, "the old route, the old state");
        assert_eq!(shown(&second).await, before);
        assert_eq!(rows(&stack, &second, &neighbour.schema).await, 0);
        assert!(is_writable(&second).await);
        stack.stop().await;
    });
}

#[test]
fn a_copy_that_does_not_end_within_the_pause_is_undone() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (moved, neighbour) = (tenant::new(&stack).await, tenant::new_in(&stack, Placement::Pooled).await);
        let world = World::at_once();
        fill(&moved, &world).await;
        let at = place(&stack, &moved).await;
        count_tries(&stack, &neighbour.schema, "perform pg_sleep(60);").await;
        ask(&stack, &moved, "pooled").await;
        work::until("the workspace is paused", SOON, async || place(&stack, &moved).await.2 == "suspending")
            .await;
        let paused = Instant::now();
        work::until("it is given back", SOON, async || place(&stack, &moved).await == at).await;
        assert!(paused.elapsed() < Duration::from_secs(13), "{:?}", paused.elapsed());
        ended(&stack, &moved, "failed").await;
        let why = last(&stack, &moved).await.2.expect("a reason");
        assert!(why.contains("too large"), "{why}");
        assert_eq!(tries(&stack).await, 1);
        assert!(is_writable(&moved).await);
        stack.stop().await;
    });
}

#[test]
fn a_call_that_does_not_end_soon_gives_the_workspace_back_before_the_next_round() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (moved, _) = (tenant::new(&stack).await, tenant::new_in(&stack, Placement::Pooled).await);
        let world =
            World::new(|_, _| Answer::After(Duration::from_secs(12), Box::new(Answer::Json(200, json!({})))));
        work::connection(&moved.administrator, "platform", &world).await;
        let job = work::job(&moved.administrator, "job", &[work::at_once("slow", "platform", &[])]).await;
        let run = work::run(&moved.operator, &job).await;
        work::until("it is being started", SOON, async || world.count("POST", "/start/slow") > 0).await;
        ask(&stack, &moved, "pooled").await;
        work::until("the workspace is paused", SOON, async || place(&stack, &moved).await.2 == "suspending")
            .await;
        work::until("it is given back", SOON, async || place(&stack, &moved).await.2 == "active").await;
        assert_eq!(last(&stack, &moved).await.0, "running", "the move goes on");
        assert!(is_writable(&moved).await);
        ended(&stack, &moved, "succeeded").await;
        let (state, result, _) = last(&stack, &moved).await;
        assert_eq!(state, "succeeded");
        let pause_ms = result.expect("a result")["pause_ms"].as_i64();
        assert!(pause_ms.is_some_and(|ms| ms < 10_000), "of the last round: {pause_ms:?}");
        work::wait_for_run(&moved.operator, &run, "succeeded", 2 * SOON).await;
        assert_eq!(world.count("POST", "/start/slow"), 1);
        stack.stop().await;
    });
}

#[test]
fn a_workspace_that_is_reactivated_while_a_move_is_asked_for_is_active_after_it() {
    stack::with(async |stack| {
        let (moved, _) = (tenant::new(stack).await, tenant::new_in(stack, Placement::Pooled).await);
        archive::done(&moved.administrator, "/workspace/suspend", &json!({})).await;
        // A reactivation that is not committed yet.
        let reactivation = database::superuser(stack).await;
        let begin = format!(
            "begin; select pg_advisory_xact_lock(1, hashtext('{0}'));
             update system.tenants set state = 'active' where id = '{0}'",
            moved.id
        );
        reactivation.batch_execute(&begin).await.expect("a reactivation");
        let waits = format!(
            "select exists (select from pg_locks where locktype = 'advisory' and classid = 1 and not granted
                            and objid = (hashtext('{}')::bigint & 4294967295)::oid)",
            moved.id
        );
        let watching = database::superuser(stack).await;
        let order = stack.order(json!({ "do": "move", "tenant_id": moved.id, "to": "pooled" }));
        let commit = async {
            work::until("the move waits for it", SOON, async || {
                watching.query_one(&waits, &[]).await.expect("the locks").get(0)
            })
            .await;
            reactivation.batch_execute("commit").await.expect("it is active");
        };
        join(order, commit).await.0.expect("the steward takes the order");
        ended(stack, &moved, "succeeded").await;
        let (placement, _, state) = place(stack, &moved).await;
        assert_eq!((placement.as_str(), state.as_str()), ("pooled", "active"));
    });
}
