//! Deletion: meant by name, taken back while its grace lasts, and then nothing is left and nobody else was touched.

use std::time::Duration;

use local::stack::Stack;
use serde_json::{Value, json};
use shared::store::deletion::{BY_THEIR_STEP, KEPT, PURGED};
use tests::{
    content::{self, Traces},
    database, stack, tenant,
    tenant::{NO_ROLE, Tenant},
    work::{self, SOON},
    world::{Answer, World},
};

const PATH: &str = "/workspace/deletion";
const HOUR_S: i64 = 3600;

async fn state(tenant: &Tenant) -> Value {
    tenant.administrator.get("/workspace").await.expect(200)["state"].clone()
}

fn confirmed(tenant: &Tenant, grace_s: i64) -> Value {
    json!({ "name": tenant.directory.name, "grace_s": grace_s })
}

/// The certificate of a workspace, or null.
pub(super) async fn certificate(stack: &Stack, tenant: &Tenant) -> Value {
    let order = json!({ "do": "certificate", "tenant_id": tenant.id });
    stack.order(order).await.expect("the steward answers")["certificate"].clone()
}

/// Asks for the deletion with the shortest grace.
pub(super) async fn ask(tenant: &Tenant) {
    ask_for(tenant, 1).await;
}

/// Asks for the deletion after so many seconds.
pub(super) async fn ask_for(tenant: &Tenant, grace_s: i64) {
    tenant.administrator.post(PATH, &confirmed(tenant, grace_s)).await.expect(202);
}

/// Waits until it is gone, and gives its certificate.
pub(super) async fn gone(stack: &Stack, tenant: &Tenant) -> Value {
    work::until("it is deleted", 2 * SOON, async || !certificate(stack, tenant).await.is_null()).await;
    certificate(stack, tenant).await
}

/// One of everything in a workspace, a run that has ended among it.
pub(super) async fn fill(tenant: &Tenant, world: &World) {
    let by = &tenant.administrator;
    let vault = work::vault(by, "vault").await;
    work::credential(by, &vault, "password", "secret").await;
    work::connection(by, "platform", world).await;
    let job = work::job(by, "job", &work::chain("platform", 2)).await;
    let schedule = json!({ "name": "yearly", "job_id": job["id"], "cron": "0 6 1 1 *", "time_zone": "UTC" });
    by.post("/schedules", &schedule).await.expect(201);
    let run = work::run(&tenant.operator, &job).await;
    work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
}

/// Every number in a value is 0.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Object(map) => map.values().all(is_nothing),
        _ => false,
    }
}

#[test]
fn a_deletion_is_meant_by_name_and_may_be_taken_back() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let name = &tenant.directory.name;
        for wrong in ["", " ", "signalbox", &name.to_lowercase(), &format!("{name} "), &"x".repeat(300)] {
            by.post(PATH, &json!({ "name": wrong })).await.problem(409, "workspace_name");
        }
        for grace_s in [-1, 0, 90 * 24 * HOUR_S + 1] {
            by.post(PATH, &confirmed(&tenant, grace_s)).await.problem(400, "invalid_request");
        }
        by.post(PATH, &json!({})).await.problem(400, "invalid_request");
        by.post(PATH, &json!({ "name": name, "force": true })).await.problem(400, "invalid_request");
        tenant.operator.post(PATH, &confirmed(&tenant, HOUR_S)).await.problem(403, "forbidden");
        by.delete(PATH).await.problem(409, "workspace_state");
        by.get(PATH).await.problem(404, "not_found");
        assert_eq!(state(&tenant).await, "active", "nothing of this had an effect");

        by.post(PATH, &confirmed(&tenant, HOUR_S)).await.expect(202);
        assert_eq!(state(&tenant).await, "deleting");
        let shown = by.get(PATH).await.expect(200);
        assert_eq!(shown["state"], "grace", "{shown}");
        by.get("/jobs").await.expect(200);
        tenant::signed_in(stack, &tenant.operator_account).await.get("/runs").await.expect(200);
        by.post("/vaults", &json!({ "name": "v", "kind": "managed" }))
            .await
            .problem(409, "workspace_suspended");
        by.post(PATH, &confirmed(&tenant, HOUR_S)).await.problem(409, "operation_open");
        by.post("/workspace/suspend", &json!({})).await.problem(409, "workspace_state");
        by.post("/workspace/reactivate", &json!({})).await.problem(409, "operation_open");
        tenant.operator.delete(PATH).await.problem(403, "forbidden");

        assert_eq!(by.delete(PATH).await.expect(200)["state"], "active");
        by.delete(PATH).await.problem(409, "workspace_state");
        by.post("/vaults", &json!({ "name": "v", "kind": "managed" })).await.expect(201);
        let asked = work::all(by, "/workspace/operations?kind=deletion").await;
        assert_eq!((asked.len(), &asked[0]["state"]), (1, &json!("cancelled")));
    });
}

