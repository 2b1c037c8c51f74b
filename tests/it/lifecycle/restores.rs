//! Backups and restores: what was comes back, nothing starts, nobody else notices.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    archive, content, database, invariants, stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::World,
};
use uuid::Uuid;

use super::moves::is_there;

/// The same tenant after its schema was replaced. Its people's sessions go on.
pub(super) async fn again(stack: &Stack, tenant: &Tenant) -> Tenant {
    let (_, schema) = tenant::placed(stack, tenant.directory.id).await.expect("it is placed");
    Tenant { schema, ..tenant.clone() }
}

/// The rows of every workspace that people are in, a digest a table; `but` is left out.
pub(super) async fn workspaces(stack: &Stack, but: &[&str]) -> BTreeMap<String, BTreeMap<String, String>> {
    let ask = "select id, schema_name from system.tenants where state in ('active', 'suspended') order by 1";
    let mut all = BTreeMap::new();
    for row in database::superuser(stack).await.query(ask, &[]).await.expect("the workspaces") {
        let (id, schema): (Uuid, String) = (row.get(0), row.get(1));
        if !but.contains(&schema.as_str()) {
            let mut tables = content::of(stack, id, &schema).await;
            tables.retain(|table, _| !table.starts_with("system."));
            all.insert(schema, tables);
        }
    }
    all
}

/// The end of an operation as the database has it.
pub(super) async fn outcome(stack: &Stack, asked: &Value) -> (String, Option<String>, Option<Value>) {
    outcome_in(stack, None, asked).await
}

async fn outcome_in(
    stack: &Stack,
    database: Option<&str>,
    asked: &Value,
) -> (String, Option<String>, Option<Value>) {
    let (client, id) = (database::superuser_in(stack, database).await, work::id(asked));
    let ask = "select state, error, result from system.operations where id = $1::text::uuid and finished_at is not null";
    let mut found = None;
    work::until("the operation ends", SOON, async || {
        found = client.query_opt(ask, &[&id]).await.expect("the operation");
        found.is_some()
    })
    .await;
    let row = found.expect("it ended");
    (row.get(0), row.get(1), row.get(2))
}

pub(super) async fn backup(by: &Tenant) -> Value {
    archive::done(&by.administrator, "/workspace/backups", &json!({})).await
}

pub(super) async fn replace(stack: &Stack, tenant: &Tenant, backup: &Value) -> Tenant {
    let body = json!({ "backup_id": backup["id"], "into": "replace" });
    let asked = tenant.administrator.post("/workspace/restores", &body).await.expect(202);
    let (state, error, _) = outcome_in(stack, tenant.database.as_deref(), &asked).await;
    assert_eq!(state, "succeeded", "{error:?}");
    again(stack, tenant).await
}

/// A workspace with a job that ran, a schedule that is due each minute, and a credential.
pub(super) async fn filled(stack: &Stack, world: &World) -> (Tenant, Value) {
    let tenant = tenant::new(stack).await;
    let by = &tenant.administrator;
    let vault = work::vault(by, "vault").await;
    work::credential(by, &vault, "token", "secret").await;
    work::connection(by, "platform", world).await;
    let job = work::job(by, "job", &work::chain("platform", 1)).await;
    let schedule = json!({ "name": "yearly", "job_id": job["id"], "cron": "0 6 1 1 *", "time_zone": "UTC" });
    by.post("/schedules", &schedule).await.expect(201);
    let run = work::run(&tenant.operator, &job).await;
    work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
    (tenant, job)
}

#[test]
fn a_backup_replaces_the_workspace_paused_and_touches_nobody_else() {
    let test = async {
        let stack = stack::own(|_| ()).await;
        let (world, elsewhere) = (World::at_once(), World::at_once());
        let (other, _) = filled(&stack, &elsewhere).await;
        let (tenant, job) = filled(&stack, &world).await;
        let begun = Instant::now();
        let kept = backup(&tenant).await;
        eprintln!("a small workspace was backed up in {:?}", begun.elapsed());
        let by = &tenant.administrator;
        work::vault(by, "made since").await;
        let gone = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &gone, "succeeded", SOON).await;
        let program = super::program(by).await;
        archive::done(by, "/workspace/suspend", &json!({})).await;

        // The canaries are made by the first tick that looks for them: here, before anything is compared.
        stack.order(json!({ "do": "gather_evidence" })).await.expect("the canaries are there");
        let others = workspaces(&stack, &[&tenant.schema]).await;
        assert!(others.contains_key(&other.schema));
        let begun = Instant::now();
        let restored = replace(&stack, &tenant, &kept).await;
        eprintln!("a small workspace was restored in {:?}", begun.elapsed());
        assert_eq!(workspaces(&stack, &[&restored.schema]).await, others);

        assert_ne!(restored.schema, tenant.schema);
        let names = program.get("/vaults").await.expect(200)["items"].clone();
        assert_eq!(names[0]["name"], "vault", "a token of before goes on: {names}");
        assert!(!is_there(&stack, &tenant.schema).await, "the replaced schema is gone, and its role");
        let by = &restored.administrator;
        assert_eq!(by.get("/workspace").await.expect(200)["state"], "suspended");
        let names: Vec<Value> =
            work::all(by, "/vaults").await.into_iter().map(|vault| vault["name"].clone()).collect();
        assert_eq!(names, ["vault"]);
        by.get(&format!("/runs/{}", work::id(&gone))).await.problem(404, "not_found");
        assert_eq!(work::all(by, "/schedules").await[0]["state"], "paused");
        let actions: Vec<Value> =
            work::all(by, "/audit").await.into_iter().map(|entry| entry["action"].clone()).collect();
        for action in ["vault.create", "workspace.suspend", "workspace.restore"] {
            assert!(actions.contains(&json!(action)), "{action} is still on record: {actions:?}");
        }
        assert_eq!(
            work::all(by, "/workspace/backups").await.len(),
            2,
            "what was replaced was backed up first"
        );

        by.post("/workspace/reactivate", &json!({})).await.expect(200);
        let run = work::run(&restored.operator, &job).await;
        work::wait_for_run(&restored.operator, &run, "succeeded", SOON).await;
        assert_eq!(world.count("POST", "/start/t0"), 3, "one start a run, none from the restore");
        invariants::hold(&stack, &restored).await;
        stack.stop().await;
    };
    stack::run(test);
}

