//! Sandboxes belong to the workspace that they are copies of: whoever administers that administers them, whoever is out of that is
//! out of them, and they are gone before it is.

use local::{oidc::Account, stack::Stack};
use serde_json::{Value, json};
use tests::{
    archive,
    caller::{Caller, Proof},
    database, stack,
    tenant::{self, Directory, NO_ROLE, Tenant},
    work::{self, SOON},
};
use uuid::Uuid;

use super::{
    deletion::{ask, gone},
    program,
};

mod opening;
mod outlived;

const DELETION: &str = "/workspace/deletion";

/// Makes a sandbox; its id.
pub(super) async fn made(by: &Caller) -> String {
    let kept = archive::done(by, "/workspace/backups", &json!({})).await;
    let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
    let made = archive::done(by, "/workspace/restores", &body).await;
    made["result"]["workspace_id"].as_str().expect("a workspace").to_owned()
}

/// A session in a workspace of somebody who is signed in, beside the one they have.
pub(super) async fn entered(by: &Caller, workspace: &str) -> Caller {
    let answer = by.put("/me/workspace", &json!({ "workspace_id": workspace })).await.expect(200);
    by.with(Proof::Bearer(answer["token"].as_str().expect("a session").to_owned()))
}

/// Somebody signs in and goes into a workspace.
async fn inside(stack: &Stack, account: &Account, workspace: &str) -> Caller {
    entered(&tenant::signed_in(stack, account).await, workspace).await
}

/// Deletes a sandbox from inside, and waits until it is gone.
pub(super) async fn delete(stack: &Stack, inside: &Caller) -> Value {
    let told = inside.get("/me").await.expect(200)["workspace"].clone();
    inside.post(DELETION, &json!({ "name": told["name"], "grace_s": 1 })).await.expect(202);
    let order = json!({ "do": "certificate", "tenant_id": told["id"] });
    let mut certificate = Value::Null;
    work::until("the sandbox is gone", 2 * SOON, async || {
        certificate = stack.order(order.clone()).await.expect("the steward answers")["certificate"].clone();
        !certificate.is_null()
    })
    .await;
    certificate
}

/// The path of a member; whoever asks sees them.
async fn path_of(by: &Caller, account: &Account) -> String {
    let users = work::all(by, "/users").await;
    let user = users.iter().find(|user| user["object_id"] == json!(account.object_id)).expect("a member");
    format!("/users/{}", work::id(user))
}

/// A workspace with two Administrators; the path of the second.
async fn of_two(stack: &Stack) -> (Tenant, String) {
    let tenant = tenant::new(stack).await;
    let path = path_of(&tenant.administrator, &tenant.operator_account).await;
    tenant.administrator.patch(&path, &json!({ "role": "administrator" })).await.expect(200);
    (tenant, path)
}

/// Roles of a sandbox's active members, as its database has them.
async fn members(stack: &Stack, sandbox: &str) -> Vec<(Uuid, String)> {
    let ask = "select u.object_id, m.role from system.memberships m join system.users u on u.id = m.user_id
               where m.tenant_id = $1::text::uuid and m.state = 'active' order by m.created_at, u.id";
    let rows = database::superuser(stack).await.query(ask, &[&sandbox]).await.expect("the members");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn who_is_removed_or_demoted_is_out_of_the_sandboxes_at_the_next_request() {
    stack::with(async |stack| {
        let (tenant, ben) = of_two(stack).await;
        let by = &tenant.administrator;
        let ours = &tenant.operator_account;
        let sandbox = made(&tenant.operator).await;
        let nested = made(&inside(stack, ours, &sandbox).await).await;
        for is_removed in [false, true] {
            let there = inside(stack, ours, &sandbox).await;
            let deeper = inside(stack, ours, &nested).await;
            let (token, deep) = (program(&there).await, program(&deeper).await);
            let all = [&there, &deeper, &token, &deep];
            for caller in all {
                caller.get("/vaults").await.expect(200);
            }
            let answer = if is_removed {
                by.delete(&ben).await
            } else {
                by.patch(&ben, &json!({ "role": "operator" })).await
            };
            assert!(answer.status < 300, "{}", answer.text());
            for caller in all {
                caller.get("/vaults").await.problem(401, "unauthenticated");
            }
            if is_removed {
                let (status, said) = tenant::refused(stack, ours).await;
                assert!(status == NO_ROLE.0 && said.contains(NO_ROLE.1), "{said}");
            } else {
                let me = tenant::signed_in(stack, ours).await.get("/me").await.expect(200);
                assert_eq!(me["workspaces"].as_array().map(Vec::len), Some(1), "the origin alone: {me}");
                // Who becomes an Administrator again becomes one there too, and no token of before comes back.
                by.patch(&ben, &json!({ "role": "administrator" })).await.expect(200);
                inside(stack, ours, &nested).await.get("/vaults").await.expect(200);
                token.get("/vaults").await.problem(401, "unauthenticated");
            }
        }
        let left = [(tenant.administrator_account.object_id, "administrator".to_owned())];
        assert_eq!(members(stack, &sandbox).await, left);
        assert_eq!(members(stack, &nested).await, left);

        let ada = inside(stack, &tenant.administrator_account, &sandbox).await;
        let told = work::all(&ada, "/audit").await;
        let by_origin = |entry: &&Value| entry["actor"]["name"] == "the workspace of this sandbox";
        let actions: Vec<&Value> = told.iter().filter(by_origin).map(|entry| &entry["action"]).collect();
        assert_eq!(actions, ["user.delete", "user.create", "user.delete"], "the sandbox's log tells it");
    });
}

#[test]
fn whoever_comes_to_administer_the_workspace_does_so_in_its_sandboxes_and_stays_there() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let sandbox = made(by).await;
        let ben = path_of(by, &tenant.operator_account).await;
        tenant
            .operator
            .put("/me/workspace", &json!({ "workspace_id": sandbox }))
            .await
            .problem(400, "invalid_reference");
        by.patch(&ben, &json!({ "role": "administrator" })).await.expect(200);
        let there = inside(stack, &tenant.operator_account, &sandbox).await;
        assert_eq!(there.get("/me").await.expect(200)["role"], "administrator");

        let ada = inside(stack, &tenant.administrator_account, &sandbox).await;
        for account in [&tenant.administrator_account, &tenant.operator_account] {
            let path = path_of(&ada, account).await;
            ada.delete(&path).await.problem(409, "origin_administrator");
            let down = json!({ "role": "operator" });
            ada.patch(&path, &down).await.problem(409, "origin_administrator");
        }
        there.get("/vaults").await.expect(200);
        // Whose directory is another's comes into the workspace, not into what was made of it later.
        let elsewhere = Directory::unknown(stack);
        elsewhere.onboard(stack, Some(tenant::random_id())).await;
        let cyd = elsewhere.person(stack, "cyd");
        let member =
            json!({ "directory_id": cyd.directory_id, "object_id": cyd.object_id, "role": "administrator" });
        by.post("/users", &member).await.expect(201);
        let me = tenant::signed_in(stack, &cyd).await.get("/me").await.expect(200);
        assert_eq!(
            (&me["workspace"]["id"], me["workspaces"].as_array().map(Vec::len)),
            (&json!(tenant.id), Some(2))
        );

        // Who does not administer the workspace any more is out of both.
        by.delete(&ben).await;
        there.get("/vaults").await.problem(401, "unauthenticated");
        assert_eq!(members(stack, &sandbox).await.len(), 2);
    });
}