#[test]
fn a_suspended_workspace_whose_deletion_is_taken_back_is_suspended_and_of_two_at_once_one_is_asked_for() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        by.post("/workspace/suspend", &json!({})).await.expect(202);
        work::until("it is suspended", SOON, async || state(&tenant).await == "suspended").await;
        by.post(PATH, &confirmed(&tenant, HOUR_S)).await.expect(202);
        assert_eq!(by.delete(PATH).await.expect(200)["state"], "suspended");
        by.post("/workspace/reactivate", &json!({})).await.expect(200);
        let confirmed = confirmed(&tenant, HOUR_S);
        let (one, other) =
            futures_util::future::join(by.post(PATH, &confirmed), by.post(PATH, &confirmed)).await;
        let mut answers = [one.status, other.status];
        answers.sort_unstable();
        assert_eq!(answers, [202, 409], "{} {}", one.text(), other.text());
    });
}

#[test]
fn nothing_is_left_of_a_deleted_workspace_and_nobody_else_was_touched() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (ours, theirs) = (tenant::new(&stack).await, tenant::new(&stack).await);
        let world = World::at_once();
        fill(&ours, &world).await;
        fill(&theirs, &world).await;
        // One person of ours is also one of theirs.
        let both = &ours.operator_account;
        let member =
            json!({ "directory_id": both.directory_id, "object_id": both.object_id, "role": "operator" });
        theirs.administrator.post("/users", &member).await.expect(201);
        let traces = Traces::of(&stack, &ours).await;
        assert!(traces.left(&stack).await.len() > 8, "it is there: {:?}", traces.left(&stack).await);
        work::until("their workspace is at rest", SOON, async || {
            let before = content::of(&stack, theirs.id, &theirs.schema).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            before == content::of(&stack, theirs.id, &theirs.schema).await
        })
        .await;
        let before = content::of(&stack, theirs.id, &theirs.schema).await;

        ask(&ours).await;
        let certificate = gone(&stack, &ours).await;
        assert_eq!(content::of(&stack, theirs.id, &theirs.schema).await, before);
        assert_eq!(traces.left(&stack).await, Vec::<String>::new());
        let counted = &certificate["before"];
        for (what, at_least) in
            [("/rows/runs", 1), ("/rows/audit", 5), ("/rows/credentials", 1), ("/schemas", 1)]
        {
            assert!(counted.pointer(what).and_then(Value::as_i64) >= Some(at_least), "{what}: {counted:#}");
        }
        assert_eq!(counted["system_rows"]["tenant_keys"], 1);
        assert!(is_nothing(&certificate["after"]), "{:#}", certificate["after"]);
        assert!(!certificate.to_string().contains(&ours.directory.name), "only a hash of the name is kept");
        let swept = stack.order(json!({ "do": "sweep" })).await.expect("the steward sweeps");
        assert_eq!(swept["leftovers"], json!([]));

        // People: nobody of theirs alone is known any more, who belongs elsewhere goes there.
        ours.administrator.get("/me").await.problem(401, "unauthenticated");
        let (status, said) = tenant::refused(&stack, &ours.administrator_account).await;
        assert!(status == NO_ROLE.0 && said.contains(NO_ROLE.1), "{said}");
        let me = tenant::signed_in(&stack, both).await.get("/me").await.expect(200);
        assert_eq!(me["workspace"]["id"], json!(theirs.id));
        // The same directory, onboarded again, is somebody new.
        ours.directory.onboard(&stack, Some(ours.administrator_account.object_id)).await;
        let again = tenant::signed_in(&stack, &ours.administrator_account).await;
        let me = again.get("/me").await.expect(200);
        assert_ne!(me["workspace"]["id"], json!(ours.id));
        let (_, schema) = tenant::placed(&stack, ours.directory.id).await.expect("a workspace");
        assert_ne!(schema, ours.schema);
        assert_eq!(work::all(&again, "/jobs").await.len(), 0);
        stack.stop().await;
    });
}

