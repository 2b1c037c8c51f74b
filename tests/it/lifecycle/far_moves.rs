//! Moves between databases: everything comes along, nobody's session ends, nothing stays behind, whoever is killed on the way.

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    audit, database, invariants, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::{self, Placement, Tenant, random_id},
    work::{self, SOON},
    world::World,
};

mod leaving;
mod sandboxes;

use super::{
    moves::{fill, shown},
    program,
};

/// Where a workspace of these tests can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Schema,
    Pool,
    North,
}

impl At {
    const fn database(self) -> Option<&'static str> {
        match self {
            Self::North => Some("north"),
            _ => None,
        }
    }

    const fn placement(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Pool => "pooled",
            Self::North => "dedicated",
        }
    }
}

async fn with_north() -> Stack {
    stack::own(|settings| settings.databases = vec!["north".to_owned()]).await
}

async fn ask(stack: &Stack, tenant: &Tenant, to: At) {
    let order =
        json!({ "do": "move", "tenant_id": tenant.id, "to": to.placement(), "database": to.database() });
    stack.order(order).await.expect("the steward takes the order");
}

/// Placement, state, schema and last move of a workspace as a database has them.
async fn told(stack: &Stack, tenant: &Tenant, at: At) -> Option<(String, String, String, Option<String>)> {
    let ask = "select t.placement, t.state, t.schema_name,
                      (select o.state from system.operations o where o.tenant_id = t.id and o.kind = 'move' order by o.id desc limit 1)
               from system.tenants t where t.id = $1";
    let client = database::superuser_in(stack, at.database()).await;
    let row = client.query_opt(ask, &[&tenant.id]).await.expect("its route")?;
    Some((row.get(0), row.get(1), row.get(2), row.get(3)))
}

/// Waits until a workspace is there, open, and gone from where it was.
async fn arrived(stack: &Stack, tenant: &Tenant, (from, to): (At, At)) -> String {
    work::until("the move has ended", 2 * SOON, async || {
        let is_gone = from.database() == to.database() || told(stack, tenant, from).await.is_none();
        let there = told(stack, tenant, to).await;
        is_gone
            && there.is_some_and(|(placement, _, _, last)| {
                placement == to.placement() && last.as_deref() == Some("succeeded")
            })
    })
    .await;
    let (_, state, schema, _) = told(stack, tenant, to).await.expect("it is there");
    assert_eq!(state, "active");
    schema
}

/// What the hourly sweep finds, in each database.
async fn leftovers(stack: &Stack) -> (Value, Value) {
    let swept = stack.order(json!({ "do": "sweep" })).await.expect("swept");
    (swept["leftovers"].clone(), swept["databases"]["north"]["leftovers"].clone())
}

#[test]
fn a_workspace_moves_into_a_database_of_its_own_and_back_with_all_it_has() {
    stack::run(async {
        let stack = with_north().await;
        let (moved, neighbour) = (tenant::new(&stack).await, tenant::new_in(&stack, Placement::Pooled).await);
        let world = World::at_once();
        let job = fill(&moved, &world).await;
        fill(&neighbour, &world).await;
        let program = program(&moved.administrator).await;
        let (mut before, others) = (shown(&moved).await, shown(&neighbour).await);
        let mut from = At::Schema;
        for to in [At::North, At::Schema, At::North, At::Pool] {
            ask(&stack, &moved, to).await;
            let schema = arrived(&stack, &moved, (from, to)).await;
            // The same session, the same token: they name the place where it was first.
            assert_eq!(shown(&moved).await, before);
            program.get("/vaults").await.expect(200);
            let run = work::run(&moved.operator, &job).await;
            work::wait_for_run(&moved.operator, &run, "succeeded", 2 * SOON).await;
            audit::seal(&stack, moved.id).await;
            audit::verify(&moved.administrator, None).await;
            tenant::signed_in(&stack, &moved.operator_account).await.get("/me").await.expect(200);
            let here = Tenant { schema, database: to.database().map(str::to_owned), ..moved.clone() };
            invariants::hold(&stack, &here).await;
            assert_eq!(leftovers(&stack).await, (json!([]), json!([])), "to {to:?}");
            assert_eq!(shown(&neighbour).await, others, "the neighbour is as it was");
            before = shown(&moved).await;
            from = to;
        }
        let log = work::all(&moved.administrator, "/audit").await;
        assert_eq!(
            log.iter().filter(|row| row["action"] == "workspace.move").count(),
            4,
            "its log tells of each"
        );
        let moves = work::all(&moved.administrator, "/workspace/operations").await;
        assert_eq!(
            moves.iter().filter(|row| row["kind"] == "move" && row["state"] == "succeeded").count(),
            4
        );
        stack.stop().await;
    });
}

#[test]
fn a_steward_killed_at_any_step_between_two_databases_is_followed_by_one_that_ends_it() {
    stack::run(async {
        let stack = with_north().await;
        let world = World::at_once();
        let moved = tenant::new(&stack).await;
        let job = fill(&moved, &world).await;
        let before = shown(&moved).await;
        for (from, to) in [(At::Schema, At::North), (At::North, At::Schema)] {
            for step in ["make", "pause", "drain", "copy", "arrive", "clear", "end"] {
                if told(&stack, &moved, from).await.is_none() {
                    ask(&stack, &moved, from).await;
                    arrived(&stack, &moved, (to, from)).await;
                }
                let gate = Gate::at_record_in(&stack, from.database(), "move", step).await;
                ask(&stack, &moved, to).await;
                gate.kill_the_steward(&stack).await;
                stack.advance(PAST_THE_LEASE).await.expect("time");
                stack.cloud().tick_now("steward").await.expect("a tick");
                arrived(&stack, &moved, (from, to)).await;
                assert_eq!(shown(&moved).await, before, "killed before {step} on the way to {to:?}");
                assert_eq!(
                    leftovers(&stack).await,
                    (json!([]), json!([])),
                    "killed before {step} on the way to {to:?}"
                );
            }
        }
        let run = work::run(&moved.operator, &job).await;
        work::wait_for_run(&moved.operator, &run, "succeeded", 2 * SOON).await;
        stack.stop().await;
    });
}

