//! Archives that are not what they say: each is refused with a reason, and everything is as it was. And what destroying the
//! salts means for a backup.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use local::stack::Stack;
use serde_json::{Value, json};
use shared::{
    archive::{manifest::Hash, sealed::Part},
    keys::{Salt, TenantKeys},
    model::ids::{OperationId, TenantId},
    secrets::KeyRing,
    signing::{Purpose, Signing},
};
use tests::{archive, database, keys, stack, tenant::Tenant, work, world::World};

use super::restores::{backup, filled, workspaces};

/// What we could do if we had stolen the root key: only then can a manifest be signed.
struct Forger {
    root: KeyRing,
    salts: Vec<Salt>,
    shelf: PathBuf,
}

impl Forger {
    async fn new(stack: &Stack, tenant: &Tenant, made: &Value) -> Self {
        let (root, salts) = (keys::ring(stack).await, keys::salts(stack, tenant.id).await);
        Self { root, salts, shelf: archive::shelf(stack, tenant.id, "backup", made) }
    }

    fn manifest(&self) -> Value {
        serde_json::from_slice(&fs::read(self.shelf.join("manifest.json")).expect("read")).expect("JSON")
    }

    fn sign(&self, manifest: &Value) {
        let bytes = serde_json::to_vec(manifest).expect("JSON");
        let signature = Signing::new(self.root.clone()).sign(Purpose::Manifest, &bytes).expect("signed");
        fs::write(self.shelf.join("manifest.json"), bytes).expect("written");
        fs::write(self.shelf.join("manifest.sig"), serde_json::to_vec(&signature).expect("JSON"))
            .expect("written");
    }

    /// The one part with other lines, and a manifest that says so.
    fn reseal(&self, change: impl FnOnce(String) -> String) {
        let mut manifest = self.manifest();
        let keys = TenantKeys::for_backups(self.root.clone(), self.salts.clone());
        let tenant: TenantId = serde_json::from_value(manifest["tenant_id"].clone()).expect("an id");
        let backup: OperationId = serde_json::from_value(manifest["id"].clone()).expect("an id");
        let part = Part { tenant, backup, number: 1, is_last: true };
        let file = self.shelf.join(part.name());
        let lines = part.open(&keys, 1, &fs::read(&file).expect("read")).expect("it opens");
        let lines = change(String::from_utf8(lines).expect("text"));
        let (_, sealed) = part.seal(&keys, lines.as_bytes()).expect("sealed");
        manifest["files"][0]["sha256"] = Hash::of(&sealed).into();
        manifest["files"][0]["bytes"] = sealed.len().into();
        fs::write(&file, sealed).expect("written");
        self.sign(&manifest);
    }
}

fn copy(files: &[(PathBuf, Vec<u8>)]) {
    for (path, bytes) in files {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("written");
    }
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).expect("written");
}

/// What must stay: every workspace's rows but the log of the requests themselves, and the list of schemas.
pub(super) async fn state(stack: &Stack) -> BTreeMap<String, BTreeMap<String, String>> {
    let client = database::superuser(stack).await;
    let mut all = workspaces(stack, &[]).await;
    for tables in all.values_mut() {
        tables.retain(|table, _| !["audit", "idempotency_keys"].contains(&table.as_str()));
    }
    let ask = "select n.nspname::text from pg_namespace n where n.nspname like 't\\_%'
               and not exists (select from system.tenants t where t.schema_name = n.nspname)
               union all select r.rolname::text from pg_roles r where r.rolname like 't\\_%'
               and not exists (select from system.tenants t where t.role_name = r.rolname)
               union all select 'tenant ' || id::text from system.tenants where state = 'provisioning'";
    let left = client.query(ask, &[]).await.expect("the catalog");
    all.insert("left behind".to_owned(), left.iter().map(|row| (row.get(0), String::new())).collect());
    all
}

type Attempt = (&'static str, &'static str, Box<dyn Fn(&Forger)>);

/// Changes what a manifest says, and signs it.
fn edit(change: impl Fn(&mut Value) + 'static) -> Box<dyn Fn(&Forger)> {
    Box::new(move |forger| {
        let mut manifest = forger.manifest();
        change(&mut manifest);
        forger.sign(&manifest);
    })
}

/// Files that were changed or taken away.
fn damaged() -> Vec<Attempt> {
    vec![
        ("a bit of a part", "is not what its manifest says", Box::new(|f| flip(&f.shelf.join("part-0001")))),
        ("a bit of the manifest", "was not signed by us", Box::new(|f| flip(&f.shelf.join("manifest.json")))),
        (
            "a part is gone",
            "is missing",
            Box::new(|f| fs::remove_file(f.shelf.join("part-0001")).expect("removed")),
        ),
        (
            "the manifest is gone",
            "has no manifest",
            Box::new(|f| fs::remove_file(f.shelf.join("manifest.json")).expect("removed")),
        ),
        (
            "a cut part, hashed and signed again",
            "cannot be opened",
            Box::new(|f| {
                let file = f.shelf.join("part-0001");
                let bytes = fs::read(&file).expect("read");
                let cut = &bytes[..bytes.len() - 20];
                fs::write(&file, cut).expect("written");
                let mut manifest = f.manifest();
                manifest["files"][0]["sha256"] = Hash::of(cut).into();
                f.sign(&manifest);
            }),
        ),
    ]
}

