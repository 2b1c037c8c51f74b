//! Moving a workspace of 100,000 rows into a pool and out again, and into a database of its own and back: how long nobody can
//! write. Goal: at most 10 s.

use std::time::{Duration, Instant};

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    database, stack,
    tenant::{self, Placement, Tenant},
};

use crate::figure::report;

const RUNS: i32 = 12_500;

pub(crate) async fn hundred_thousand_rows(stack: &Stack) {
    tenant::new_in(stack, Placement::Pooled).await;
    let moved = tenant::new(stack).await;
    fill(stack, &moved).await;
    for to in ["pooled", "schema"] {
        let pause_s = move_to(stack, &moved, (to, None)).await;
        report(&format!("moves.pause_to_{to}"), pause_s, "s");
    }
}

/// The same by way of the steward, from one database to another.
pub(crate) async fn between_databases() {
    let stack = stack::own(|settings| settings.databases = vec!["north".to_owned()]).await;
    let moved = tenant::new(&stack).await;
    fill(&stack, &moved).await;
    let there_s = move_to(&stack, &moved, ("dedicated", Some("north"))).await;
    report("moves.pause_to_dedicated", there_s, "s");
    let back_s = move_to(&stack, &moved, ("schema", None)).await;
    report("moves.pause_from_dedicated", back_s, "s");
    stack.stop().await;
}

/// Runs with two tasks, two attempts and three events each.
async fn fill(stack: &Stack, of: &Tenant) {
    let client = database::superuser(stack).await;
    let fill = format!(
        "begin; set local search_path = \"{schema}\"; set local app.tenant_id = '{id}';
         insert into connections (id, name, kind, settings, created_at, updated_at, updated_by)
         values (gen_random_uuid(), 'bench', 'http', '{{}}', now(), now(), gen_random_uuid());
         insert into jobs (id, name, version, created_at, updated_at, updated_by)
         values (gen_random_uuid(), 'bench', 1, now(), now(), gen_random_uuid());
         insert into job_versions (job_id, version, definition, created_at, created_by)
         select id, 1, '{{}}', now(), gen_random_uuid() from jobs where name = 'bench' and tenant_id = '{id}';
         insert into runs (id, job_id, job_version, trigger, run_after, state, created_at, finished_at)
         select gen_random_uuid(), j.id, 1, 'manual', now(), 'succeeded', now(), now()
         from jobs j, generate_series(1, {RUNS}) where j.name = 'bench' and j.tenant_id = '{id}';
         insert into task_runs (id, run_id, position, name, connection_id, priority, weight, state, attempts, finished_at)
         select gen_random_uuid(), r.id, n, 't' || n, c.id, 5, 1, 'succeeded', 1, now()
         from runs r, connections c, generate_series(0, 1) n where r.tenant_id = '{id}' and c.tenant_id = '{id}' and c.name = 'bench';
         insert into attempts (id, task_run_id, run_id, number, state, connection_id, weight, idempotency, request_digest, created_at, finished_at)
         select gen_random_uuid(), t.id, t.run_id, 1, 'succeeded', t.connection_id, 1, 'none', '', now(), now()
         from task_runs t where t.tenant_id = '{id}';
         insert into events (id, run_id, task_run_id, to_state, actor_kind, at)
         select gen_random_uuid(), t.run_id, t.id, 'succeeded', 'system', now()
         from task_runs t, generate_series(1, 2) n where t.tenant_id = '{id}' and (n = 1 or t.position = 0);
         commit",
        schema = of.schema,
        id = of.id,
    );
    client.batch_execute(&fill).await.expect("100,000 rows");
}

/// Seconds in which nobody could write.
async fn move_to(stack: &Stack, of: &Tenant, (to, database): (&str, Option<&str>)) -> f64 {
    let order = json!({ "do": "move", "tenant_id": of.id, "to": to, "database": database });
    let asked = stack.order(order).await.expect("the steward takes it");
    let result = ended(stack, (&asked["operation_id"], database)).await;
    assert!(result["rows"].as_i64().unwrap_or_default() >= 100_000, "{result}");
    result["pause_ms"].as_f64().expect("how long it was") / 1000.0
}

/// The result of a move, where the workspace is afterwards.
async fn ended(stack: &Stack, (operation, database): (&Value, Option<&str>)) -> Value {
    let client = database::superuser_in(stack, database).await;
    let ask = "select state, result from system.operations where id::text = $1";
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let row = client.query_opt(ask, &[&operation.as_str()]).await.expect("the move");
        match row.as_ref().map(|row| row.get::<_, String>(0)).as_deref() {
            Some("succeeded") => return row.map(|row| row.get(1)).unwrap_or_default(),
            Some("failed") => panic!("the move failed"),
            _ => assert!(Instant::now() < deadline, "the move does not end"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
