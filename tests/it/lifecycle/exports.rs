//! Exports: everything that is held, nothing that is secret, checked without a server, and for nobody else.

use std::fs;
use std::path::Path;
use std::time::Duration;

use local::verify;
use serde_json::{Value, json};
use shared::db::{
    migrate,
    tables::{Reading, TABLES, Table},
};
use tests::{
    archive, database, stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::World,
};

const SECRET: &str = "canary-of-an-export";

/// A workspace with something in most of its tables, a secret among it.
async fn filled(stack: &local::stack::Stack) -> (Tenant, World) {
    let (tenant, world) = (tenant::new(stack).await, World::at_once());
    let by = &tenant.administrator;
    let vault = work::vault(by, "vault").await;
    work::credential(by, &vault, "token", SECRET).await;
    let connection = json!({ "name": "platform", "kind": "http",
        "settings": { "base_url": world.url(), "auth": { "type": "bearer" } },
        "credential": { "vault": "vault", "name": "token" } });
    by.post("/connections", &connection).await.expect(201);
    let job = work::job(by, "job", &work::chain("platform", 2)).await;
    let run = work::run(&tenant.operator, &job).await;
    work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
    (tenant, world)
}

fn rows(folder: &Path, table: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(format!("{table}-0001.jsonl"))).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn an_export_holds_everything_but_secrets_and_is_verified_offline() {
    stack::with(async |stack| {
        let (tenant, _world) = filled(stack).await;
        let by = &tenant.administrator;
        let export = archive::done(by, "/workspace/exports", &json!({})).await;
        let (folder, keys) = archive::fetch(by, &export).await;
        let checked = verify::export::export(&folder, &keys).expect("it holds");
        assert_eq!(checked.tenant, tenant.id.to_string());

        let client = database::superuser(stack).await;
        for table in Table::all(migrate::tenant_version(), Reading::Export) {
            // Fetching it is recorded, and answers are kept, after the snapshot.
            if !["audit", "idempotency_keys"].contains(&table.name) {
                let ask = format!("select count(*) from \"{}\".{}", tenant.schema, table.name);
                let held: i64 = client.query_one(&ask, &[]).await.expect("a count").get(0);
                assert_eq!(rows(&folder, table.name).len() as i64, held, "{}", table.name);
            }
        }
        assert_eq!(rows(&folder, "task_runs").len(), 2);
        assert_eq!(rows(&folder, "memberships").len(), 2);
        assert_eq!(rows(&folder, "workspace")[0]["id"], tenant.id.to_string());
        let credential = &rows(&folder, "credentials")[0];
        assert_eq!((&credential["name"], credential.get("sealed")), (&json!("token"), None));

        let ask = format!(
            "select sealed, (select salt from system.tenant_keys where tenant_id = $1) from \"{}\".credentials",
            tenant.schema
        );
        let row = client.query_one(&ask, &[&tenant.id]).await.expect("the sealed credential");
        let hex = |bytes: Vec<u8>| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let secrets = [SECRET.to_owned(), hex(row.get(0)), hex(row.get(1))];
        for (path, bytes) in archive::files(&folder) {
            let text = String::from_utf8_lossy(&bytes);
            for secret in &secrets {
                assert!(!text.contains(secret.as_str()), "{} holds a secret", path.display());
            }
        }
    });
}

#[test]
fn the_verifier_notices_whatever_is_changed_cut_added_or_signed_by_another() {
    stack::with(async |stack| {
        let (tenant, _world) = filled(stack).await;
        let by = &tenant.administrator;
        let export = archive::done(by, "/workspace/exports", &json!({})).await;
        let (folder, keys) = archive::fetch(by, &export).await;
        let mut tried = 0;
        for (path, bytes) in archive::files(&folder) {
            let mut bent = bytes.clone();
            bent[bytes.len() / 2] ^= 1;
            for wrong in [&bent[..], &bytes[..bytes.len() - 1], &[&bytes[..], &bytes[..]].concat()] {
                fs::write(&path, wrong).expect("written");
                assert!(verify::export::export(&folder, &keys).is_err(), "{}", path.display());
                tried += 1;
            }
            fs::remove_file(&path).expect("removed");
            assert!(verify::export::export(&folder, &keys).is_err(), "{} is gone", path.display());
            fs::write(&path, bytes).expect("written");
        }
        fs::write(folder.join("more.jsonl"), "{}\n").expect("written");
        assert!(verify::export::export(&folder, &keys).is_err(), "a file more");
        fs::remove_file(folder.join("more.jsonl")).expect("removed");
        let held = fs::read_to_string(&keys).expect("the keys");
        fs::write(&keys, held.replacen("public_key\":\"", "public_key\":\"A", 1)).expect("written");
        assert!(verify::export::export(&folder, &keys).is_err(), "another key");
        fs::write(&keys, held).expect("written");
        verify::export::export(&folder, &keys).expect("it holds again");
        assert!(tried > 30, "{tried}");
    });
}

