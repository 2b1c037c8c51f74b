//! The instants between two databases: nobody is lost in them, and nothing that was answered.

use local::stack::Stack;
use serde_json::json;
use tests::{
    caller::send,
    database, stack,
    steps::Gate,
    tenant,
    work::{self, SOON},
    world::World,
};

use super::{At, arrived, ask, fill, with_north};

#[test]
fn between_two_databases_nobody_is_told_that_they_are_nobody() {
    stack::run(async {
        let stack = with_north().await;
        let moved = tenant::new(&stack).await;
        moved.administrator.get("/me").await.expect(200);
        let gate = Gate::at_record_in(&stack, None, "move", "clear").await;
        ask(&stack, &moved, At::North).await;
        work::until("it has left", SOON, async || gate.is_reached().await).await;
        // It has arrived, and the record of that is held up: open there, closed here.
        moved.administrator.get("/me").await.expect(200);
        gate.open().await;
        arrived(&stack, &moved, (At::Schema, At::North)).await;

        let client = database::superuser_in(&stack, Some("north")).await;
        let close =
            |state: &str| format!("update system.tenants set state = '{state}' where id = '{}'", moved.id);
        client.batch_execute(&close("provisioning")).await.expect("as if it had not arrived");
        let held = moved.administrator.get("/me").await;
        held.problem(503, "unavailable");
        assert!(!held.header("retry-after").is_empty());
        moved.operator.get("/runs").await.problem(503, "unavailable");
        assert_eq!(tenant::refused(&stack, &moved.administrator_account).await.0, 503, "nor who signs in");
        let ours = "select count(*) from system.tenants where state = 'active' and id <> $1
                    and id not in (select tenant_id from system.canaries)";
        let others: i64 = client.query_one(ours, &[&moved.id]).await.expect("a count").get(0);
        assert_eq!(others, 0, "and no second workspace is made for them");
        client.batch_execute(&close("active")).await.expect("it has");
        moved.administrator.get("/me").await.expect(200);
        stack.stop().await;
    });
}

/// Those who were let in before it left and waited for it do not go on in what it has left.
#[test]
fn what_is_answered_while_a_workspace_leaves_is_where_it_arrives() {
    stack::run(async {
        let stack = with_north().await;
        let moved = tenant::new(&stack).await;
        fill(&moved, &World::at_once()).await;
        let mut from = At::Schema;
        for to in [At::North, At::Schema] {
            let leaver = tenant::signed_in(&stack, &moved.administrator_account).await;
            let gate = Gate::at_record_in(&stack, from.database(), "move", "arrive").await;
            ask(&stack, &moved, to).await;
            work::until("it is about to leave", SOON, async || gate.is_reached().await).await;
            // Both are let in by what is committed, and wait for the place.
            let nothing = json!({});
            let export = moved.administrator.post("/workspace/exports", &nothing);
            let out = send(leaver.in_browser().request(reqwest::Method::POST, "//auth/logout"));
            let opened = async {
                work::until("both wait", SOON, async || waiting(&stack, from).await >= 2).await;
                gate.open().await;
            };
            let (export, out, ()) = futures_util::future::join3(export, out, opened).await;
            arrived(&stack, &moved, (from, to)).await;
            if export.status == 202 {
                let made = format!("/workspace/exports/{}", work::id(&export.json()));
                moved.administrator.get(&made).await.expect(200);
            } else {
                export.problem(503, "unavailable");
            }
            if out.status == 303 {
                leaver.get("/me").await.problem(401, "unauthenticated");
            } else {
                assert_eq!(out.status, 503, "{}", out.text());
                leaver.get("/me").await.expect(200);
            }
            from = to;
        }
        stack.stop().await;
    });
}

/// How many wait for a lock of a workspace's place.
async fn waiting(stack: &Stack, at: At) -> i64 {
    let ask = "select count(*) from pg_locks where locktype = 'advisory' and classid = 6 and not granted
               and database = (select oid from pg_database where datname = current_database())";
    let client = database::superuser_in(stack, at.database()).await;
    client.query_one(ask, &[]).await.expect("the locks").get(0)
}
