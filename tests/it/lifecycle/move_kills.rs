//! Moves that go wrong, are killed, or meet another operation: the workspace is in one place or the other, whole.

use serde_json::json;
use tests::{
    archive, audit, database, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::{self, Placement},
    work::{self, SOON},
    world::World,
};

use super::moves::{ask, ended, fill, last, place, rows, shown};

#[test]
fn a_copy_that_differs_is_undone_and_the_workspace_goes_on_where_it_was() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (moved, neighbour) = (tenant::new(&stack).await, tenant::new_in(&stack, Placement::Pooled).await);
        let world = World::at_once();
        let job = fill(&moved, &world).await;
        let (before, at) = (shown(&moved).await, place(&stack, &moved).await);
        // Something in the new place changes what is written there.
        let bend = format!(
            "create function public.bend() returns trigger language plpgsql as $$ begin new.name := new.name || '!'; return new; end $$;
             create trigger bend before insert on \"{}\".jobs for each row execute function public.bend()",
            neighbour.schema
        );
        database::superuser(&stack).await.batch_execute(&bend).await.expect("a bend");
        ask(&stack, &moved, "pooled").await;
        ended(&stack, &moved, "failed").await;
        assert_eq!(place(&stack, &moved).await, at, "the old route, the old state");
        assert_eq!(rows(&stack, &moved, &neighbour.schema).await, 0, "nothing of it stayed in the pool");
        assert_eq!(shown(&moved).await, before);
        let run = work::run(&moved.operator, &job).await;
        work::wait_for_run(&moved.operator, &run, "succeeded", 2 * SOON).await;
        stack.stop().await;
    });
}

#[test]
fn a_steward_killed_at_any_step_of_a_move_is_followed_by_one_that_ends_it() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let neighbour = tenant::new_in(&stack, Placement::Pooled).await;
        let world = World::at_once();
        fill(&neighbour, &world).await;
        for to in ["pooled", "schema"] {
            for step in ["make", "pause", "drain", "copy", "clear", "end"] {
                let from = if to == "pooled" { Placement::Schema } else { Placement::Pooled };
                let moved = tenant::new_in(&stack, from).await;
                work::connection(&moved.administrator, "platform", &world).await;
                let (before, others) = (shown(&moved).await, shown(&neighbour).await);
                let (_, old, _) = place(&stack, &moved).await;
                let gate = Gate::at_record(&stack, "move", step).await;
                ask(&stack, &moved, to).await;
                gate.kill_the_steward(&stack).await;
                stack.advance(PAST_THE_LEASE).await.expect("time");
                stack.cloud().tick_now("steward").await.expect("a tick");
                ended(&stack, &moved, "succeeded").await;
                let (placement, new, state) = place(&stack, &moved).await;
                assert_eq!((placement.as_str(), state.as_str()), (to, "active"), "killed before {step}");
                assert_eq!(rows(&stack, &moved, &old).await, 0, "killed before {step}");
                assert!(rows(&stack, &moved, &new).await > 0);
                assert_eq!(shown(&moved).await, before, "killed before {step}");
                assert_eq!(shown(&neighbour).await, others, "killed before {step}");
            }
        }
        let lost = "select count(*) from pg_namespace n where n.nspname ~ '^t_' and not exists (
                        select from system.tenants t where t.schema_name = n.nspname)
                    and not exists (select from system.pools p where p.schema_name = n.nspname)";
        let lost: i64 = database::superuser(&stack).await.query_one(lost, &[]).await.expect("a count").get(0);
        assert_eq!(lost, 0, "no schema is left that nothing leads to");
        stack.stop().await;
    });
}

#[test]
fn a_move_waits_for_an_export_and_what_is_asked_for_meanwhile_for_the_move() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (moved, _) = (tenant::new(&stack).await, tenant::new_in(&stack, Placement::Pooled).await);
        let by = &moved.administrator;
        audit::seal(&stack, moved.id).await;
        let head = audit::verify(by, None).await["head"].as_str().expect("a head").to_owned();
        let gate = Gate::at_record(&stack, "export", "expire").await;
        let export = by.post("/workspace/exports", &json!({})).await.expect(202);
        work::until("the export is being written", SOON, async || gate.is_reached().await).await;
        ask(&stack, &moved, "pooled").await;
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        assert_eq!(last(&stack, &moved).await.0, "pending", "the export is let go on");
        gate.open().await;
        ended(&stack, &moved, "succeeded").await;
        assert_eq!(archive::wait(by, &export).await["state"], "succeeded");

        let gate = Gate::at_record(&stack, "move", "copy").await;
        ask(&stack, &moved, "schema").await;
        work::until("the move has begun", SOON, async || gate.is_reached().await).await;
        let export = by.post("/workspace/exports", &json!({})).await.expect(202);
        let deletion = json!({ "name": moved.directory.name, "grace_s": 3600 });
        by.post("/workspace/deletion", &deletion).await.problem(409, "operation_open");
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        let state =
            by.get(&format!("/workspace/operations/{}", work::id(&export))).await.expect(200)["state"]
                .clone();
        assert_eq!(state, "pending", "the move goes first");
        gate.open().await;
        ended(&stack, &moved, "succeeded").await;
        assert_eq!(archive::wait(by, &export).await["state"], "succeeded");
        // The chain of its log goes on behind the head of before.
        audit::seal(&stack, moved.id).await;
        let found = audit::verify(by, Some(&head)).await;
        assert_eq!(found["verified"], true, "{found}");
        stack.stop().await;
    });
}
