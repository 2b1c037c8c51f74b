//! Rollouts of a schema version: wave by wave, stopped by an error, resumed, gone on with after a kill, never waiting behind
//! one workspace's lock; and a pool, which moves as one, no earlier than in a wave of its size.

use std::time::Duration;

use local::stack::Stack;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    db::{
        migrate,
        placement::{self, Room},
    },
    model::ids::{Id, TenantId},
};
use tests::{
    database, stack, tenant,
    work::{self, SOON},
};
use uuid::Uuid;

/// The version before the fence, whose migration speaks of every table: one that is locked or mislaid stops it.
pub(super) const BEFORE_THE_FENCE: i32 = 2;

/// Workspaces that have people as far as a rollout can tell, some versions behind; in the order of their ids.
pub(super) async fn behind(stack: &Stack, count: usize) -> Vec<Uuid> {
    let pool = database::of(stack, "steward", 1).await;
    let client = database::superuser(stack).await;
    let mut made = Vec::new();
    for _ in 0..count {
        let id: TenantId = Clock::system().new_id();
        tenant::spare_at(&pool, id, BEFORE_THE_FENCE).await;
        made.push(id.uuid());
    }
    let claim = "update system.tenants set state = 'active' where id = any ($1)";
    client.execute(claim, &[&made]).await.expect("they are claimed");
    made.sort_unstable();
    made
}

/// A pool of that version with so many workspaces that have people, beside a canary and a spare.
async fn pool(stack: &Stack, people: usize) -> Vec<Uuid> {
    let steward = database::of(stack, "steward", 1).await;
    let pool = placement::make_pool(&steward, tenant::random_id(), Room::USUAL, BEFORE_THE_FENCE).await;
    let pool = pool.expect("a pool");
    let client = database::superuser(stack).await;
    let mut made = Vec::new();
    let join = "insert into system.tenants (id, state, placement, cell, database_name, schema_name, role_name, schema_version, created_at)
                select $1, $2, 'pooled', cell, current_database(), schema_name, schema_name, schema_version, now()
                from system.pools where schema_name = $3";
    for number in 0..people + 2 {
        let (id, state) = (tenant::random_id(), if number == 0 { "spare" } else { "active" });
        client.execute(join, &[&id, &state, &pool.as_str()]).await.expect("it joins");
        if number == 1 {
            let canary = "insert into system.canaries (tenant_id, created_at) values ($1, now())";
            client.execute(canary, &[&id]).await.expect("a canary");
        }
        made.push(id);
    }
    made
}

async fn order(stack: &Stack, more: Value) -> Value {
    let mut order = json!({ "do": "migrate" });
    order.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    stack.order(order).await.expect("the steward answers")
}

/// Which of these have the newest version.
async fn reached(stack: &Stack, of: &[Uuid]) -> Vec<bool> {
    let client = database::superuser(stack).await;
    let ask = "select schema_version >= $2 from system.tenants where id = any ($1) order by id";
    let rows = client.query(ask, &[&of, &migrate::tenant_version()]).await.expect("the routing rows");
    rows.iter().map(|row| row.get(0)).collect()
}

pub(super) async fn count(stack: &Stack, of: &[Uuid]) -> usize {
    reached(stack, of).await.into_iter().filter(|yes| *yes).count()
}

pub(super) fn schema(id: Uuid) -> String {
    format!("t_{}", id.simple())
}

#[test]
fn a_rollout_goes_wave_by_wave_and_as_far_as_it_is_told() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let all = behind(&stack, 16).await;
        for (until, wanted) in [("spares", 0), ("one", 1), ("one", 1), ("ten", 10), ("all", 16)] {
            let answer = order(&stack, json!({ "until": until })).await;
            assert_eq!(count(&stack, &all).await, wanted, "{until}: {answer}");
            assert_eq!(answer["rollout"]["behind"], 16 - wanted, "{answer}");
            let state = if wanted == 16 { "done" } else { "running" };
            assert_eq!(answer["rollout"]["state"], state, "{answer}");
        }
        stack.stop().await;
    });
}

#[test]
fn a_pool_comes_in_a_wave_that_has_room_for_all_who_live_there() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let own = behind(&stack, 2).await;
        let (empty, small, large) = (pool(&stack, 0).await, pool(&stack, 3).await, pool(&stack, 11).await);
        for (until, wanted) in
            [("spares", [0, 2, 0, 0]), ("one", [1, 2, 0, 0]), ("ten", [2, 2, 5, 0]), ("all", [2, 2, 5, 13])]
        {
            let answer = order(&stack, json!({ "until": until })).await;
            let mut found = Vec::new();
            for of in [&own, &empty, &small, &large] {
                found.push(count(&stack, of).await);
            }
            assert_eq!(found, wanted, "{until}: {answer}");
        }
        stack.stop().await;
    });
}

#[test]
fn where_there_are_pools_alone_the_smallest_is_the_first_step() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let (large, small) = (pool(&stack, 12).await, pool(&stack, 11).await);
        for (until, wanted) in [("spares", [0, 0]), ("one", [0, 13]), ("ten", [0, 13]), ("all", [14, 13])] {
            let answer = order(&stack, json!({ "until": until })).await;
            let found = [count(&stack, &large).await, count(&stack, &small).await];
            assert_eq!(found, wanted, "{until}: {answer}");
        }
        stack.stop().await;
    });
}

