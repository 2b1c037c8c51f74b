//! The steward is killed with signal 9 at each step of an export, a backup and their end: another one takes it over, and there is
//! one archive, whole, and no object beside it.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join;
use local::{stack::Stack, verify};
use serde_json::{Value, json};
use shared::archive::manifest::Hash;
use tests::{
    archive, database, stack,
    steps::{Gate, PAST_THE_LEASE},
    tenant::Tenant,
    work::{self, SOON},
    world::World,
};

use super::restores::{filled, outcome};

/// Every object of a workspace, by its path below its kind.
fn objects(stack: &Stack, tenant: &Tenant, kind: &str) -> BTreeSet<String> {
    let folder = stack.data_dir().join("archive").join(tenant.id.to_string()).join(kind);
    let below = |path: &std::path::Path| {
        path.strip_prefix(&folder).expect("it is below").to_string_lossy().into_owned()
    };
    archive::files(&folder).iter().map(|(path, _)| below(path)).collect()
}

/// What its manifest says an archive consists of, each object with the bytes it should have.
fn told(stack: &Stack, tenant: &Tenant, kind: &str, made: &Value) -> BTreeSet<String> {
    let shelf = archive::shelf(stack, tenant.id, kind, made);
    let manifest = std::fs::read(shelf.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let mut all: BTreeSet<String> = ["manifest.json", "manifest.sig"].map(str::to_owned).into();
    for file in manifest["files"].as_array().expect("files") {
        let name = file["name"].as_str().expect("a name");
        let bytes = std::fs::read(shelf.join(name)).expect("an object");
        assert_eq!(file["sha256"], json!(Hash::of(&bytes)), "{name}");
        all.insert(name.to_owned());
    }
    all.iter().map(|name| format!("{}/{name}", work::id(made))).collect()
}

/// Asks for an archive and kills the steward as it writes: it waits for a table that is read late.
async fn killed_as_it_reads(stack: &Stack, tenant: &Tenant, path: &str) -> Value {
    stack.cloud().pause_queue("provision", true).expect("a queue");
    let asked = tenant.administrator.post(path, &json!({})).await.expect(202);
    let (holder, watching) = (database::superuser(stack).await, database::superuser(stack).await);
    let lock = format!("begin; lock table \"{}\".audit in access exclusive mode", tenant.schema);
    holder.batch_execute(&lock).await.expect("a lock");
    let waits = format!(
        "select exists (select from pg_locks where relation = '\"{}\".audit'::regclass and not granted)",
        tenant.schema
    );
    let kill = async {
        work::until("the steward reads", SOON, async || {
            watching.query_one(&waits, &[]).await.expect("the locks").get(0)
        })
        .await;
        assert!(stack.cloud().kill("steward").await.expect("a function") > 0);
        holder.batch_execute("commit").await.expect("the lock is gone");
    };
    let _ = join(stack.order(json!({ "do": "operate" })), kill).await;
    stack.cloud().pause_queue("provision", false).expect("a queue");
    asked
}

/// Somebody else does the rest. Says what came of it; the steward has taken it on twice, no more.
async fn taken_over(stack: &Stack, asked: &Value, at: &str) {
    stack.advance(PAST_THE_LEASE).await.expect("time passes");
    stack.cloud().tick_now("steward").await.expect("a tick");
    let (state, error, _) = outcome(stack, asked).await;
    assert_eq!(state, "succeeded", "killed at {at}: {error:?}");
    let ask = "select epoch from system.operations where id = $1::text::uuid";
    let client = database::superuser(stack).await;
    let taken: i32 = client.query_one(ask, &[&work::id(asked)]).await.expect("it").get(0);
    assert_eq!(taken, 2, "killed at {at}");
}

/// How many ends are planned of an archive, and whether they are over.
async fn ends(stack: &Stack, made: &Value) -> (i64, i64) {
    let ask = "select count(*), count(finished_at) from system.operations where kind = 'expiry' and request ->> 'id' = $1";
    let row = database::superuser(stack).await.query_one(ask, &[&work::id(made)]).await.expect("a count");
    (row.get(0), row.get(1))
}

/// Where the steward is killed as it makes an archive.
const MAKING: [&str; 4] = ["as it reads", "expire", "as the end is planned", "end"];

async fn made(stack: &Stack, tenant: &Tenant, kind: &str, at: &str) -> Value {
    let path = format!("/workspace/{kind}s");
    let gate = match at {
        "as it reads" => {
            let asked = killed_as_it_reads(stack, tenant, &path).await;
            taken_over(stack, &asked, at).await;
            return asked;
        }
        "as the end is planned" => Gate::on_plan(stack).await,
        step => Gate::at_record(stack, kind, step).await,
    };
    let asked = tenant.administrator.post(&path, &json!({})).await.expect(202);
    gate.kill_the_steward(stack).await;
    taken_over(stack, &asked, at).await;
    asked
}

#[test]
fn an_export_whose_steward_is_killed_anywhere_is_written_once_and_whole() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, _) = filled(&stack, &world).await;
        let mut all = BTreeSet::new();
        for at in MAKING {
            let export = made(&stack, &tenant, "export", at).await;
            all.extend(told(&stack, &tenant, "export", &export));
            assert_eq!(objects(&stack, &tenant, "export"), all, "killed at {at}");
            assert_eq!(ends(&stack, &export).await, (1, 0), "killed at {at}");
            let (folder, keys) = archive::fetch(&tenant.administrator, &export).await;
            verify::export::export(&folder, &keys).expect("it holds");
        }
        stack.stop().await;
    });
}

