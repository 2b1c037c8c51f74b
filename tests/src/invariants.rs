//! What must hold in a tenant's rows whatever happened to it: slots are counted right, an attempt owns one external run, what
//! is over is over, and the log of events tells the state. A test calls [`hold`] when it is done, and may call it in between.

use local::stack::Stack;
use tokio_postgres::Client;

use crate::{database, tenant::Tenant};

/// What is wrong is a row of each of these questions, told as a text.
const QUESTIONS: [(&str, &str); 9] = [
    (
        "a slot counts the weight of the active attempts on its key",
        "select format('%s: in use %s, active %s', s.key, s.in_use, coalesce(sum(a.weight), 0))
         from slots s left join attempts a on a.connection_id = s.key and a.state = 'active'
         group by s.key, s.in_use having s.in_use <> coalesce(sum(a.weight), 0)",
    ),
    (
        "a task has at most one active attempt, and is active exactly if it has one",
        "select format('%s: %s with %s active attempts', t.name, t.state, count(a.id))
         from task_runs t left join attempts a on a.task_run_id = t.id and a.state = 'active'
         group by t.id, t.name, t.state having count(a.id) <> (t.state = 'active')::int",
    ),
    (
        "an external run belongs to one attempt",
        "select format('%s of %s attempts', external_id, count(*)) from attempts
         where external_id is not null group by connection_id, external_id having count(*) > 1",
    ),
    (
        "a run that is over has no task that is not",
        "select format('%s is %s, its task %s is %s', r.id, r.state, t.name, t.state)
         from runs r join task_runs t on t.run_id = r.id
         where r.finished_at is not null and t.state in ('pending', 'active')",
    ),
    (
        "a run whose tasks are all over is over",
        "select format('%s is %s', r.id, r.state) from runs r where r.finished_at is null
         and not exists (select from task_runs t where t.run_id = r.id and t.state in ('pending', 'active'))",
    ),
    (
        "the last event of a task tells its state",
        "select format('%s is %s, its last event says %s', t.name, t.state, e.to_state) from task_runs t
         cross join lateral (select to_state from events e where e.task_run_id = t.id order by e.id desc limit 1) e
         where e.to_state <> t.state",
    ),
    (
        "a schedule has one run for each instant",
        "select format('%s at %s: %s runs', schedule_id, logical_date, count(*)) from runs
         where schedule_id is not null group by schedule_id, logical_date having count(*) > 1",
    ),
    (
        "work in flight has something that will wake it",
        "select format('task %s is active and no watch is due', t.name) from task_runs t
         where t.state = 'active' and t.reason = 'dispatching'
         and not exists (select from system.due d where d.tenant_id = t.tenant_id and d.kind = 'watch')
         union all
         select format('task %s runs and no poll of its connection is due', t.name) from task_runs t
         where t.state = 'active' and t.reason = 'running' and not exists (select from system.due d
             where d.tenant_id = t.tenant_id and d.kind = 'poll' and d.ref = t.connection_id)",
    ),
    (
        "work that waits for a slot has none, or something that will promote it",
        "select format('task %s waits, %s of %s are in use', t.name, s.in_use, s.capacity)
         from task_runs t join slots s on s.key = t.connection_id
         where t.state = 'pending' and t.reason = 'waiting_slot' and s.in_use + t.weight <= s.capacity
         and s.paused_until is null and not exists (select from system.outbox o where o.tenant_id = t.tenant_id)
         and not exists (select from system.due d where d.tenant_id = t.tenant_id and d.kind = 'wake')",
    ),
];

/// Fails the test if anything is wrong with this tenant's rows.
pub async fn hold(stack: &Stack, tenant: &Tenant) {
    let client = database::superuser_in(stack, tenant.database.as_deref()).await;
    let wrong = wrong(&client, &tenant.schema).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong in a schema.
pub async fn wrong(client: &Client, schema: &str) -> Vec<String> {
    client.batch_execute(&format!("set search_path to {schema}")).await.expect("the tenant's schema");
    let mut wrong = Vec::new();
    for (claim, question) in QUESTIONS {
        let rows = client.query(question, &[]).await.unwrap_or_else(|error| panic!("{claim}: {error:?}"));
        wrong.extend(rows.iter().map(|row| format!("{claim}: {}", row.get::<_, String>(0))));
    }
    wrong
}

/// Rows of a tenant's schema, counted.
pub async fn count(stack: &Stack, tenant: &Tenant, from: &str) -> i64 {
    let client = database::superuser_in(stack, tenant.database.as_deref()).await;
    client
        .batch_execute(&format!("set search_path to {}", tenant.schema))
        .await
        .expect("the tenant's schema");
    client.query_one(&format!("select count(*) from {from}"), &[]).await.expect("a count").get(0)
}
