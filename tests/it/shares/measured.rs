//! What a workspace used and what it is like: counted where it happens, measured in the background, told to its Administrators.

use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx},
    store::metrics,
};
use tests::{
    database, stack, tenant,
    tenant::Workspace,
    work::{self, SOON},
    world::World,
};

fn today(answer: &Value) -> Value {
    answer["items"]
        .as_array()
        .and_then(|days| days.first())
        .cloned()
        .unwrap_or_else(|| panic!("no day in {answer:#}"))
}

#[test]
fn calls_are_counted_but_for_what_an_instance_has_not_told() {
    stack::with(async |stack| {
        // Blocks of one: each call tells of the one before it.
        let tenant = tenant::with_limits(stack, json!({ "api_rate": 9, "api_burst": 1000 })).await;
        let calls = async || {
            let usage = tenant.administrator.get("/workspace/usage?days=1").await.expect(200);
            usage["items"][0]["api_calls"].as_i64().unwrap_or(0)
        };
        let before = calls().await;
        for _ in 0..60 {
            tenant.operator.get("/me").await.expect(200);
        }
        let counted = calls().await - before;
        // Each of four instances keeps back its last call, now and before.
        assert!((60 - 4..=61 + 4).contains(&counted), "{counted} of 60");
        tenant.operator.get("/workspace/usage").await.problem(403, "forbidden");
        tenant.operator.get("/workspace/metrics").await.problem(403, "forbidden");
        for bad in ["days=0", "days=401", "days=x", "day=1"] {
            tenant
                .administrator
                .get(&format!("/workspace/usage?{bad}"))
                .await
                .problem(400, "invalid_request");
            tenant
                .administrator
                .get(&format!("/workspace/metrics?{bad}"))
                .await
                .problem(400, "invalid_request");
        }
    });
}

#[test]
fn a_measurement_tells_size_growth_runs_and_waiting_of_this_workspace_alone() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "j", &work::chain("platform", 2)).await;
        for _ in 0..2 {
            let run = work::run(&tenant.operator, &job).await;
            work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        }
        assert_eq!(tenant.administrator.get("/workspace/metrics").await.expect(200)["items"], json!([]));
        let measure = json!({ "do": "measure", "tenant_id": tenant.id });
        // The server's statistics follow a moment later.
        work::until("rows are seen", SOON, async || {
            let measured = stack.order(measure.clone()).await.expect("it is measured");
            measured["rows"].as_i64().is_some_and(|rows| rows > 20)
        })
        .await;
        let day = today(&tenant.administrator.get("/workspace/metrics").await.expect(200));
        let number = |name: &str| day[name].as_i64().unwrap_or_else(|| panic!("{name} in {day:#}"));
        assert!(number("bytes") > 100_000 && number("bytes") < 100_000_000, "{day:#}");
        assert_eq!((number("runs"), number("task_runs"), number("failed_runs")), (2, 4, 0), "{day:#}");
        assert!(0 <= number("dwell_p50_ms") && number("dwell_p50_ms") <= number("dwell_p99_ms"), "{day:#}");
        assert!(number("dwell_p99_ms") < 60_000, "{day:#}");
        assert_eq!(number("growth_bytes"), number("bytes"), "there is no day before");
        let usage = today(&tenant.administrator.get("/workspace/usage").await.expect(200));
        assert_eq!(usage["stored_bytes"], day["bytes"]);

        // A day before: growth is against it, its shards become one row, and nothing is counted twice.
        let client = database::superuser(stack).await;
        for shard in [1_i32, 2, 5] {
            let past = "insert into system.usage (tenant_id, day, shard, api_calls, runs)
                        values ($1, system.today() - 1, $2, 10, 1)";
            client.execute(past, &[&tenant.id, &shard]).await.expect("a shard of yesterday");
        }
        let past = "insert into system.tenant_metrics (tenant_id, day, measured_at, placement, \"rows\", bytes, growth_bytes, runs,
                    task_runs, failed_runs, api_calls, api_limited)
                    values ($1, system.today() - 1, system.now(), 'schema', 1, 1000, 0, 0, 0, 0, 0, 0)";
        client.execute(past, &[&tenant.id]).await.expect("yesterday");
        for _ in 0..2 {
            stack.order(measure.clone()).await.expect("it is measured");
        }
        let metrics = tenant.administrator.get("/workspace/metrics?days=2").await.expect(200);
        let day = today(&metrics);
        assert_eq!(
            day["growth_bytes"].as_i64(),
            day["bytes"].as_i64().map(|bytes| bytes - 1000),
            "{metrics:#}"
        );
        let usage = tenant.administrator.get("/workspace/usage?days=2").await.expect(200);
        assert_eq!(
            (&usage["items"][1]["api_calls"], &usage["items"][1]["runs"]),
            (&json!(30), &json!(3)),
            "{usage:#}"
        );
        let shards = "select count(*) from system.usage where tenant_id = $1 and day < system.today()";
        assert_eq!(client.query_one(shards, &[&tenant.id]).await.expect("shards").get::<_, i64>(0), 1);
    });
}

