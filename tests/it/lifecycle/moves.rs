//! Moves between placements: everything comes along, nobody's session ends, others are not touched.

use std::time::Duration;

use local::stack::Stack;
use serde_json::{Value, json};
use shared::{db::TenantTx, model::role::Permission};
use tests::{
    database, invariants, stack,
    tenant::{self, Placement, Tenant, Workspace},
    work::{self, SOON},
    world::{Answer, World},
};

/// What a workspace shows through the API.
pub(super) async fn shown(tenant: &Tenant) -> Value {
    let mut all = Vec::new();
    for path in ["/vaults", "/connections", "/jobs", "/schedules", "/runs", "/users", "/audit"] {
        let items = work::all(&tenant.administrator, path).await;
        // Reading is recorded too.
        let told = |item: &Value| item["action"].as_str().unwrap_or_default().to_owned();
        let kept = |item: &Value| told(item) != "workspace.move" && !told(item).ends_with(".read");
        all.push(json!({ path: items.into_iter().filter(kept).collect::<Vec<_>>() }));
    }
    Value::Array(all)
}

/// A vault with a credential, a job that has run, a schedule.
pub(super) async fn fill(tenant: &Tenant, world: &World) -> Value {
    let by = &tenant.administrator;
    let vault = work::vault(by, "vault").await;
    work::credential(by, &vault, "key", "secret").await;
    let body = json!({ "name": "platform", "kind": "http",
                       "settings": { "base_url": world.url(), "auth": { "type": "bearer" } },
                       "credential": { "vault": "vault", "name": "key" } });
    by.post("/connections", &body).await.expect(201);
    let job = work::job(by, "job", &work::chain("platform", 2)).await;
    let schedule = json!({ "name": "daily", "job_id": job["id"], "cron": "0 6 1 1 *", "time_zone": "UTC" });
    by.post("/schedules", &schedule).await.expect(201);
    let run = work::run(by, &job).await;
    work::wait_for_run(by, &run, "succeeded", SOON).await;
    job
}

pub(super) async fn ask(stack: &Stack, tenant: &Tenant, to: &str) {
    let order = json!({ "do": "move", "tenant_id": tenant.id, "to": to });
    stack.order(order).await.expect("the steward takes the order");
}

/// The last move of a workspace: its state, its result, why it failed.
pub(super) async fn last(stack: &Stack, tenant: &Tenant) -> (String, Option<Value>, Option<String>) {
    let ask = "select state, result, error from system.operations where tenant_id = $1 and kind = 'move' order by id desc limit 1";
    let row = database::superuser(stack).await.query_one(ask, &[&tenant.id]).await.expect("a move");
    (row.get(0), row.get(1), row.get(2))
}

pub(super) async fn ended(stack: &Stack, tenant: &Tenant, state: &str) {
    work::until("the move has ended", SOON, async || {
        !["pending", "running"].contains(&last(stack, tenant).await.0.as_str())
    })
    .await;
    let (came_to, result, error) = last(stack, tenant).await;
    assert_eq!(came_to, state, "{result:?} {error:?}");
}

/// Where a workspace is: placement, schema, state.
pub(super) async fn place(stack: &Stack, tenant: &Tenant) -> (String, String, String) {
    let ask = "select placement, schema_name, state from system.tenants where id = $1";
    let row = database::superuser(stack).await.query_one(ask, &[&tenant.id]).await.expect("its route");
    (row.get(0), row.get(1), row.get(2))
}

/// Rows of a workspace in a schema, over all of its tables; none where there is no such schema.
pub(super) async fn rows(stack: &Stack, tenant: &Tenant, schema: &str) -> i64 {
    let client = database::superuser(stack).await;
    let tables =
        "select tablename::text from pg_tables where schemaname = $1 and tablename <> 'schema_migrations'";
    let mut all = 0;
    for table in client.query(tables, &[&schema]).await.expect("the tables") {
        let ask =
            format!("select count(*) from \"{schema}\".{} where tenant_id = $1", table.get::<_, String>(0));
        all += client.query_one(&ask, &[&tenant.id]).await.expect("a count").get::<_, i64>(0);
    }
    all
}

