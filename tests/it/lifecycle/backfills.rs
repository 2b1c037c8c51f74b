//! Backfills of migrations: in each workspace's own scope, batch by batch, once for each row though the steward is killed; a
//! workspace in which one fails holds up nobody, and several stop it. The steward is one with a backfill of a test's own: it
//! counts in a vault's `version` how often it came by.

mod fixture;

use std::time::Duration;

use serde_json::json;
use shared::db::migrate;
use tests::{
    archive, database, stack,
    steps::Gate,
    tenant,
    work::{self, SOON},
};
use uuid::Uuid;

use self::fixture::{
    VERSION, backfill, break_in, in_a_pool, marked, marks, mend, migrate_all, of_before, owed, with_backfills,
};
use super::{restores::replace, two_versions::older};

#[test]
fn each_row_is_visited_once_though_the_steward_is_killed() {
    stack::run(async {
        let stack = with_backfills().await;
        let (id, schema) = of_before(&stack, 1300).await;
        let young = tenant::new(&stack).await;
        work::vault(&young.administrator, "vault").await;
        let said = migrate_all(&stack).await;
        assert_eq!(
            (&said["version"], &said["state"], &said["open"]),
            (&json!(4), &json!("running"), &json!(1))
        );
        assert_eq!(owed(&stack, young.id).await, None, "who was made at a version owes it nothing");
        assert_eq!(owed(&stack, id).await, Some(("open".to_owned(), 0)));

        let gate = Gate::on(&stack, "system.owed_backfills", "update").await;
        let cut = tokio::time::timeout(Duration::from_secs(60), stack.order(json!({ "do": "backfill" })));
        let _ = futures_util::future::join(gate.kill_the_steward(&stack), cut).await;
        assert_eq!(marked(&stack, &schema, id).await, owed(&stack, id).await.map(|(_, changed)| changed));

        let client = database::superuser(&stack).await;
        let last = format!(
            "begin; select from \"{schema}\".vaults where id = (select id from \"{schema}\".vaults order by id desc limit 1) for update"
        );
        client.batch_execute(&last).await.expect("a row is locked");
        let killed = async {
            work::until("two batches are through", SOON, async || {
                owed(&stack, id).await.is_some_and(|(_, changed)| changed == 1000)
            })
            .await;
            stack.cloud().kill("steward").await.expect("a function")
        };
        let again = async {
            // Whoever was killed may hold what it had for a moment yet.
            while owed(&stack, id).await.is_some_and(|(_, changed)| changed < 1000) {
                let order = stack.order(json!({ "do": "backfill" }));
                let _cut = tokio::time::timeout(Duration::from_secs(60), order).await;
            }
        };
        let (killed, ()) = futures_util::future::join(killed, again).await;
        assert!(killed > 0);
        client.batch_execute("commit").await.expect("it is let go");
        assert_eq!(marked(&stack, &schema, id).await, Some(1000), "a batch and its note are one");

        stack.advance(Duration::from_secs(60)).await.expect("a minute later");
        work::until("it is done", SOON, async || {
            stack.cloud().tick_now("steward").await.expect("a tick");
            owed(&stack, id).await.is_some_and(|(state, _)| state == "done")
        })
        .await;
        assert_eq!(owed(&stack, id).await, Some(("done".to_owned(), 1300)));
        assert_eq!(marks(&stack, &schema, id).await, (1, 1), "once each");
        assert_eq!(marks(&stack, &young.schema, young.id).await, (0, 0));
        let said = backfill(&stack, true).await;
        assert_eq!((&said["state"], &said["changed"]), (&json!("done"), &json!(1300)), "{said}");
        assert_eq!(marks(&stack, &schema, id).await, (1, 1), "what is done is not done again");
        stack.stop().await;
    });
}

#[test]
fn in_a_pool_it_changes_one_workspaces_rows_and_one_that_fails_leaves_the_others_going() {
    stack::run(async {
        let stack = with_backfills().await;
        let (pooled, pool) = in_a_pool(&stack, 3).await;
        let (own, schema) = of_before(&stack, 2).await;
        let bad = pooled[0];
        break_in(&stack, &pool, &[bad]).await;
        migrate_all(&stack).await;
        for _ in 0..2 {
            let said = backfill(&stack, false).await;
            assert_eq!((&said["state"], &said["done"]), (&json!("failed"), &json!(3)), "{said}");
            assert_eq!(said["failures"][0]["tenant_id"], json!(bad), "{said}");
            assert_eq!(marks(&stack, &pool, bad).await, (0, 0), "nothing of it was kept");
            for id in &pooled[1..] {
                assert_eq!(marks(&stack, &pool, *id).await, (1, 1), "by its own, and nobody else's");
            }
            assert_eq!(marks(&stack, &schema, own).await, (1, 1));
        }
        mend(&stack, &pool).await;
        let said = backfill(&stack, true).await;
        assert_eq!(
            (&said["state"], &said["done"], &said["failures"]),
            (&json!("done"), &json!(4), &json!([]))
        );
        for id in &pooled {
            assert_eq!(marks(&stack, &pool, *id).await, (1, 1));
        }
        stack.stop().await;
    });
}