/// Manifests that say what we never say.
fn forged_manifests() -> Vec<Attempt> {
    vec![
        (
            "a part more, signed again: the first was the last",
            "cannot be opened",
            edit(|m| {
                let more = m["files"][0].clone();
                m["files"].as_array_mut().expect("files").push(more);
            }),
        ),
        ("a newer version", "which we do not know", edit(|m| m["schema_version"] = json!(4_711))),
        ("another format", "another format", edit(|m| m["format"] = json!(2))),
        (
            "another workspace",
            "of another workspace",
            edit(|m| m["tenant_id"] = json!(tests::tenant::random_id())),
        ),
        ("another backup", "another archive", edit(|m| m["id"] = json!(tests::tenant::random_id()))),
        (
            "an unknown table",
            "not those of its version",
            edit(|m| m["tables"][0]["name"] = json!("schema_migrations")),
        ),
        (
            "SQL as a table",
            "not those of its version",
            edit(|m| m["tables"][0]["name"] = json!("vaults; drop table jobs")),
        ),
        (
            "SQL as a column",
            "not those of its version",
            edit(|m| m["tables"][0]["columns"][0] = json!("id) select 1; --")),
        ),
    ]
}

/// Rows that we never wrote, sealed and signed.
fn forged_rows() -> Vec<Attempt> {
    vec![
        (
            "SQL as a row",
            "rows of vaults were refused",
            Box::new(|f| {
                f.reseal(|lines| lines.replacen("#vaults\n", "#vaults\n'); drop table jobs; --\n", 1))
            }),
        ),
        (
            "a row more than its manifest counts",
            "came back as something else",
            Box::new(|f| {
                f.reseal(|lines| {
                    let row = lines.lines().nth(1).expect("a vault").replace("\"vault\"", "\"planted\"");
                    let row = row.replacen("\"id\":\"0", "\"id\":\"1", 1);
                    lines.replacen("#vaults\n", &format!("#vaults\n{row}\n"), 1)
                });
            }),
        ),
        (
            "a row with another workspace's id, and a column we do not know",
            "came back as something else",
            Box::new(|f| {
                f.reseal(|lines| {
                    lines
                        .replacen(
                            "{\"id\":",
                            &format!(
                                "{{\"tenant_id\":\"{}\",\"x\":1,\"name\":\"y\",\"id\":",
                                tests::tenant::random_id()
                            ),
                            1,
                        )
                        .replacen("\"name\":\"vault\"", "\"name\":\"other\"", 1)
                });
            }),
        ),
    ]
}

#[test]
fn an_archive_that_is_not_what_it_says_is_refused_and_nothing_has_changed() {
    let test = async {
        let stack = stack::own(|_| ()).await;
        let world = World::at_once();
        let (tenant, _) = filled(&stack, &world).await;
        let (other, _) = filled(&stack, &world).await;
        let (kept, foreign) = (backup(&tenant).await, backup(&other).await);
        let forger = Forger::new(&stack, &tenant, &kept).await;
        let before = archive::files(&forger.shelf);
        let theirs = archive::files(&archive::shelf(&stack, other.id, "backup", &foreign));
        let by = &tenant.administrator;
        archive::done(by, "/workspace/suspend", &json!({})).await;
        // The canaries are made by the first tick that looks for them: here, before anything is compared.
        stack.order(json!({ "do": "gather_evidence" })).await.expect("the canaries are there");
        let unchanged = state(&stack).await;
        let copied: Attempt = (
            "the files of another workspace's backup",
            "of another workspace",
            Box::new(move |forger| {
                for (path, bytes) in &theirs {
                    fs::write(forger.shelf.join(path.file_name().expect("a name")), bytes).expect("written");
                }
            }),
        );
        let mut tried = 0;
        for (name, reason, damage) in
            damaged().into_iter().chain(forged_manifests()).chain(forged_rows()).chain([copied])
        {
            for into in ["sandbox", "replace"] {
                damage(&forger);
                let body = json!({ "backup_id": kept["id"], "into": into });
                let ended = archive::ended(by, "/workspace/restores", &body).await;
                assert_eq!(ended["state"], "failed", "{name}: {ended:#}");
                let said = ended["error"].as_str().unwrap_or_default();
                assert!(said.contains("cannot be restored") && said.contains(reason), "{name}: {said}");
                assert_eq!(state(&stack).await, unchanged, "{name} into {into}");
                copy(&before);
                tried += 1;
            }
        }
        eprintln!("{tried} archives were refused");
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        archive::done(by, "/workspace/restores", &body).await;
        stack.stop().await;
    };
    stack::run(test);
}

#[test]
fn without_the_salts_no_backup_of_a_workspace_opens() {
    stack::with(async |stack| {
        let world = World::at_once();
        let (tenant, _) = filled(stack, &world).await;
        let by = &tenant.administrator;
        let kept = backup(&tenant).await;
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let client = database::superuser(stack).await;
        let take = "delete from system.tenant_keys where tenant_id = $1 returning version, salt, created_at";
        let salts = client.query(take, &[&tenant.id]).await.expect("destroyed");
        let ended = archive::ended(by, "/workspace/restores", &body).await;
        assert_eq!(ended["state"], "failed", "{ended:#}");
        assert!(ended["error"].as_str().is_some_and(|said| said.contains("cannot be opened")), "{ended:#}");
        // Had somebody kept them, it would open: it is the salts that are missing, and nothing else.
        for row in salts {
            let (version, salt): (i32, Vec<u8>) = (row.get(0), row.get(1));
            let put = "insert into system.tenant_keys (tenant_id, version, salt, created_at) values ($1, $2, $3, now())";
            client.execute(put, &[&tenant.id, &version, &salt]).await.expect("put back");
        }
        let made = archive::done(by, "/workspace/restores", &body).await;
        assert!(made["result"]["workspace_id"].is_string());
        assert_eq!(work::all(by, "/vaults").await.len(), 1);
    });
}