#[test]
fn who_was_added_to_a_sandbox_alone_stays_there_whatever_becomes_of_the_workspaces_people() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let sandbox = made(by).await;
        let ada = inside(stack, &tenant.administrator_account, &sandbox).await;
        let cyd = tenant.directory.person(stack, "cyd");
        for account in [&cyd, &tenant.operator_account] {
            let member = json!({ "directory_id": account.directory_id, "object_id": account.object_id, "role": "operator" });
            ada.post("/users", &member).await.expect(201);
        }
        let (guest, ben) =
            (tenant::signed_in(stack, &cyd).await, inside(stack, &tenant.operator_account, &sandbox).await);
        guest.get("/runs").await.expect(200);
        ben.get("/runs").await.expect(200);
        let path = path_of(by, &tenant.operator_account).await;
        assert_eq!(by.delete(&path).await.status, 204);
        ben.get("/runs").await.problem(401, "unauthenticated");
        guest.get("/runs").await.expect(200);
    });
}

#[test]
fn a_workspace_is_deleted_once_its_sandboxes_are_gone_and_no_sooner() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let by = &tenant.administrator;
        assert_eq!(work::all(by, "/workspace/sandboxes").await, Vec::<Value>::new());
        let (first, second) = (made(by).await, made(by).await);
        let listed = work::all(by, "/workspace/sandboxes?limit=1").await;
        let ids: Vec<&Value> = listed.iter().map(|sandbox| &sandbox["id"]).collect();
        assert_eq!(ids, [&second, &first], "newest first");
        assert_eq!(listed[0]["state"], "active");
        assert_eq!(work::all(&other.administrator, "/workspace/sandboxes").await, Vec::<Value>::new());
        tenant.operator.get("/workspace/sandboxes").await.problem(403, "forbidden");

        let confirmed = json!({ "name": tenant.directory.name, "grace_s": 1 });
        let told = by.post(DELETION, &confirmed).await.problem(409, "has_sandboxes");
        for sandbox in &listed {
            for field in ["id", "name"] {
                let named = sandbox[field].as_str().expect("a text");
                assert!(told["detail"].as_str().is_some_and(|detail| detail.contains(named)), "{told}");
            }
        }
        assert_eq!(by.get("/workspace").await.expect(200)["state"], "active", "nothing was changed");

        delete(stack, &inside(stack, &tenant.administrator_account, &first).await).await;
        // In its grace it may be taken back, so it is not gone.
        let there = inside(stack, &tenant.administrator_account, &second).await;
        let name = there.get("/me").await.expect(200)["workspace"]["name"].clone();
        there.post(DELETION, &json!({ "name": name, "grace_s": 3600 })).await.expect(202);
        let told = by.post(DELETION, &confirmed).await.problem(409, "has_sandboxes");
        assert!(!told["detail"].to_string().contains(&first), "{told}");
        there.delete(DELETION).await.expect(200);
        delete(stack, &there).await;
        ask(&tenant).await;
        let certificate = gone(stack, &tenant).await;
        assert_eq!(
            (&certificate["before"]["sandboxes"], &certificate["after"]["sandboxes"]),
            (&json!(0), &json!(0))
        );
    });
}
