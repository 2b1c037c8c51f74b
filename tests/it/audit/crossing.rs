//! Who asks for much that is not theirs is told of, once, in the log that an alarm reads and in their own workspace; who works
//! is not.

use std::fs;

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    database, stack,
    tenant::{self, Tenant, random_id},
    work,
};
use uuid::Uuid;

const ACTION: &str = "security.crossing_attempts";

/// The lines that the alarm counts, of one workspace.
fn lines(stack: &Stack, tenant: Uuid) -> Vec<Value> {
    let log = fs::read_dir(stack.data_dir().join("log")).expect("the logs").flatten();
    let text: String = log.filter_map(|file| fs::read_to_string(file.path()).ok()).collect();
    let of_it = |line: &Value| line["event"] == "crossing_attempt" && line["tenant"] == json!(tenant);
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(of_it).collect()
}

async fn rows(stack: &Stack, tenant: &Tenant) -> Vec<(Option<Uuid>, Option<Uuid>)> {
    let client = database::superuser(stack).await;
    let ask = format!("select actor_id, target_id from {}.audit where action = $1", tenant.schema);
    let rows = client.query(&ask, &[&ACTION]).await.expect("the audit log");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn thirty_foreign_ids_are_one_line_and_one_row_in_the_askers_own_workspace() {
    let stack = stack::run(stack::own(|_| ()));
    stack::run(async {
        let (ours, theirs) = (tenant::new(&stack).await, tenant::new(&stack).await);
        let mut ids = Vec::new();
        for n in 0..30 {
            ids.push(work::id(&work::vault(&theirs.administrator, &format!("v{n}")).await));
        }
        for id in &ids {
            ours.administrator.get(&format!("/vaults/{id}")).await.problem(404, "not_found");
        }
        let (told, kept) = (lines(&stack, ours.id), rows(&stack, &ours).await);
        assert_eq!((told.len(), kept.len()), (1, 1), "{told:?}");
        let me = ours.administrator.get("/me").await.expect(200);
        assert_eq!(told[0]["user"], me["user"]["id"], "{told:?}");
        assert_eq!(told[0]["kind"], "misses");
        assert_eq!(json!(kept[0].0), told[0]["user"]);
        assert_eq!(kept[0].1, Some(ours.id), "the row tells of the workspace, not of what was asked for");
        let text = told[0].to_string();
        assert!(ids.iter().all(|id| !text.contains(id.as_str())), "{text}");
        assert!((lines(&stack, theirs.id).len(), rows(&stack, &theirs).await.len()) == (0, 0));

        // References in bodies count like paths.
        for _ in 0..30 {
            let body = json!({ "name": "s", "job_id": random_id(), "cron": "0 6 1 1 *", "time_zone": "UTC" });
            theirs.administrator.post("/schedules", &body).await.problem(400, "invalid_reference");
        }
        assert_eq!((lines(&stack, theirs.id).len(), rows(&stack, &theirs).await.len()), (1, 1));
        stack.stop().await;
    });
}

#[test]
fn work_and_a_page_that_asks_for_one_thing_that_is_gone_are_nothing() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let vault = work::id(&work::vault(by, "v").await);
        by.delete(&format!("/vaults/{vault}")).await.expect(204);
        for _ in 0..40 {
            by.get(&format!("/vaults/{vault}")).await.problem(404, "not_found");
            by.get("/jobs").await.expect(200);
        }
        for _ in 0..10 {
            by.get(&format!("/runs/{}", random_id())).await.problem(404, "not_found");
        }
        assert_eq!((lines(stack, tenant.id).len(), rows(stack, &tenant).await.len()), (0, 0));
    });
}

#[test]
fn a_permission_that_postgres_refuses_is_told_at_once() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let client = database::superuser(stack).await;
        let revoke = format!("revoke select on {0}.vaults from \"{0}\"", tenant.schema);
        client.batch_execute(&revoke).await.expect("a defect of ours");
        tenant.administrator.get("/vaults").await.problem(500, "internal");
        let told = lines(stack, tenant.id);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((&told[0]["kind"], &told[0]["transaction"]), (&json!("denied"), &json!("vaults.list")));
        assert_eq!(rows(stack, &tenant).await.len(), 1);
        // Again: a line each time, for the alarm; the workspace is told once in ten minutes.
        tenant.administrator.get("/vaults").await.problem(500, "internal");
        assert_eq!((lines(stack, tenant.id).len(), rows(stack, &tenant).await.len()), (2, 1));
    });
}