#[test]
fn nobody_follows_while_whoever_should_be_first_cannot_be_had() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let (all, pooled) = (behind(&stack, 1).await, pool(&stack, 3).await);
        let client = database::superuser(&stack).await;
        let lock = format!("begin; lock table \"{}\".vaults in access share mode", schema(all[0]));
        client.batch_execute(&lock).await.expect("a long query");
        let answer = order(&stack, json!({})).await;
        assert_eq!(answer["rollout"]["state"], "running", "{answer}");
        assert_eq!((count(&stack, &all).await, count(&stack, &pooled).await), (0, 0), "{answer}");
        client.batch_execute("commit").await.expect("it ends");
        let answer = order(&stack, json!({})).await;
        assert_eq!(answer["rollout"]["state"], "done", "{answer}");
        assert_eq!((count(&stack, &all).await, count(&stack, &pooled).await), (1, 5), "{answer}");
        stack.stop().await;
    });
}

#[test]
fn an_empty_pool_that_cannot_be_migrated_stops_the_rollout_and_says_why() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let steward = database::of(&stack, "steward", 1).await;
        let made = placement::make_pool(&steward, tenant::random_id(), Room::USUAL, BEFORE_THE_FENCE).await;
        let pool = made.expect("a pool");
        let client = database::superuser(&stack).await;
        let mislay = format!("alter table {}.vaults rename to mislaid", pool.quoted());
        client.batch_execute(&mislay).await.expect("a table");
        let rollout = &order(&stack, json!({})).await["rollout"];
        assert_eq!((&rollout["state"], &rollout["failures"]), (&json!("stopped"), &json!([])), "{rollout}");
        assert!(rollout["cause"].as_str().is_some_and(|it| it.starts_with(pool.as_str())), "{rollout}");
        let mislaid = format!("alter table {}.mislaid rename to vaults", pool.quoted());
        client.batch_execute(&mislaid).await.expect("it is put right");
        let rollout = &order(&stack, json!({ "resume": true })).await["rollout"];
        assert_eq!((&rollout["state"], &rollout["cause"]), (&json!("done"), &Value::Null), "{rollout}");
        stack.stop().await;
    });
}

#[test]
fn the_first_error_stops_a_rollout_and_an_order_resumes_it() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let all = behind(&stack, 16).await;
        let client = database::superuser(&stack).await;
        // The fourth to come cannot be migrated: a table that the migration speaks of is not there.
        let (bad, vaults) = (all[3], format!("\"{}\".vaults", schema(all[3])));
        client.batch_execute(&format!("alter table {vaults} rename to mislaid")).await.expect("a table");
        let answer = order(&stack, json!({})).await;
        let rollout = &answer["rollout"];
        assert_eq!(rollout["state"], "stopped", "{answer}");
        assert_eq!(rollout["failures"][0]["tenant_id"], json!(bad), "{answer}");
        let stopped = count(&stack, &all).await;
        assert!(stopped < 16 - 1, "the rest was not tried: {stopped}");
        assert!(!reached(&stack, &all).await[3], "nothing of it was kept");

        assert_eq!(order(&stack, json!({})).await["migrated"], 0, "it stays stopped");
        stack.cloud().tick_now("steward").await.expect("a tick");
        assert_eq!(count(&stack, &all).await, stopped, "a tick does not resume it");

        let mislaid = format!("alter table \"{}\".mislaid rename to vaults", schema(bad));
        client.batch_execute(&mislaid).await.expect("it is put right");
        let answer = order(&stack, json!({ "resume": true })).await;
        assert_eq!(answer["rollout"]["state"], "done", "{answer}");
        assert_eq!(count(&stack, &all).await, 16);
        stack.stop().await;
    });
}

#[test]
fn a_workspace_that_is_locked_holds_nobody_up_and_comes_later() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let all = behind(&stack, 4).await;
        let client = database::superuser(&stack).await;
        let lock = format!("begin; lock table \"{}\".vaults in access share mode", schema(all[1]));
        client.batch_execute(&lock).await.expect("a long query");
        let answer = order(&stack, json!({})).await;
        assert_eq!(answer["rollout"]["state"], "running", "{answer}");
        assert_eq!(reached(&stack, &all).await, [true, false, true, true]);
        client.batch_execute("commit").await.expect("it ends");
        stack.cloud().tick_now("steward").await.expect("a tick");
        work::until("it is migrated", SOON, async || count(&stack, &all).await == 4).await;
        stack.stop().await;
    });
}

#[test]
fn a_steward_killed_in_a_rollout_leaves_nothing_half_done_and_the_next_goes_on() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let all = behind(&stack, 12).await;
        let client = database::superuser(&stack).await;
        // One is held at its lock, so that the kill comes in the middle.
        let lock = format!("begin; lock table \"{}\".vaults in access share mode", schema(all[5]));
        client.batch_execute(&lock).await.expect("a long query");
        let (killed, _cut) = futures_util::future::join(
            async {
                let waits = "select exists (select from pg_locks where not granted)";
                work::until("a migration waits", SOON, async || {
                    database::superuser(&stack).await.query_one(waits, &[]).await.expect("the locks").get(0)
                })
                .await;
                stack.cloud().kill("steward").await.expect("a function")
            },
            tokio::time::timeout(Duration::from_secs(60), stack.order(json!({ "do": "migrate" }))),
        )
        .await;
        assert!(killed > 0);
        client.batch_execute("commit").await.expect("it ends");
        let halves = "select count(*) from system.tenants t where t.id = any ($1)
                      and (t.schema_version >= $2) <> has_table_privilege(t.role_name, t.schema_name || '.vaults', 'select')";
        let halves: i64 =
            client.query_one(halves, &[&all, &(BEFORE_THE_FENCE + 1)]).await.expect("a count").get(0);
        assert_eq!(halves, 0, "a version is recorded with what it brings, or not at all");
        stack.cloud().tick_now("steward").await.expect("a tick");
        work::until("all are migrated", SOON, async || count(&stack, &all).await == 12).await;
        let answer = order(&stack, json!({})).await;
        assert_eq!(answer["rollout"]["state"], "done", "{answer}");
        stack.stop().await;
    });
}
