//! The operations view: every workspace once, figures that are the database's, pages that fit together.

use serde_json::Value;
use tests::{
    database,
    operator::{self, API},
    stack,
    tenant::{self, random_id},
};

#[test]
fn every_workspace_is_listed_once_over_all_pages() {
    stack::with(async |stack| {
        let (operator, tenant) = (operator::new(stack).await, tenant::new(stack).await);
        let (mut seen, mut at): (Vec<Value>, String) = (Vec::new(), String::new());
        loop {
            let page = operator.get(&format!("{API}/workspaces?limit=7{at}")).await.expect(200);
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= 7);
            seen.extend(items.iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            at = format!("&cursor={cursor}");
        }
        let mut ids: Vec<&str> = seen.iter().filter_map(|it| it["id"].as_str()).collect();
        assert!(ids.is_sorted());
        ids.dedup();
        assert_eq!(ids.len(), seen.len());
        let ours = seen.iter().find(|it| it["id"] == tenant.id.to_string()).expect("our workspace");
        assert_eq!(ours["name"], tenant.directory.name);
        assert_eq!((ours["state"].as_str(), ours["placement"].as_str()), (Some("active"), Some("schema")));
        assert_eq!(ours["growth"]["members"], 2);
        assert_eq!(ours["schema_behind"], false);
        let one = operator.get(&format!("{API}/workspaces/{}", tenant.id)).await.expect(200);
        assert_eq!(one["name"], ours["name"]);
        for never in [random_id().to_string(), "x".to_owned(), tenant.id.to_string().to_uppercase()] {
            operator.get(&format!("{API}/workspaces/{never}")).await.problem(404, "not_found");
        }
        for wrong in ["limit=0", "limit=201", "limit=x", "cursor=x", "page=1", "limit=1&limit=2"] {
            operator.get(&format!("{API}/workspaces?{wrong}")).await.problem(400, "invalid_request");
        }
    });
}

/// A spare workspace is nobody's yet, and neither shown nor granted.
#[test]
fn a_spare_workspace_is_only_counted() {
    stack::with(async |stack| {
        let operator = operator::new(stack).await;
        let client = database::superuser(stack).await;
        stack.order(serde_json::json!({ "do": "refill", "spares": 4 })).await.expect("spares");
        // Held, so that no sign-in beside this test claims it.
        client.batch_execute("begin").await.expect("a transaction");
        let ask =
            "select id from system.tenants where state = 'spare' order by created_at desc limit 1 for update";
        let spare: uuid::Uuid = client.query_one(ask, &[]).await.expect("a spare").get(0);
        operator.get(&format!("{API}/workspaces/{spare}")).await.problem(404, "not_found");
        operator
            .post(&format!("{API}/grants"), &operator::ask(spare))
            .await
            .problem(400, "invalid_reference");
        let totals = operator.get(&format!("{API}/overview")).await.expect(200);
        client.batch_execute("rollback").await.expect("let go");
        let totals = &totals["databases"][0];
        assert!(totals["workspaces"]["spare"].as_i64() >= Some(1), "{totals}");
        assert!(totals["workspaces"]["active"].as_i64() >= Some(0) && totals["health"].is_string());
    });
}

/// Work that nobody takes shows: in the workspace's figures and in the totals.
#[test]
fn what_is_owed_too_long_is_late_and_then_stuck() {
    stack::with(async |stack| {
        let (operator, tenant) = (operator::new(stack).await, tenant::new(stack).await);
        let client = database::superuser(stack).await;
        let owe = "insert into system.outbox (id, tenant_id, kind, ref, available_at, resend_at, sends)
                   values ($1, $2, 'test', $1, system.now() - $3 * interval '1 second', system.now() + interval '1 hour', 3)";
        let id = random_id();
        for (age_s, health) in [(60_f64, "ok"), (300.0, "late"), (1_000.0, "stuck")] {
            client.execute("delete from system.outbox where id = $1", &[&id]).await.expect("forgotten");
            client.execute(owe, &[&id, &tenant.id, &age_s]).await.expect("owed");
            let seen = operator.get(&format!("{API}/workspaces/{}", tenant.id)).await.expect(200);
            assert_eq!(seen["health"], health, "{seen}");
            assert_eq!(
                (seen["backlog"]["owed"].as_i64(), seen["backlog"]["resent"].as_i64()),
                (Some(1), Some(1))
            );
            let age = seen["backlog"]["oldest_owed_s"].as_f64().expect("an age");
            assert!((age_s..age_s + 30.0).contains(&age), "{age}");
        }
        client.execute("delete from system.outbox where id = $1", &[&id]).await.expect("forgotten");
    });
}

#[test]
fn an_operation_that_fails_its_steps_shows() {
    stack::with(async |stack| {
        let (operator, tenant) = (operator::new(stack).await, tenant::new(stack).await);
        let client = database::superuser(stack).await;
        let ask =
            "insert into system.operations (id, tenant_id, kind, exclusive, not_before, failures, created_at)
                   values ($1, $2, 'export', false, system.now() + interval '1 day', 2, system.now())";
        let id = random_id();
        client.execute(ask, &[&id, &tenant.id]).await.expect("an operation");
        let seen = operator.get(&format!("{API}/workspaces/{}", tenant.id)).await.expect(200);
        assert_eq!(seen["operations"], serde_json::json!({ "open": 1, "in_trouble": 1 }), "{seen}");
        client.execute("delete from system.operations where id = $1", &[&id]).await.expect("forgotten");
    });
}

#[test]
fn what_was_measured_of_a_workspace_last_shows() {
    stack::with(async |stack| {
        let (operator, tenant) = (operator::new(stack).await, tenant::new(stack).await);
        let client = database::superuser(stack).await;
        let put = "insert into system.tenant_metrics
                       (tenant_id, day, measured_at, placement, \"rows\", bytes, growth_bytes, runs, task_runs, failed_runs, api_calls,
                        api_limited)
                   values ($1, system.today() + $2::integer, system.now(), 'schema', 7, $3, 512, 3, 9, 2, 0, 0)
                   on conflict (tenant_id, day) do update set bytes = excluded.bytes, failed_runs = excluded.failed_runs";
        for (day, bytes) in [(1, 9_000_i64), (0, 8_000)] {
            client.execute(put, &[&tenant.id, &day, &bytes]).await.expect("a measure");
        }
        let seen = operator.get(&format!("{API}/workspaces/{}", tenant.id)).await.expect(200);
        let measured = &seen["measured"];
        assert_eq!(
            (&measured["bytes"], &measured["failed_runs"]),
            (&serde_json::json!(9_000), &serde_json::json!(2)),
            "{seen}"
        );
        assert!(measured.get("tenant_id").is_none() && measured["measured_at"].is_string());
        let gone = "delete from system.tenant_metrics where tenant_id = $1";
        client.execute(gone, &[&tenant.id]).await.expect("forgotten");
    });
}
