//! Rotations of a workspace's keys: everything is sealed anew while people and work go on, nothing that is written meanwhile is
//! lost, and what a backup needs is kept as long as the backup.

use std::{collections::BTreeMap, time::Duration};

use local::stack::Stack;
use serde_json::{Value, json};
use shared::keys::CannotOpen;
use tests::{
    archive, database,
    keys::{self, PAST_THE_CONFIRMATION},
    stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::World,
};

use super::restores::{backup, outcome, replace, workspaces};

/// A workspace whose job shows a credential to a world.
pub(super) async fn trusted(stack: &Stack, world: &World, secret: &str) -> (Tenant, Value, Value) {
    let tenant = tenant::new(stack).await;
    let by = &tenant.administrator;
    let vault = work::vault(by, "secrets").await;
    work::credential(by, &vault, "token", secret).await;
    let body = json!({
        "name": "platform", "kind": "http", "settings": { "base_url": world.url(), "auth": { "type": "bearer" } },
        "credential": { "vault": "secrets", "name": "token" },
    });
    by.post("/connections", &body).await.expect(201);
    let job = work::job(by, "job", &work::chain("platform", 1)).await;
    (tenant, vault, job)
}

/// Runs the job; what the world was shown.
pub(super) async fn shown(tenant: &Tenant, job: &Value, world: &World) -> String {
    let run = work::run(&tenant.operator, job).await;
    work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
    world.ledger().last().expect("a request").headers["authorization"].clone()
}

/// What is sealed, as `(version, text)` by name.
pub(super) async fn opened(stack: &Stack, tenant: &Tenant) -> BTreeMap<String, (i32, String)> {
    let all = keys::credentials(stack, tenant).await;
    all.into_iter().map(|(name, (version, text))| (name, (version, text.expect("it opens")))).collect()
}

#[test]
fn everything_is_sealed_anew_under_a_new_version_and_nobody_else_is_touched() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let (world, elsewhere) = (World::at_once(), World::at_once());
        let (other, ..) = trusted(&stack, &elsewhere, "theirs").await;
        let (tenant, vault, job) = trusted(&stack, &world, "before").await;
        let by = &tenant.administrator;
        for number in 0..250 {
            work::credential(by, &vault, &format!("c{number}"), &format!("secret {number}")).await;
        }
        stack.order(json!({ "do": "gather_evidence" })).await.expect("the canaries are there");
        let others = workspaces(&stack, &[&tenant.schema]).await;
        assert!(others.contains_key(&other.schema));
        let their_keys = keys::versions(&stack, &other).await;
        let key = work::fresh("rotation");
        let ask = async || {
            let request = by.request(reqwest::Method::POST, "/workspace/rotations").json(&json!({}));
            let answer = request.header("idempotency-key", &key).send().await.expect("an answer");
            (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
        };
        let (status, asked) = ask().await;
        assert_eq!((status, &asked["kind"]), (202, &json!("rotation")), "{asked:#}");
        by.post("/workspace/rotations", &json!({})).await.problem(409, "operation_open");
        assert_eq!(ask().await, (202, asked.clone()), "the same key: the same answer");
        tenant.operator.post("/workspace/rotations", &json!({})).await.problem(403, "forbidden");
        by.post("/workspace/rotations", &json!({ "version": 7 })).await.expect(400);

        let ended = keys::rotated(&stack, by, &asked).await;
        let came_to = json!({ "key_version": 2, "resealed": 251, "unreadable": 0, "versions_destroyed": 1, "versions_kept": 0 });
        assert_eq!((&ended["state"], &ended["result"]), (&json!("succeeded"), &came_to), "{ended:#}");
        let all = opened(&stack, &tenant).await;
        assert_eq!(all.len(), 251);
        assert!(all.values().all(|(version, _)| *version == 2));
        assert_eq!((all["token"].1.as_str(), all["c17"].1.as_str()), ("before", "secret 17"));
        assert_eq!(shown(&tenant, &job, &world).await, "Bearer before");
        assert_eq!(keys::versions(&stack, &tenant).await, [2]);
        assert_eq!(workspaces(&stack, &[&tenant.schema]).await, others);
        assert_eq!(keys::versions(&stack, &other).await, their_keys);
        let audit = work::all(by, "/audit").await;
        assert_eq!(audit.iter().filter(|row| row["action"] == "keys.rotate").count(), 1);
        stack.stop().await;
    });
}

#[test]
fn a_credential_whose_key_is_gone_says_so_and_is_passed_over() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, vault, job) = trusted(&stack, &world, "before").await;
        let by = &tenant.administrator;
        let client = database::superuser(&stack).await;
        let age = format!("update \"{}\".credentials set key_version = 0", tenant.schema);
        client.execute(&age, &[]).await.expect("as if its key were destroyed");
        let run = work::run(&tenant.operator, &job).await;
        let seen = work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
        let said = "version 0 of the workspace's keys is gone; store it again";
        assert!(seen.to_string().contains(said), "{seen:#}");
        work::credential(by, &vault, "good", "good").await;
        let ended = keys::rotate(&stack, by).await;
        assert_eq!(
            (&ended["result"]["resealed"], &ended["result"]["unreadable"]),
            (&json!(1), &json!(1)),
            "{ended:#}"
        );
        assert_eq!(keys::credentials(&stack, &tenant).await["token"], (0, Err(CannotOpen::NoKey(0))));
        work::credential(by, &vault, "token", "stored again").await;
        assert_eq!(shown(&tenant, &job, &world).await, "Bearer stored again");
        stack.stop().await;
    });
}