/// Whether a schema, or its role, is there.
pub(super) async fn is_there(stack: &Stack, schema: &str) -> bool {
    let ask = "select to_regnamespace($1) is not null or exists (select from pg_roles where rolname = $1)";
    database::superuser(stack).await.query_one(ask, &[&schema]).await.expect("the catalog").get(0)
}

#[test]
fn a_workspace_moves_into_a_pool_and_out_again_with_all_it_has() {
    stack::with(async |stack| {
        let (moved, neighbour) = (tenant::new(stack).await, tenant::new_in(stack, Placement::Pooled).await);
        let world = World::at_once();
        let job = fill(&moved, &world).await;
        fill(&neighbour, &world).await;
        let program = super::program(&moved.administrator).await;
        let (before, others) = (shown(&moved).await, shown(&neighbour).await);
        let (_, first, _) = place(stack, &moved).await;
        let held = rows(stack, &moved, &first).await;

        ask(stack, &moved, "pooled").await;
        ended(stack, &moved, "succeeded").await;
        let (placement, pool, state) = place(stack, &moved).await;
        assert_eq!((placement.as_str(), state.as_str()), ("pooled", "active"));
        assert_eq!(pool, neighbour.schema);
        assert!(!is_there(stack, &first).await, "schema and role of its own are gone");
        // The same sessions: they name the place where it was.
        assert_eq!(shown(&moved).await, before);
        program.get("/vaults").await.expect(200);
        assert!(rows(stack, &moved, &pool).await >= held);
        let run = work::run(&moved.operator, &job).await;
        work::wait_for_run(&moved.operator, &run, "succeeded", 2 * SOON).await;

        ask(stack, &moved, "schema").await;
        ended(stack, &moved, "succeeded").await;
        let (placement, own, _) = place(stack, &moved).await;
        assert_eq!(placement, "schema");
        assert_ne!(own, first, "a schema's name is never used again");
        assert_eq!(rows(stack, &moved, &pool).await, 0, "nothing of it is left in the pool");
        let run = work::run(&moved.operator, &job).await;
        work::wait_for_run(&moved.operator, &run, "succeeded", 2 * SOON).await;
        program.get("/vaults").await.expect(200);
        assert_eq!(shown(&neighbour).await, others, "the neighbour is as it was");
        let log = work::all(&moved.administrator, "/audit").await;
        let told = log.iter().filter(|row| row["action"] == "workspace.move").count();
        assert_eq!(told, 2, "its log tells of both");
        let here = Tenant { schema: own, ..moved };
        invariants::hold(stack, &here).await;
        invariants::hold(stack, &neighbour).await;
    });
}

#[test]
fn a_move_waits_for_what_is_being_started_and_loses_nothing_that_runs() {
    stack::with(async |stack| {
        let moved = tenant::new(stack).await;
        let world = World::new(|request, _| match request.path.as_str() {
            "/runs" => Answer::Json(200, json!({ "id": "r1" })),
            "/runs/r1" => Answer::Json(200, json!({ "state": "running" })),
            "/start/slow" => Answer::After(Duration::from_secs(3), Box::new(Answer::Json(200, json!({})))),
            _ => Answer::Json(200, json!({})),
        });
        work::connection(&moved.administrator, "platform", &world).await;
        let tasks = [work::polled("runs", "platform", &[]), work::at_once("slow", "platform", &[])];
        let job = work::job(&moved.administrator, "job", &tasks).await;
        let run = work::run(&moved.operator, &job).await;
        work::until("the slow one is being started", SOON, async || world.count("POST", "/start/slow") > 0)
            .await;
        ask(stack, &moved, "pooled").await;
        ended(stack, &moved, "succeeded").await;
        let path = format!("/runs/{}", work::id(&run));
        work::until("what was being started is settled once", SOON, async || {
            let seen = moved.operator.get(&path).await.expect(200);
            seen["tasks"]
                .as_array()
                .is_some_and(|tasks| tasks.iter().any(|task| task["state"] == "succeeded"))
        })
        .await;
        assert_eq!((world.count("POST", "/start/slow"), world.count("POST", "/runs")), (1, 1));
        let polls = world.count("GET", "/runs/r1");
        work::until("what runs is polled in its new place", 2 * SOON, async || {
            stack.cloud().tick_now("scheduler").await.expect("a tick");
            world.count("GET", "/runs/r1") > polls
        })
        .await;
        moved.operator.post(&format!("{path}/cancel"), &json!({})).await;
    });
}