#[test]
fn what_was_under_way_is_held_and_starts_nothing() {
    stack::with(async |stack| {
        let world = World::of_runs(1_000);
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        work::connection(by, "platform", &world).await;
        let job = work::job(
            by,
            "job",
            &[work::polled("t0", "platform", &[]), work::polled("t1", "platform", &["t0"])],
        )
        .await;
        let run = work::run(&tenant.operator, &job).await;
        let path = format!("/runs/{}", work::id(&run));
        work::until("it runs", SOON, async || {
            tenant.operator.get(&path).await.expect(200)["tasks"][0]["reason"] == "running"
        })
        .await;
        let kept = backup(&tenant).await;
        archive::done(by, "/workspace/suspend", &json!({})).await;
        let starts = world.count("POST", "/runs");
        let restored = replace(stack, &tenant, &kept).await;
        let shown = restored.operator.get(&path).await.expect(200);
        assert_eq!(shown["tasks"][0]["reason"], "start_unknown", "{shown:#}");
        assert!(shown["tasks"][0]["attempts"][0]["external_run_id"].is_string(), "{shown:#}");
        restored.administrator.post("/workspace/reactivate", &json!({})).await.expect(200);
        stack.cloud().tick_now("scheduler").await.expect("a tick");
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(world.count("POST", "/runs"), starts, "nothing was started again");
        invariants::hold(stack, &restored).await;
    });
}

#[test]
fn a_sandbox_is_a_workspace_beside_it_in_which_nothing_can_start() {
    stack::with(async |stack| {
        let world = World::at_once();
        let (tenant, job) = filled(stack, &world).await;
        let by = &tenant.administrator;
        let kept = backup(&tenant).await;
        let client = database::superuser(stack).await;
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let made = archive::done(by, "/workspace/restores", &body).await;
        let sandbox = &made["result"]["workspace_id"];
        let told = by.get("/me").await.expect(200);
        let listed = told["workspaces"].as_array().expect("workspaces").iter().find(|w| w["id"] == *sandbox);
        let name = listed.expect("it is listed")["name"].as_str().expect("a name").to_owned();
        assert!(name.starts_with(&tenant.directory.name) && name.contains("(sandbox "), "{name}");

        let switched = by.put("/me/workspace", &json!({ "workspace_id": sandbox })).await.expect(200);
        let token = switched["token"].as_str().expect("a session").to_owned();
        let inside = by.with(tests::caller::Proof::Bearer(token));
        assert_eq!(work::all(&inside, "/connections").await[0]["state"], "paused");
        assert_eq!(work::all(&inside, "/schedules").await[0]["state"], "paused");
        assert_eq!(work::all(&inside, "/runs").await.len(), 1);
        let ask = "select schema_name from system.tenants where id = $1::text::uuid";
        let schema: String = client.query_one(ask, &[&sandbox.as_str()]).await.expect("placed").get(0);
        let ask = format!("select count(*) from \"{schema}\".credentials");
        let left: i64 = client.query_one(&ask, &[]).await.expect("a count").get(0);
        assert_eq!(left, 0, "no credential came along");
        assert_eq!(invariants::wrong(&client, &schema).await, Vec::<String>::new());
        let ask = format!("select count(*) from \"{schema}\".jobs where tenant_id <> $1::text::uuid");
        let foreign: i64 = client.query_one(&ask, &[&sandbox.as_str()]).await.expect("a count").get(0);
        assert_eq!(foreign, 0);
        assert_eq!(world.count("POST", "/start/t0"), 1);
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
    });
}

#[test]
fn a_backup_is_for_administrators_and_ends_when_they_say_so() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let kept = backup(&tenant).await;
        let path = format!("/workspace/backups/{}", work::id(&kept));
        tenant.operator.get(&path).await.problem(403, "forbidden");
        other.administrator.get(&path).await.problem(404, "not_found");
        other.administrator.delete(&path).await.problem(404, "not_found");
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        other.administrator.post("/workspace/restores", &body).await.problem(400, "invalid_reference");
        let replace = json!({ "backup_id": kept["id"], "into": "replace" });
        tenant.administrator.post("/workspace/restores", &replace).await.problem(409, "workspace_state");

        let shelf = archive::shelf(stack, tenant.id, "backup", &kept);
        assert_eq!(archive::files(&shelf).len(), 3, "a part, the manifest, its signature");
        let asked = tenant.administrator.delete(&path).await.expect(202);
        assert_eq!(archive::wait(&tenant.administrator, &asked).await["state"], "succeeded");
        assert_eq!(archive::files(&shelf).len(), 0);
        tenant.administrator.post("/workspace/restores", &body).await.problem(400, "invalid_reference");
    });
}
