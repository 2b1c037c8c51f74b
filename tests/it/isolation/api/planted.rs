//! Two tenants with one of everything each, so that every id of one can be tried on the other.

use std::collections::BTreeMap;

use local::stack::Stack;
use serde_json::{Value, json};
use shared::{
    archive::{ArchiveKind, Shelf},
    model::role::Permission,
};
use tests::{
    caller::{Anonymous, Caller, Proof, send},
    database,
    tenant::{self, Placement, Tenant, random_id},
    work,
    world::World,
};

use super::document::Operation;

/// One of everything in a workspace.
pub(in crate::isolation) struct Planted {
    pub(in crate::isolation) tenant: Tenant,
    pub(in crate::isolation) placement: Placement,
    /// Whoever attempts anything: an Administrator, an Operator, a member with a role of the workspace's own that gives all that
    /// such a role can, a program with an API token that gives all that there is, and nobody.
    pub(in crate::isolation) members: Vec<Caller>,
    /// Ids by collection, as paths name them: `vaults`, `jobs`; and `credentials`, `versions` by their names.
    pub(in crate::isolation) ids: BTreeMap<&'static str, String>,
    /// Names by what refers to them: `connection`, `vault`.
    pub(in crate::isolation) names: BTreeMap<&'static str, String>,
    /// Idempotency keys that were used.
    pub(in crate::isolation) keys: Vec<String>,
    /// Ids of what was there and is not any more.
    pub(in crate::isolation) deleted: Vec<String>,
    pub(super) world: World,
}

/// Operations that act on the whole workspace: with a proper request they would end what other attempts need, so they are
/// attempted with what is not there, and never with a request that would be done. All that write below `/workspace` are.
const DESTRUCTIVE: [&str; 0] = [];

/// Whether an operation acts on the whole workspace.
pub(in crate::isolation) fn is_destructive(operation: &Operation) -> bool {
    let reads = operation.method == reqwest::Method::GET;
    !reads && (operation.path.starts_with("/workspace") || DESTRUCTIVE.contains(&operation.id.as_str()))
}

/// Tables of schema `system` whose rows of a workspace change though nobody does anything: sessions end, evidence is gathered,
/// what is due comes about, calls made before are counted (the generated calls look at those tables). Every other table that bears a tenant must stay as it was
/// while somebody else attempts what they can.
const BY_ITSELF: [&str; 6] =
    ["sessions", "isolation_evidence", "due", "usage", "rate_buckets", "tenant_metrics"];

/// What of two digests differs, for a failing test's message.
pub(in crate::isolation) fn changed(before: &[(String, String)], after: &[(String, String)]) -> String {
    let differs = before.iter().zip(after).filter(|(before, after)| before != after);
    let tables: Vec<&str> = differs.map(|((table, _), _)| table.as_str()).collect();
    if tables.is_empty() && before.len() == after.len() {
        return String::new();
    }
    format!("changed: {tables:?}. A table that changes by itself is named in BY_ITSELF, in api/planted.rs")
}

async fn members(stack: &Stack, tenant: &Tenant) -> Vec<Caller> {
    let by = &tenant.administrator;
    let all = Permission::ALL.iter().filter(|permission| permission.is_for_custom_roles());
    let role = json!({ "name": work::fresh("all"), "permissions": all.collect::<Vec<_>>() });
    let role = by.post("/roles", &role).await.expect(201);
    let account = tenant.directory.person(stack, "cyd");
    let member =
        json!({ "directory_id": account.directory_id, "object_id": account.object_id, "role": role["id"] });
    by.post("/users", &member).await.expect(201);
    let custom = tenant::signed_in(stack, &account).await;
    let token = json!({ "name": work::fresh("all"), "permissions": Permission::ALL });
    let token = by.post("/api-tokens", &token).await.expect(201);
    let program = by.with(Proof::Bearer(token["token"].as_str().expect("it is shown").to_owned()));
    let nobody = Anonymous::at(by.url()).0;
    vec![by.0.clone(), tenant.operator.0.clone(), custom, program, nobody]
}

impl Planted {
    pub(in crate::isolation) async fn new(stack: &Stack) -> Self {
        Self::new_in(stack, Placement::Schema).await
    }

    pub(in crate::isolation) async fn new_in(stack: &Stack, placement: Placement) -> Self {
        Self::of(stack, placement, tenant::new_in(stack, placement).await).await
    }

    /// The same workspace with one of everything planted anew, and room made for it.
    pub(in crate::isolation) async fn again(self, stack: &Stack) -> Self {
        let by = &self.tenant.administrator;
        for path in ["/api-tokens", "/invitations", "/roles"] {
            for id in work::all(by, path).await.iter().map(work::id) {
                // A role that somebody has, or that is built in, stays.
                by.delete(&format!("{path}/{id}")).await;
            }
        }
        Self::of(stack, self.placement, tenant::staffed(stack, self.tenant).await).await
    }