#[test]
fn a_backup_whose_steward_is_killed_anywhere_is_written_once_and_opens() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, _) = filled(&stack, &world).await;
        let by = &tenant.administrator;
        let mut all = BTreeSet::new();
        for at in MAKING {
            let backup = made(&stack, &tenant, "backup", at).await;
            all.extend(told(&stack, &tenant, "backup", &backup));
            assert_eq!(objects(&stack, &tenant, "backup"), all, "killed at {at}");
            assert_eq!(ends(&stack, &backup).await, (1, 0), "killed at {at}");
            let body = json!({ "backup_id": backup["id"], "into": "sandbox" });
            archive::done(by, "/workspace/restores", &body).await;
        }
        stack.stop().await;
    });
}

#[test]
fn the_end_of_an_archive_whose_steward_is_killed_leaves_none_of_it_and_all_of_the_others() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, _) = filled(&stack, &world).await;
        let by = &tenant.administrator;
        let kept = archive::done(by, "/workspace/backups", &json!({})).await;
        let others = objects(&stack, &tenant, "backup");
        for at in ["its mark", "end"] {
            let backup = archive::done(by, "/workspace/backups", &json!({})).await;
            // The mark changes the finished backup's row, so it is a record of that one's end.
            let gate = Gate::at_record(&stack, if at == "end" { "expiry" } else { "backup" }, "end").await;
            let path = format!("/workspace/backups/{}", work::id(&backup));
            let asked = by.delete(&path).await.expect(202);
            gate.kill_the_steward(&stack).await;
            taken_over(&stack, &asked, at).await;
            assert_eq!(objects(&stack, &tenant, "backup"), others, "killed at {at}");
            let shown = by.get(&path).await.expect(200);
            assert!(shown["result"]["purged_at"].is_string(), "killed at {at}: {shown:#}");
        }
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        archive::done(by, "/workspace/restores", &body).await;

        // And the end that was planned as an export was made.
        let export = archive::done(by, "/workspace/exports", &json!({})).await;
        let gate = Gate::at_record(&stack, "export", "end").await;
        stack.advance(Duration::from_secs(8 * 24 * 3600)).await.expect("time passes");
        let order = stack.order(json!({ "do": "operate" }));
        let (_, ()) = join(order, gate.kill_the_steward(&stack)).await;
        stack.advance(PAST_THE_LEASE).await.expect("time passes");
        work::until("its end is over", SOON, async || {
            stack.order(json!({ "do": "operate" })).await.expect("the steward works");
            ends(&stack, &export).await == (1, 1)
        })
        .await;
        assert_eq!(objects(&stack, &tenant, "export"), BTreeSet::new());
        assert_eq!(objects(&stack, &tenant, "backup"), others);
        stack.stop().await;
    });
}