#[test]
fn in_a_shared_schema_only_the_workspaces_own_rows_are_counted() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let client = database::superuser(stack).await;
        let pool = "update system.tenants set placement = 'pooled' where id = $1";
        client.execute(pool, &[&tenant.id]).await.expect("it is as in a pool");
        let measure = json!({ "do": "measure", "tenant_id": tenant.id });
        let measured = stack.order(measure.clone()).await.expect("it is measured");
        let own = measured["rows"].as_i64().expect("rows");
        assert!(own > 3 && measured["bytes"].as_i64().is_some_and(|bytes| bytes > own * 20), "{measured}");
        // A row of somebody else's in the same tables.
        let other = format!(
            "insert into {}.vaults (tenant_id, id, name, kind, created_at, updated_at, updated_by)
             values ($1, $1, 'theirs', 'managed', now(), now(), $1)",
            tenant.schema
        );
        client.execute(&other, &[&tenant::random_id()]).await.expect("their row");
        let again = stack.order(measure).await.expect("it is measured");
        assert_eq!((&again["rows"], &again["bytes"]), (&measured["rows"], &measured["bytes"]));
        client
            .execute("update system.tenants set placement = 'schema' where id = $1", &[&tenant.id])
            .await
            .expect("back");
    });
}

#[test]
fn a_round_reaches_every_workspace_once_a_few_at_a_time() {
    stack::with(async |stack| {
        for _ in 0..3 {
            Workspace::claim(stack).await;
        }
        let database = database::of(stack, "steward", 1).await;
        let tx = SystemTx::begin(&database, SystemRole::Owner, "rounds").await.expect("a connection");
        // The round may be anywhere: to its end, then once around.
        while metrics::next(&tx, 2).await.expect("the next").len() == 2 {}
        let mut seen = Vec::new();
        loop {
            let next = metrics::next(&tx, 2).await.expect("the next");
            assert!(next.len() <= 2);
            seen.extend(next.iter().map(ToString::to_string));
            if next.len() < 2 {
                break;
            }
        }
        tx.rollback().await.expect("the round stays where it was");
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "nobody twice");
        assert!(seen.len() >= 3, "{seen:?}");
    });
}

#[test]
fn what_was_measured_of_a_workspace_ends_with_it() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let measure = json!({ "do": "measure", "tenant_id": tenant.id });
        stack.order(measure.clone()).await.expect("it is measured");
        let client = database::superuser(stack).await;
        let rows = async || {
            let ask = "select (select count(*) from system.limits where tenant_id = $1)
                       + (select count(*) from system.rate_buckets where tenant_id = $1)
                       + (select count(*) from system.usage where tenant_id = $1)
                       + (select count(*) from system.tenant_metrics where tenant_id = $1)";
            client.query_one(ask, &[&tenant.id]).await.expect("counts").get::<_, i64>(0)
        };
        assert!(rows().await >= 5, "limits, a bucket, usage and a measurement");
        let body = json!({ "name": tenant.directory.name, "grace_s": 1 });
        tenant.administrator.post("/workspace/deletion", &body).await.expect(202);
        tenant.administrator.get("/workspace/metrics").await.expect(200);
        work::until("it is deleted", 2 * SOON, async || {
            let order = json!({ "do": "certificate", "tenant_id": tenant.id });
            !stack.order(order).await.expect("an answer")["certificate"].is_null()
        })
        .await;
        assert_eq!(rows().await, 0);
        // Neither an order, nor a round, nor an instance that still has its tokens, brings any back.
        let refused = stack.order(measure).await.expect_err("it is gone");
        assert!(refused.to_string().contains("no such workspace"), "{refused}");
        for _ in 0..8 {
            tenant.administrator.get("/me").await.problem(401, "unauthenticated");
        }
        let database = database::of(stack, "steward", 1).await;
        let tx = SystemTx::begin(&database, SystemRole::Owner, "rounds").await.expect("a connection");
        assert!(metrics::measure(&tx, tenant.id.into()).await.expect("no error").is_none());
        tx.commit().await.expect("nothing to keep");
        assert_eq!(rows().await, 0);
    });
}
