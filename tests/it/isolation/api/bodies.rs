//! A proper body for each operation that takes one, with every id and name in it of one workspace. A new operation is named here.

use serde_json::{Value, json};
use tests::{tenant::random_id, work};

use super::{document::Operation, planted::Planted};

impl Planted {
    /// A proper body for an operation, with every reference to things of this workspace; none for one that takes none.
    pub(in crate::isolation) fn body(&self, operation: &Operation) -> Option<Value> {
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
            "restores_create" => json!({ "backup_id": ids["backups"], "into": "sandbox" }),
            "backup_schedule_update" => json!({ "every_hours": null, "keep": 7 }),
            "me_switch" => json!({ "workspace_id": self.tenant.id }),
            _ if operation.body.as_ref().is_some_and(takes_nothing) => json!({}),
            other => panic!(
                "{other} takes a body that no attempt is made with: add a line here that says what a proper one is, with \
                 every id and name in it of this workspace (and plant them in `plant`, if nothing of the kind is planted yet)"
            ),
        })
    }
}

fn takes_nothing(schema: &Value) -> bool {
    schema["properties"].as_object().is_none_or(serde_json::Map::is_empty)
}