#[test]
fn an_export_is_for_the_administrators_of_its_workspace_and_what_they_fetch_is_recorded() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let export = archive::done(&tenant.administrator, "/workspace/exports", &json!({})).await;
        tenant.operator.post("/workspace/exports", &json!({})).await.problem(403, "forbidden");
        archive::file(&tenant.operator, &export, "manifest.json").await.problem(403, "forbidden");
        archive::file(&other.administrator, &export, "manifest.json").await.problem(404, "not_found");
        for name in ["nothing.jsonl", "..%2F..%2Fbackup%2Fx", "manifest.jso", "Manifest.json"] {
            archive::file(&tenant.administrator, &export, name).await.problem(404, "not_found");
        }
        archive::file(&tenant.administrator, &export, "manifest.json").await.expect(200);
        let recorded = work::all(&tenant.administrator, "/audit").await;
        let read = recorded.iter().filter(|entry| entry["action"] == "export.read").count();
        assert_eq!(read, 1);
    });
}

#[test]
fn an_export_is_taken_of_a_suspended_workspace_and_expires() {
    let test = async {
        let stack = stack::own(|_| ()).await;
        let tenant = tenant::new(&stack).await;
        let by = &tenant.administrator;
        archive::done(by, "/workspace/suspend", &json!({})).await;
        let export = archive::done(by, "/workspace/exports", &json!({})).await;
        let shelf = archive::shelf(&stack, tenant.id, "export", &export);
        assert!(!archive::files(&shelf).is_empty());
        stack.advance(Duration::from_secs(8 * 24 * 3600)).await.expect("time passes");
        stack.cloud().tick_now("steward").await.expect("a tick");
        work::until("it has expired", SOON, async || archive::files(&shelf).is_empty()).await;
        let by = tenant::signed_in(&stack, &tenant.administrator_account).await;
        archive::file(&by, &export, "manifest.json").await.problem(404, "not_found");
        let shown = by.get(&format!("/workspace/exports/{}", work::id(&export))).await.expect(200);
        assert!(shown["result"]["purged_at"].is_string(), "{shown:#}");
        stack.stop().await;
    };
    stack::run(test);
}

#[test]
fn no_table_and_no_column_of_a_workspace_is_forgotten() {
    stack::with(async |stack| {
        let tenant = tenant::Workspace::claim(stack).await;
        let client = database::superuser(stack).await;
        let ask = "select c.relname::text, array_agg(a.attname::text order by a.attname) from pg_class c
                   join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                   where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'schema_migrations'
                   group by c.relname order by c.relname";
        let catalog = client.query(ask, &[&tenant.schema]).await.expect("the catalog");
        let catalog: Vec<(String, Vec<String>)> =
            catalog.iter().map(|row| (row.get(0), row.get(1))).collect();
        let mut listed: Vec<(String, Vec<String>)> = TABLES
            .iter()
            .map(|table| {
                let columns = table.columns(migrate::tenant_version(), Reading::Backup);
                let mut columns: Vec<String> =
                    columns.iter().chain(&["tenant_id"]).map(ToString::to_string).collect();
                columns.sort();
                (table.name.to_owned(), columns)
            })
            .collect();
        listed.sort();
        assert_eq!(listed, catalog, "shared/src/db/tables.rs lists every table and column");

        let ask = "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
                   where c.relnamespace = 'system'::regnamespace and c.relkind in ('r', 'p')
                     and not exists (select from system.exported_tables e where e.name = c.relname)";
        let forgotten = client.query(ask, &[]).await.expect("the catalog");
        let forgotten: Vec<String> = forgotten.iter().map(|row| row.get(0)).collect();
        assert_eq!(
            forgotten,
            Vec::<String>::new(),
            "system.exported_tables says what an export reads of every table"
        );
    });
}