    async fn of(stack: &Stack, placement: Placement, tenant: Tenant) -> Self {
        let world = World::at_once();
        let (ids, names) = (BTreeMap::new(), BTreeMap::new());
        let members = members(stack, &tenant).await;
        let (keys, deleted) = (Vec::new(), Vec::new());
        let mut planted = Self { tenant, placement, members, ids, names, keys, deleted, world };
        planted.plant().await;
        planted.operate(stack).await;
        planted.plant_what_is_gone().await;
        planted
    }

    async fn plant(&mut self) {
        let by = &self.tenant.administrator;
        // Names that nobody else has, so that finding one means reaching across.
        let name = |what: &str| work::fresh(what);
        let vault = work::vault(by, &name("vault")).await;
        let credential = name("credential");
        work::credential(by, &vault, &credential, "secret").await;
        let profile = json!({ "name": name("profile"), "limit": 2 });
        let profile = by.post("/concurrency-profiles", &profile).await.expect(201);
        let connection = work::connection(by, &name("connection"), &self.world).await;
        let connection_name = connection["name"].as_str().expect("a name").to_owned();
        let job = work::job(by, &name("job"), &work::chain(&connection_name, 1)).await;
        let schedule =
            json!({ "name": name("schedule"), "job_id": job["id"], "cron": "0 6 1 1 *", "time_zone": "UTC" });
        let schedule = by.post("/schedules", &schedule).await.expect(201);
        let run = work::run(by, &job).await;
        // A run that has ended, so that what follows finds a workspace at rest.
        by.post(&format!("/runs/{}/cancel", work::id(&run)), &json!({})).await;
        by.post(&format!("/connections/{}/test", work::id(&connection)), &json!({})).await.expect(202);
        let role = json!({ "name": name("role"), "permissions": ["runs.read", "jobs.read"] });
        let role = by.post("/roles", &role).await.expect(201);
        let invitation = by.post("/invitations", &json!({ "role": role["id"] })).await.expect(201);
        // An Operator's own; Administrators reach it too.
        let token = json!({ "name": name("token"), "permissions": ["runs.read"] });
        let token = self.tenant.operator.post("/api-tokens", &token).await.expect(201);
        let users = work::all(by, "/users").await;
        let member = users.iter().find(|user| user["role"] == "operator").expect("an operator");
        let ids = [
            ("vaults", work::id(&vault)),
            ("credentials", credential),
            ("concurrency-profiles", work::id(&profile)),
            ("connections", work::id(&connection)),
            ("jobs", work::id(&job)),
            ("versions", "1".to_owned()),
            ("schedules", work::id(&schedule)),
            ("runs", work::id(&run)),
            ("users", work::id(member)),
            ("roles", work::id(&role)),
            ("invitations", work::id(&invitation)),
            ("api-tokens", work::id(&token)),
        ];
        let named = |thing: &Value| thing["name"].as_str().expect("a name").to_owned();
        let names = [
            ("vault", named(&vault)),
            ("connection", connection_name),
            ("profile", named(&profile)),
            ("job", named(&job)),
            ("schedule", named(&schedule)),
        ];
        (self.ids, self.names) = (ids.into(), names.into());
    }

    /// Things that are deleted again; one of them was made under an idempotency key.
    async fn plant_what_is_gone(&mut self) {
        let by = &self.tenant.administrator;
        let key = work::fresh("key");
        let body = json!({ "name": work::fresh("gone"), "kind": "managed" });
        let vault = by.request(reqwest::Method::POST, "/vaults").header("idempotency-key", &key).json(&body);
        let vault = send(vault).await.expect(201);
        let profile = json!({ "name": work::fresh("gone"), "limit": 1 });
        let profile = by.post("/concurrency-profiles", &profile).await.expect(201);
        let job = work::job(by, &work::fresh("gone"), &work::chain(&self.names["connection"], 1)).await;
        let user = json!({ "directory_id": random_id(), "object_id": random_id(), "role": "operator" });
        let user = by.post("/users", &user).await.expect(201);
        let role = json!({ "name": work::fresh("gone"), "permissions": ["runs.read"] });
        let role = by.post("/roles", &role).await.expect(201);
        let invitation = by.post("/invitations", &json!({ "role": "operator" })).await.expect(201);
        let token = json!({ "name": work::fresh("gone"), "permissions": ["runs.read"] });
        let token = by.post("/api-tokens", &token).await.expect(201);
        let made = [
            ("vaults", vault),
            ("concurrency-profiles", profile),
            ("jobs", job),
            ("users", user),
            ("roles", role),
            ("invitations", invitation),
            ("api-tokens", token),
        ];
        for (collection, thing) in made {
            let removed = by.delete(&format!("/{collection}/{}", work::id(&thing))).await;
            assert_eq!(removed.status, 204, "{}", removed.text());
            self.deleted.push(work::id(&thing));
        }
        self.keys.push(key);
    }