#[test]
fn old_versions_live_as_long_as_the_backups_that_need_them() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, vault, job) = trusted(&stack, &world, "of the backup").await;
        let kept = backup(&tenant).await;
        let by = &tenant.administrator;
        work::credential(by, &vault, "token", "since").await;
        let ended = keys::rotate(&stack, by).await;
        assert_eq!(
            (&ended["result"]["versions_destroyed"], &ended["result"]["versions_kept"]),
            (&json!(0), &json!(1))
        );
        assert_eq!(keys::versions(&stack, &tenant).await, [1, 2], "the backup is sealed under the first");
        let sandbox = json!({ "backup_id": kept["id"], "into": "sandbox" });
        archive::done(by, "/workspace/restores", &sandbox).await;

        archive::done(by, "/workspace/suspend", &json!({})).await;
        let tenant = replace(&stack, &tenant, &kept).await;
        let by = &tenant.administrator;
        let all = opened(&stack, &tenant).await;
        assert_eq!(all["token"], (2, "of the backup".to_owned()), "what came back is under the newest key");
        by.post("/workspace/reactivate", &json!({})).await.expect(200);
        assert_eq!(shown(&tenant, &job, &world).await, "Bearer of the backup");
        for backup in work::all(by, "/workspace/backups").await {
            assert!(keys::versions(&stack, &tenant).await.contains(&1), "a backup still needs it");
            let asked = by.delete(&format!("/workspace/backups/{}", work::id(&backup))).await.expect(202);
            archive::wait(by, &asked).await;
        }
        assert_eq!(keys::versions(&stack, &tenant).await, [2], "with the last backup the key went");
        assert_eq!(shown(&tenant, &job, &world).await, "Bearer of the backup");
        stack.stop().await;
    });
}

#[test]
fn a_rotation_goes_on_beside_a_suspension_and_a_deletions_grace_and_waits_for_a_restore() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, ..) = trusted(&stack, &world, "secret").await;
        let by = &tenant.administrator;
        archive::done(by, "/workspace/suspend", &json!({})).await;
        assert_eq!(keys::rotate(&stack, by).await["state"], "succeeded");
        let name = by.get("/workspace").await.expect(200)["name"].clone();
        by.post("/workspace/deletion", &json!({ "name": name, "grace_s": 86_400 })).await.expect(202);
        assert_eq!(keys::rotate(&stack, by).await["result"]["key_version"], 3);
        by.delete("/workspace/deletion").await.expect(200);

        let kept = backup(&tenant).await;
        let gate = tests::steps::Gate::at_record(&stack, "restore", "settle").await;
        let body = json!({ "backup_id": kept["id"], "into": "replace" });
        let restore = by.post("/workspace/restores", &body).await.expect(202);
        work::until("the restore is held", SOON, async || gate.is_reached().await).await;
        let asked = by.post("/workspace/rotations", &json!({})).await.expect(202);
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        let ask = "select step from system.operations where id = $1::text::uuid";
        let client = database::superuser(&stack).await;
        let step: String = client.query_one(ask, &[&work::id(&asked)]).await.expect("it is there").get(0);
        assert_eq!(step, "start", "it waits for the restore");
        gate.open().await;
        assert_eq!(outcome(&stack, &restore).await.0, "succeeded");
        let step = async || {
            client.query_one(ask, &[&work::id(&asked)]).await.expect("it is there").get::<_, String>(0)
        };
        work::until("it goes on", SOON, async || {
            stack.advance(Duration::from_secs(5)).await.expect("time passes");
            stack.order(json!({ "do": "operate" })).await.expect("the steward works");
            step().await == "confirm"
        })
        .await;
        stack.advance(PAST_THE_CONFIRMATION).await.expect("time passes");
        assert_eq!(outcome(&stack, &asked).await.0, "succeeded");
        let tenant = super::restores::again(&stack, &tenant).await;
        assert_eq!(opened(&stack, &tenant).await["token"], (4, "secret".to_owned()));
        stack.stop().await;
    });
}

#[test]
fn a_workspace_has_no_more_versions_than_it_may() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let tenant = tenant::new(&stack).await;
        let by = &tenant.administrator;
        backup(&tenant).await;
        let client = database::superuser(&stack).await;
        // Kept for the backup: retired after it was made.
        let fill = "insert into system.tenant_keys (tenant_id, version, salt, created_at, retired_at)
                    select $1, n, sha256(n::text::bytea), system.now(), system.now() from generate_series(2, 19) n";
        client.execute(fill, &[&tenant.id]).await.expect("versions");
        assert_eq!(keys::rotate(&stack, by).await["result"]["key_version"], 20, "at the limit");
        let refused = archive::ended(by, "/workspace/rotations", &json!({})).await;
        assert_eq!(refused["state"], "failed", "one past it");
        let said = "20 versions of the keys are kept for backups; delete backups first";
        assert_eq!(refused["error"], said);
        assert_eq!(keys::versions(&stack, &tenant).await.len(), 20);
        stack.stop().await;
    });
}