#[test]
fn external_runs_are_stopped_first_and_what_is_not_confirmed_is_told() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (obeyed, ignored) = (tenant::new(&stack).await, tenant::new(&stack).await);
        let (obeys, ignores) = (
            World::of_runs(100_000),
            World::new(|request, _| match request.method.as_str() {
                "POST" => Answer::Json(201, json!({ "id": "ext-7" })),
                _ => Answer::Json(200, json!({ "state": "running" })),
            }),
        );
        for (tenant, world) in [(&obeyed, &obeys), (&ignored, &ignores)] {
            work::connection(&tenant.administrator, "platform", world).await;
            let job = work::job(&tenant.administrator, "job", &[work::polled("only", "platform", &[])]).await;
            work::run(&tenant.operator, &job).await;
            work::until("it runs", SOON, async || world.ledger().iter().any(|entry| entry.method == "GET"))
                .await;
            ask(tenant).await;
        }
        let tick = async || {
            stack.cloud().tick_now("scheduler").await.expect("a tick");
            stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        };
        work::until("the one that obeys is deleted", 4 * SOON, async || {
            tick().await;
            !certificate(&stack, &obeyed).await.is_null()
        })
        .await;
        assert_eq!(obeys.count("POST", "/runs/ext-0/cancel"), 1);
        let told = certificate(&stack, &obeyed).await["external_runs"].clone();
        assert_eq!((&told["asked"], &told["unconfirmed"]), (&json!(1), &json!(0)), "{told}");
        assert!(certificate(&stack, &ignored).await.is_null(), "the other is waited for");

        stack.advance(Duration::from_secs(901)).await.expect("time moves");
        work::until("the other is deleted", 4 * SOON, async || {
            tick().await;
            !certificate(&stack, &ignored).await.is_null()
        })
        .await;
        let told = certificate(&stack, &ignored).await["external_runs"].clone();
        assert_eq!(
            (&told["unconfirmed"], &told["unconfirmed_ids"]),
            (&json!(1), &json!(["ext-7"])),
            "{told}"
        );
        stack.stop().await;
    });
}

#[test]
fn every_table_with_rows_of_workspaces_is_named() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        let mut named: Vec<&str> = PURGED.iter().chain(BY_THEIR_STEP).chain(KEPT).copied().collect();
        named.sort_unstable();
        assert_eq!(
            content::tables_with_tenants(&client).await,
            named,
            "add it to the lists of store::deletion"
        );
    });
}

#[test]
fn wherever_people_may_enter_they_may_while_the_grace_lasts() {
    stack::with(async |stack| {
        let ask = "select p.proname::text from pg_proc p
                   where p.pronamespace = 'system'::regnamespace and strpos(p.prosrc, $1) > 0";
        let states = "('active', 'suspending', 'suspended')";
        let without = database::superuser(stack).await.query(ask, &[&states]).await.expect("the catalog");
        let names: Vec<String> = without.iter().map(|row| row.get(0)).collect();
        assert_eq!(
            names,
            Vec::<String>::new(),
            "0012_deletion.sql adds `deleting` to what was there before it"
        );
    });
}
