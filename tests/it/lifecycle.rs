//! How workspaces, people and sessions come and go, through the real sign-in.

mod archive_kills;
mod artefacts;
mod astray;
mod backfills;
mod by_itself;
mod chains;
mod databases;
mod deletion;
mod exports;
mod far_moves;
mod first_sign_in;
mod killed;
mod large;
mod late_stewards;
mod leftovers;
mod long_steps;
mod members;
mod migrations;
mod move_kills;
mod move_pauses;
mod moves;
mod placements;
mod pooled;
mod provision_kills;
mod refusals;
mod restore_cancelled;
mod restore_kills;
mod restore_outside;
mod restore_undone;
mod restores;
mod rollout_kills;
mod root_rotations;
mod rotation_kills;
mod rotation_writes;
mod rotations;
mod sandboxes;
mod scheduled_backups;
mod sessions;
mod suspension;
mod two_versions;

use serde_json::json;
use tests::{
    caller::{Caller, Proof},
    work,
};

/// A program of somebody, with an API token of theirs.
async fn program(by: &Caller) -> Caller {
    let body = json!({ "name": work::fresh("token"), "permissions": ["vaults.read"] });
    let made = by.post("/api-tokens", &body).await.expect(201);
    by.with(Proof::Bearer(made["token"].as_str().expect("it is shown").to_owned()))
}