#[test]
fn ten_workspaces_in_which_it_fails_stop_it_everywhere() {
    stack::run(async {
        let stack = with_backfills().await;
        let (pooled, pool) = in_a_pool(&stack, 12).await;
        break_in(&stack, &pool, &pooled[..9]).await;
        migrate_all(&stack).await;
        let said = backfill(&stack, false).await;
        assert_eq!(
            (&said["state"], &said["failed"], &said["done"]),
            (&json!("failed"), &json!(9), &json!(3))
        );
        stack.stop().await;

        let stack = with_backfills().await;
        let (pooled, pool) = in_a_pool(&stack, 12).await;
        break_in(&stack, &pool, &pooled[..10]).await;
        migrate_all(&stack).await;
        for _ in 0..2 {
            let said = backfill(&stack, false).await;
            assert_eq!((&said["state"], &said["failed"]), (&json!("stopped"), &json!(10)), "{said}");
            assert_eq!(said["open"], 2, "the rest was not tried: {said}");
            stack.cloud().tick_now("steward").await.expect("a tick");
        }
        mend(&stack, &pool).await;
        let said = backfill(&stack, true).await;
        assert_eq!((&said["state"], &said["done"]), (&json!("done"), &json!(12)), "{said}");
        stack.stop().await;
    });
}

#[test]
fn a_large_workspace_and_one_that_is_locked_hold_nobody_up() {
    stack::run(async {
        let stack = with_backfills().await;
        let ((large, _), (locked, schema)) = (of_before(&stack, 12_000).await, of_before(&stack, 3).await);
        let (small, _) = of_before(&stack, 3).await;
        migrate_all(&stack).await;
        let client = database::superuser(&stack).await;
        let lock = format!("begin; select from \"{schema}\".vaults for update");
        client.batch_execute(&lock).await.expect("rows are locked");
        let said = backfill(&stack, false).await;
        assert_eq!(
            (&said["open"], &said["done"], &said["failed"]),
            (&json!(1), &json!(2), &json!(0)),
            "{said}"
        );
        let order =
            "select array_agg(tenant_id order by updated_at) from system.owed_backfills where state = 'done'";
        let ended: Vec<Uuid> = client.query_one(order, &[]).await.expect("what is done").get(0);
        assert_eq!(ended, [small, large]);
        client.batch_execute("commit").await.expect("they are let go");
        assert_eq!(owed(&stack, locked).await, Some(("open".to_owned(), 0)));
        stack.advance(Duration::from_secs(31)).await.expect("half a minute later");
        let said = backfill(&stack, false).await;
        assert_eq!(said["state"], "done", "{said}");
        assert_eq!(marks(&stack, &schema, locked).await, (1, 1));
        stack.stop().await;
    });
}

#[test]
fn what_is_restored_owes_the_backfill_again() {
    stack::run(async {
        let stack = with_backfills().await;
        assert_eq!(migrate::tenant_version(), VERSION, "another version needs another backfill here");
        let tenant = older(&stack).await;
        let by = &tenant.administrator;
        work::vault(by, "vault").await;
        let kept = archive::done(by, "/workspace/backups", &json!({})).await;
        migrate_all(&stack).await;
        assert_eq!(backfill(&stack, false).await["state"], "done");
        assert_eq!(marks(&stack, &tenant.schema, tenant.id).await, (1, 1));

        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let made = archive::done(by, "/workspace/restores", &body).await;
        let sandbox: Uuid =
            made["result"]["workspace_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        archive::done(by, "/workspace/suspend", &json!({})).await;
        replace(&stack, &tenant, &kept).await;
        let ask = "select schema_name from system.tenants where id = $1";
        let client = database::superuser(&stack).await;
        for id in [sandbox, tenant.id] {
            let schema: String = client.query_one(ask, &[&id]).await.expect("its place").get(0);
            assert_eq!(marks(&stack, &schema, id).await, (0, 0), "as it was backed up");
            assert_eq!(owed(&stack, id).await, Some(("open".to_owned(), 0)));
        }
        assert_eq!(backfill(&stack, false).await["state"], "done");
        for id in [sandbox, tenant.id] {
            let schema: String = client.query_one(ask, &[&id]).await.expect("its place").get(0);
            assert_eq!(marks(&stack, &schema, id).await, (1, 1));
        }
        stack.stop().await;
    });
}
