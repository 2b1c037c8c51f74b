//! The memory of the server processes behind our functions while they serve a thousand workspaces in turn: what their caches of so
//! many schemas come to. Every function's are looked at, several times a second, from the making of the workspaces on; not those
//! of this bench's own superuser. Goal: at most 50 MB each, of memory of its own (`RssAnon`: without what all of them share).

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use local::stack::Stack;
use serde_json::json;
use shared::{
    db::{Database, Scope, TenantTx},
    model::tenant::Route,
};
use tests::{database, tenant::random_id};
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{figure::report, size};

const ROUNDS: usize = 2;
/// How often memory is looked at.
const APART: Duration = Duration::from_millis(100);
/// Ticks of the steward: each measures fifty workspaces and lets canaries try some.
const TICKS: usize = 10;
/// What a dispatcher and a portal ask most, of several tables each; and the other tables, for whoever serves a workspace for long.
const READS: [&str; 5] = [
    "select (select count(*) from runs), (select count(*) from concurrency_profiles), (select count(*) from slots),
            (select count(*) from connection_tests), (select count(*) from job_tasks), (select count(*) from orphans)",
    "select (select count(*) from events), (select count(*) from audit), (select count(*) from idempotency_keys),
            (select count(*) from seals)",
    "select t.id, t.state, a.number, a.external_id from task_runs t left join attempts a on a.task_run_id = t.id limit 1",
    "select c.id, c.name, v.name, k.name from connections c join vaults v on v.id = c.vault_id left join credentials k on k.vault_id = v.id limit 1",
    "select s.id, j.id, w.definition from schedules s join jobs j on j.id = s.job_id join job_versions w on w.job_id = j.id limit 1",
];

/// The most that a server process of each login had so far, in MB.
type Most = Arc<Mutex<BTreeMap<String, f64>>>;

pub(crate) async fn soak(stack: &Stack) {
    let (most, watch) = watch(stack).await;
    size::fill(stack).await;
    let client = database::superuser(stack).await;
    stack
        .order(json!({ "do": "refill", "spares": size::workspaces() + 100 }))
        .await
        .expect("spares by the steward itself");
    let claimed = claim(&client).await;
    people(&client, &claimed).await;
    let portal = claimed.iter().map(|it| Scope::Person {
        session: it.session.into(),
        user: it.session.into(),
        route: it.route.clone(),
        permission: None,
    });
    let worker = claimed.iter().map(|it| Scope::Worker(it.route.clone()));
    serve(&database::of(stack, "portal", 1).await, &portal.collect::<Vec<_>>()).await;
    serve(&database::of(stack, "dispatcher", 1).await, &worker.collect::<Vec<_>>()).await;
    for _ in 0..TICKS {
        stack.cloud().tick_now("steward").await.expect("a tick");
        stack.cloud().tick_now("scheduler").await.expect("a tick");
    }
    stack.order(json!({ "do": "seal" })).await.expect("seals");
    stack.order(json!({ "do": "sweep" })).await.expect("the sweep");
    watch.abort();
    let most = most.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for (login, most) in &most {
        report(&format!("memory.{login}"), *most, "MB");
    }
    report("memory.largest_backend", most.values().copied().fold(0.0, f64::max), "MB");
    report("memory.workspaces_in_the_soak", claimed.len() as f64, "workspaces");
    back(&client, &claimed).await;
}

/// A workspace of the soak, and a session in it; its person has the session's id.
struct Claimed {
    route: Route,
    session: Uuid,
}

async fn claim(client: &Client) -> Vec<Claimed> {
    let claim = "update system.tenants set state = 'active' where state = 'spare' and placement = 'schema' returning id, schema_name";
    let rows = client.query(claim, &[]).await.expect("they are claimed");
    let claimed = rows.iter().map(|row| Claimed {
        route: Route {
            tenant: row.get::<_, Uuid>(0).into(),
            schema: row.get::<_, String>(1).parse().expect("a schema"),
        },
        session: random_id(),
    });
    claimed.collect()
}

/// An Administrator with a session for each.
async fn people(client: &Client, claimed: &[Claimed]) {
    let (tenants, sessions) = ids(claimed);
    for insert in [
        "insert into system.users (id, provider, directory_id, object_id, created_at)
         select s, 'entra', t, s, now() from unnest($1::uuid[], $2::uuid[]) as x (t, s)",
        "insert into system.memberships (tenant_id, user_id, role, created_at, updated_at)
         select t, s, 'administrator', now(), now() from unnest($1::uuid[], $2::uuid[]) as x (t, s)",
        "insert into system.sessions (id, user_id, tenant_id, created_at, expires_at)
         select s, s, t, now(), now() + interval '1 day' from unnest($1::uuid[], $2::uuid[]) as x (t, s)",
    ] {
        client.execute(insert, &[&tenants, &sessions]).await.expect("people");
    }
}

/// They are spares again.
async fn back(client: &Client, claimed: &[Claimed]) {
    let (tenants, sessions) = ids(claimed);
    for (statement, of) in [
        ("delete from system.sessions where id = any ($1)", &sessions),
        ("delete from system.memberships where tenant_id = any ($1)", &tenants),
        ("delete from system.users where id = any ($1)", &sessions),
        ("update system.tenants set state = 'spare' where id = any ($1)", &tenants),
    ] {
        client.execute(statement, &[of]).await.expect("they are spares again");
    }
}

fn ids(claimed: &[Claimed]) -> (Vec<Uuid>, Vec<Uuid>) {
    claimed.iter().map(|it| (shared::model::ids::Id::uuid(it.route.tenant), it.session)).unzip()
}

/// A transaction in each of the scopes in turn, several rounds.
async fn serve(pool: &Database, scopes: &[Scope]) {
    for _ in 0..ROUNDS {
        for scope in scopes {
            let tx = TenantTx::begin(pool, scope, "soak").await.expect("a connection");
            for read in READS {
                tx.rows(read, &[]).await.expect("rows");
            }
            tx.commit().await.expect("it ends");
        }
    }
}

/// Looks at every server process of a function again and again.
async fn watch(stack: &Stack) -> (Most, JoinHandle<()>) {
    let (most, client) = (Most::default(), database::superuser(stack).await);
    let kept = Arc::clone(&most);
    let watch = tokio::spawn(async move {
        let ask = "select l.function, a.pid from pg_stat_activity a join system.logins l on l.name = a.usename::text
                   where a.datname = current_database() and a.backend_type = 'client backend'";
        loop {
            for row in client.query(ask, &[]).await.expect("the server processes") {
                let Some(now) = private_mb(row.get(1)) else { continue };
                let mut most = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let of = most.entry(row.get(0)).or_insert(0.0);
                *of = of.max(now);
            }
            tokio::time::sleep(APART).await;
        }
    });
    (most, watch)
}

/// What a process holds for itself: its resident memory without what it shares.
fn private_mb(pid: i32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}