    /// Every id of this workspace and of its people.
    pub(in crate::isolation) fn every_id(&self) -> Vec<String> {
        let ids = self.ids.values().filter(|id| uuid::Uuid::parse_str(id).is_ok()).cloned();
        let people = [&self.tenant.administrator_account, &self.tenant.operator_account];
        let people = people.iter().map(|account| account.object_id.to_string());
        ids.chain(people).chain([self.tenant.id.to_string(), self.tenant.directory.id.to_string()]).collect()
    }

    /// Operations that have ended: an export and a backup that are kept, so that what keeps others from them is whose they are.
    async fn operate(&mut self, stack: &Stack) {
        let client = database::superuser_in(stack, self.tenant.database.as_deref()).await;
        let archive = database::archive(stack);
        let insert = "insert into system.operations (id, tenant_id, kind, exclusive, state, not_before, created_at, finished_at, result)
                      values ($1, $2, $3, false, $4, now(), now(), now(), '{\"files\": 1}')";
        let kinds = [
            ("operations", "suspend", "cancelled", None),
            ("exports", "export", "succeeded", Some(ArchiveKind::Export)),
            ("backups", "backup", "succeeded", Some(ArchiveKind::Backup)),
        ];
        for (collection, kind, state, kept) in kinds {
            let id = random_id();
            client.execute(insert, &[&id, &self.tenant.id, &kind, &state]).await.expect("an operation");
            self.ids.insert(collection, id.to_string());
            if let Some(kind) = kept {
                let shelf = Shelf { tenant: self.tenant.id.into(), kind, id: id.into() };
                let canary = self.tenant.id.to_string().into_bytes();
                archive.put(shelf, "manifest.json", canary).await.expect("the archive takes it");
            }
        }
        self.ids.insert("files", "manifest.json".to_owned());
    }

    /// What stands for an open part of a path.
    pub(in crate::isolation) fn part(&self, collection: &str, part: &str) -> &str {
        let planted = self.ids.get(collection);
        planted.unwrap_or_else(|| {
            panic!("{collection}/{{{part}}}: nothing of that is planted: make one in `plant` and put its id into `ids`")
        })
    }

    /// An operation's path with everything of this workspace.
    pub(in crate::isolation) fn path(&self, operation: &Operation) -> String {
        operation.parts().iter().fold(operation.path.clone(), |path, (collection, part)| {
            path.replacen(&format!("{{{part}}}"), self.part(collection, part), 1)
        })
    }

    /// Everything the workspace holds, as one digest; sign-ins and work that goes on by itself would change it.
    pub(in crate::isolation) async fn digest(&self, stack: &Stack) -> Vec<(String, String)> {
        let client = database::superuser_in(stack, self.tenant.database.as_deref()).await;
        // Seals follow by themselves, within a minute of whatever was written.
        let ask = "select tablename::text from pg_tables where schemaname = $1
                   and tablename not in ('schema_migrations', 'seals') order by 1";
        let tables = client.query(ask, &[&self.tenant.schema]).await.expect("the tables");
        let mut digest = Vec::new();
        for table in tables {
            let table: String = table.get(0);
            let ask = format!(
                "select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from \"{}\".{table} t where tenant_id = $1",
                self.tenant.schema
            );
            let row = client.query_one(&ask, &[&self.tenant.id]).await.expect("a digest");
            digest.push((table, row.get(0)));
        }
        let ask = "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
                   where c.relnamespace = 'system'::regnamespace and c.relkind in ('r', 'p') and not a.attisdropped order by 1";
        for table in client.query(ask, &[]).await.expect("the tables") {
            let table: String = table.get(0);
            if BY_ITSELF.contains(&table.as_str()) {
                continue;
            }
            let ask = format!(
                "select md5(coalesce(string_agg((to_jsonb(t) - 'last_used_at')::text, ',' order by to_jsonb(t)::text), ''))
                 from system.{table} t where tenant_id = $1"
            );
            let row = client.query_one(&ask, &[&self.tenant.id]).await.expect("a digest");
            digest.push((format!("system.{table}"), row.get(0)));
        }
        let ask = "select md5(t::text) from system.tenants t where id = $1";
        let row = client.query_one(ask, &[&self.tenant.id]).await.expect("the workspace");
        digest.push(("system.tenants".to_owned(), row.get(0)));
        let objects = database::archive(stack).count(self.tenant.id.into()).await.expect("the archive");
        digest.push(("the archive".to_owned(), objects.to_string()));
        digest
    }

    /// Returns once nothing changes any more by itself.
    pub(in crate::isolation) async fn rest(&self, stack: &Stack) {
        let mut before = self.digest(stack).await;
        for _ in 0..40 {
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
            let now = self.digest(stack).await;
            if now == before {
                return;
            }
            before = now;
        }
        panic!("the workspace does not come to rest");
    }
}