#[test]
fn who_comes_back_waits_until_what_they_left_is_cleared() {
    stack::run(async {
        let stack = with_north().await;
        let moved = tenant::new(&stack).await;
        fill(&moved, &World::at_once()).await;
        let before = shown(&moved).await;
        let gate = Gate::at_record_in(&stack, None, "move", "clear").await;
        ask(&stack, &moved, At::North).await;
        gate.kill_the_steward(&stack).await;
        // It has arrived, and the rest of it is still here: whoever clears it has the lease of the steward that was killed.
        ask(&stack, &moved, At::Schema).await;
        let north = database::superuser_in(&stack, Some("north")).await;
        let waits = "select count(*) from system.operations
                     where tenant_id = $1 and kind = 'move' and step = 'start' and started_at is not null and finished_at is null";
        work::until("the way back is looked at", SOON, async || {
            north.query_one(waits, &[&moved.id]).await.expect("a count").get::<_, i64>(0) == 1
        })
        .await;
        let (_, state, _, _) = told(&stack, &moved, At::Schema).await.expect("what it left");
        assert_eq!(state, "provisioning", "nothing has come back yet");
        stack.advance(PAST_THE_LEASE).await.expect("time");
        stack.cloud().tick_now("steward").await.expect("a tick");
        arrived(&stack, &moved, (At::North, At::Schema)).await;
        assert_eq!(shown(&moved).await, before);
        assert_eq!(leftovers(&stack).await, (json!([]), json!([])));
        stack.stop().await;
    });
}

/// Waits until the last move of a workspace in the first database has failed, and why.
async fn failed(stack: &Stack, tenant: &Tenant, why: &str) {
    let ask =
        "select error from system.operations where tenant_id = $1 and kind = 'move' order by id desc limit 1";
    let first = database::superuser(stack).await;
    work::until("the move has failed", 2 * SOON, async || {
        let said: Option<String> = first.query_one(ask, &[&tenant.id]).await.expect("a move").get(0);
        said.is_some_and(|said| said.contains(why))
    })
    .await;
}

#[test]
fn what_does_not_come_through_stays_where_it_was() {
    stack::run(async {
        let stack = with_north().await;
        let (moved, other) = (tenant::new(&stack).await, tenant::new(&stack).await);
        let world = World::at_once();
        let job = fill(&moved, &world).await;
        let before = shown(&moved).await;
        let north = database::superuser_in(&stack, Some("north")).await;
        // What comes there cannot be kept.
        let put: String = north
            .query_one(
                "select pg_get_functiondef('system.put_rows(uuid, text, text, jsonb)'::regprocedure)",
                &[],
            )
            .await
            .expect("the function")
            .get(0);
        let bend = "create or replace function system.put_rows(p_tenant uuid, p_schema text, p_table text, p_rows jsonb) returns void
                    language plpgsql as $$ begin raise exception 'no room'; end $$";
        north.batch_execute(bend).await.expect("a bend");
        ask(&stack, &moved, At::North).await;
        failed(&stack, &moved, "again and again").await;
        assert_eq!(told(&stack, &moved, At::North).await, None, "nothing of it stayed there");
        assert_eq!(leftovers(&stack).await, (json!([]), json!([])));
        assert_eq!(shown(&moved).await, before);
        north.batch_execute(&put).await.expect("as it was");
        // Somebody of it is known there, as somebody else.
        let known = "insert into system.users (id, provider, directory_id, object_id, created_at) values ($1, 'entra', $2, $3, now())";
        let ids = [random_id(), moved.directory.id, moved.operator_account.object_id];
        north.execute(known, &[&ids[0], &ids[1], &ids[2]]).await.expect("a person");
        ask(&stack, &moved, At::North).await;
        failed(&stack, &moved, "as somebody else").await;
        assert_eq!(told(&stack, &moved, At::Schema).await.map(|told| told.1).as_deref(), Some("active"));
        assert_eq!(told(&stack, &moved, At::North).await, None, "nothing of it stayed there");
        assert_eq!(shown(&moved).await, before);
        let run = work::run(&moved.operator, &job).await;
        work::wait_for_run(&moved.operator, &run, "succeeded", 2 * SOON).await;

        let order = |to: &str, database: Value| json!({ "do": "move", "tenant_id": moved.id, "to": to, "database": database });
        for wrong in [
            order("dedicated", json!(null)),
            order("dedicated", json!("nowhere")),
            order("pooled", json!("north")),
        ] {
            assert!(stack.order(wrong.clone()).await.is_err(), "{wrong}");
        }
        north.execute("delete from system.users where id = $1", &[&ids[0]]).await.expect("gone");
        ask(&stack, &other, At::North).await;
        arrived(&stack, &other, (At::Schema, At::North)).await;
        ask(&stack, &moved, At::North).await;
        failed(&stack, &moved, "another workspace's").await;
        moved.administrator.get("/me").await.expect(200);
        stack.stop().await;
    });
}
