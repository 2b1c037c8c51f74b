//! Two tenants with one of everything each, so that every id of one can be tried on the other.

use std::collections::BTreeMap;

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    database,
    tenant::{self, Tenant, random_id},
    work,
    world::World,
};

use super::document::Operation;

/// One of everything in a workspace.
pub(super) struct Planted {
    pub(super) tenant: Tenant,
    /// Ids by collection, as paths name them: `vaults`, `jobs`; and `credentials`, `versions` by their names.
    pub(super) ids: BTreeMap<&'static str, String>,
    /// Names by what refers to them: `connection`, `vault`.
    pub(super) names: BTreeMap<&'static str, String>,
    world: World,
}

impl Planted {
    pub(super) async fn new(stack: &Stack) -> Self {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        let mut planted = Self { tenant, ids: BTreeMap::new(), names: BTreeMap::new(), world };
        planted.plant().await;
        planted.operate(stack).await;
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
        let vault_name = vault["name"].as_str().expect("a name").to_owned();
        self.ids = ids.into();
        self.names = [("vault", vault_name), ("connection", connection_name)].into();
    }

    /// An operation that was taken back: it shows, and nothing comes of it.
    async fn operate(&mut self, stack: &Stack) {
        let client = database::superuser(stack).await;
        let insert = "insert into system.operations (id, tenant_id, kind, exclusive, state, not_before, created_at, finished_at)
                      values ($1, $2, $3, false, 'cancelled', now(), now(), now())";
        for (collection, kind) in [("operations", "suspend"), ("exports", "export"), ("backups", "backup")] {
            let id = random_id();
            client.execute(insert, &[&id, &self.tenant.id, &kind]).await.expect("an operation");
            self.ids.insert(collection, id.to_string());
        }
        self.ids.insert("files", "manifest.json".to_owned());
    }

    /// A proper body for an operation, with every reference to things of this workspace; none for one that takes none.
    pub(super) fn body(&self, operation: &Operation) -> Option<Value> {
        let (ids, names) = (&self.ids, &self.names);
        let name = work::fresh("name");
        operation.body.as_ref()?;
        Some(match operation.id.as_str() {
            "vaults_create" | "vaults_update" => json!({ "name": name, "kind": "managed" }),
            "credentials_put" => json!({ "value": "secret" }),
            "concurrency_profiles_create" | "concurrency_profiles_update" => {
                json!({ "name": name, "limit": 2 })
            }
            "connections_create" | "connections_update" => json!({
                "name": name, "kind": "http", "settings": { "base_url": self.world.url(), "auth": { "type": "bearer" } },
                "credential": { "vault": names["vault"], "name": ids["credentials"] },
                "concurrency_profile_id": ids["concurrency-profiles"],
            }),
            "jobs_create" | "jobs_update" => {
                json!({ "name": name, "tasks": work::chain(&names["connection"], 1) })
            }
            "schedules_create" | "schedules_update" => json!({
                "name": name, "job_id": ids["jobs"], "cron": "0 6 1 1 *", "time_zone": "UTC",
            }),
            "schedules_preview" => json!({ "cron": "0 6 1 1 *", "time_zone": "UTC" }),
            "runs_create" => json!({ "parameters": {} }),
            "users_create" => json!({
                "directory_id": random_id(), "object_id": random_id(), "role": "operator",
            }),
            "users_update" => json!({ "role": "operator" }),
            "roles_create" | "roles_update" => json!({ "name": name, "permissions": ["runs.read"] }),
            "invitations_create" => json!({
                "role": ids["roles"], "directory_id": random_id(), "object_id": random_id(),
            }),
            "api_tokens_create" => json!({ "name": name, "permissions": ["runs.read"] }),
            "workspace_suspend" => json!({ "running": "drain" }),
            // Another name than the workspace's: nothing here is deleted, whoever asks.
            "workspace_delete" => json!({ "name": name, "grace_s": 86_400 }),
            "restores_create" => json!({ "backup_id": ids["backups"], "into": "replace" }),
            "me_switch" => json!({ "workspace_id": self.tenant.id }),
            _ if operation.body.as_ref().is_some_and(takes_nothing) => json!({}),
            other => panic!("{other} takes a body that no attempt is made with: say what a proper one is"),
        })
    }

    /// What stands for an open part of a path.
    pub(super) fn part(&self, collection: &str, part: &str) -> &str {
        let planted = self.ids.get(collection);
        planted.unwrap_or_else(|| panic!("{collection}/{{{part}}}: nothing of that is planted: plant one"))
    }

    /// An operation's path with everything of this workspace.
    pub(super) fn path(&self, operation: &Operation) -> String {
        operation.parts().iter().fold(operation.path.clone(), |path, (collection, part)| {
            path.replacen(&format!("{{{part}}}"), self.part(collection, part), 1)
        })
    }

    /// Everything the workspace holds, as one digest; sign-ins and work that goes on by itself would change it.
    pub(super) async fn digest(&self, stack: &Stack) -> Vec<(String, String)> {
        let client = database::superuser(stack).await;
        // Seals follow by themselves, within a minute of whatever was written.
        let ask =
            "select tablename::text from pg_tables where schemaname = $1 and tablename <> 'seals' order by 1";
        let tables = client.query(ask, &[&self.tenant.schema]).await.expect("the tables");
        let mut digest = Vec::new();
        for table in tables {
            let table: String = table.get(0);
            let ask = format!(
                "select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from \"{}\".{table} t",
                self.tenant.schema
            );
            let row = client.query_one(&ask, &[]).await.expect("a digest");
            digest.push((table, row.get(0)));
        }
        let ask = "select coalesce(string_agg(m::text, ',' order by m::text), '') from system.memberships m where tenant_id = $1";
        let row = client.query_one(ask, &[&self.tenant.id]).await.expect("the members");
        digest.push(("members".to_owned(), row.get(0)));
        for table in ["roles", "invitations", "api_tokens"] {
            let ask = format!(
                "select coalesce(string_agg((to_jsonb(t) - 'last_used_at')::text, ',' order by t.id), '') from system.{table} t where tenant_id = $1"
            );
            let row = client.query_one(&ask, &[&self.tenant.id]).await.expect("the people's rows");
            digest.push((table.to_owned(), row.get(0)));
        }
        digest
    }

    /// Returns once nothing changes any more by itself.
    pub(super) async fn rest(&self, stack: &Stack) {
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

fn takes_nothing(schema: &Value) -> bool {
    schema["properties"].as_object().is_none_or(serde_json::Map::is_empty)
}