#[test]
fn what_cannot_be_moved_is_refused_and_nothing_changes() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let before = place(stack, &tenant).await;
        for (id, to) in [
            (tenant.id, "schema"),
            (tenant.id, "dedicated"),
            (tenant.id, "elsewhere"),
            (tenant::random_id(), "pooled"),
        ] {
            let order = json!({ "do": "move", "tenant_id": id, "to": to });
            assert!(stack.order(order).await.is_err(), "{to}");
        }
        let asked = "select count(*) from system.operations where tenant_id = $1 and kind = 'move'";
        let client = database::superuser(stack).await;
        let asked = async || client.query_one(asked, &[&tenant.id]).await.expect("a count").get::<_, i64>(0);
        assert_eq!(asked().await, 0);
        assert_eq!(place(stack, &tenant).await, before);
        // While its deletion may be taken back, and the other way round.
        let by = &tenant.administrator;
        let deletion = json!({ "name": tenant.directory.name, "grace_s": 3600 });
        by.post("/workspace/deletion", &deletion).await.expect(202);
        let order = json!({ "do": "move", "tenant_id": tenant.id, "to": "pooled" });
        assert!(stack.order(order).await.is_err(), "it is being deleted");
        by.delete("/workspace/deletion").await.expect(200);
        assert_eq!(asked().await, 0);
    });
}

#[test]
fn a_transaction_that_is_under_way_is_waited_for_and_comes_along() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let pool = database::of(stack, "portal", 2).await;
        let vault = "insert into vaults (id, name, kind, created_at, updated_at, updated_by)
                     values ($1, $2, 'managed', system.now(), system.now(), $1)";
        let scope = workspace.scope(Permission::VaultsWrite);
        let tx = TenantTx::begin(&pool, &scope, "under way").await.expect("a transaction");
        tx.execute(vault, &[&tenant::random_id(), &"under way"]).await.expect("a row");
        stack
            .order(json!({ "do": "move", "tenant_id": workspace.id, "to": "pooled" }))
            .await
            .expect("the steward takes the order");
        let client = database::superuser(stack).await;
        let waits = "select exists (select from pg_locks where locktype = 'advisory' and classid = 6 and not granted)";
        work::until("the move waits", SOON, async || {
            client.query_one(waits, &[]).await.expect("the locks").get(0)
        })
        .await;
        tx.commit().await.expect("it ends as if nothing were");
        let ask = "select schema_name from system.tenants where id = $1 and placement = 'pooled' and state = 'active'";
        work::until("it has moved", SOON, async || {
            client.query_opt(ask, &[&workspace.id]).await.expect("its route").is_some()
        })
        .await;
        // Whoever still names the old place is told to try again, and then finds the row in the new one.
        let first = TenantTx::begin(&pool, &scope, "after").await.expect("a transaction");
        let error = first.rows("select name from vaults", &[]).await.expect_err("it is not there any more");
        assert!(error.is_retryable(), "{error:?}");
        drop(first);
        let second = TenantTx::begin(&pool, &scope, "after").await.expect("a transaction");
        let rows = second.rows("select name from vaults", &[]).await.expect("the new place");
        assert_eq!(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["under way"]);
    });
}
