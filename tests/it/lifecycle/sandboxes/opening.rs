//! The moment at which a sandbox opens, and people who come and go around it.

use std::time::Duration;

use futures_util::future::join;
use serde_json::{Value, json};
use tests::{
    archive, database,
    stack::{self},
    steps::Gate,
    tenant::{self, NO_ROLE},
    work::{self, SOON},
};
use tokio_postgres::Client;

use super::{DELETION, inside, members, of_two, path_of};
use crate::lifecycle::restores::{backup, outcome};

/// Whether somebody waits for the lock of a workspace's people.
async fn is_awaited(client: &Client) -> bool {
    let ask = "select count(*) from pg_locks where locktype = 'advisory' and classid = 2 and not granted";
    client.query_one(ask, &[]).await.expect("the locks").get::<_, i64>(0) > 0
}

fn sandbox_of(result: Option<Value>) -> String {
    result.expect("a result")["workspace_id"].as_str().expect("a workspace").to_owned()
}

#[test]
fn a_sandbox_opens_for_whoever_administers_the_workspace_then_and_not_for_who_asked() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let (tenant, ben) = of_two(&stack).await;
        let by = &tenant.administrator;
        let cyd = tenant.directory.person(&stack, "cyd");
        let member =
            json!({ "directory_id": cyd.directory_id, "object_id": cyd.object_id, "role": "operator" });
        by.post("/users", &member).await.expect(201);
        let kept = backup(&tenant).await;
        let gate = Gate::at_record(&stack, "restore", "open").await;
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let asked = tenant.operator.post("/workspace/restores", &body).await.expect(202);
        work::until("it is about to open", SOON, async || gate.is_reached().await).await;

        let confirmed = json!({ "name": tenant.directory.name, "grace_s": 1 });
        by.post(DELETION, &confirmed).await.problem(409, "operation_open");
        let listed = work::all(by, "/workspace/sandboxes").await;
        assert_eq!((listed.len(), &listed[0]["state"]), (1, &json!("provisioning")));
        assert_eq!(by.delete(&ben).await.status, 204);
        by.patch(&path_of(by, &cyd).await, &json!({ "role": "administrator" })).await.expect(200);
        gate.open().await;
        let (state, error, result) = outcome(&stack, &asked).await;
        assert_eq!(state, "succeeded", "{error:?}");
        let sandbox = sandbox_of(result);
        let mut ids: Vec<_> = members(&stack, &sandbox).await.into_iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        let mut expected = [tenant.administrator_account.object_id, cyd.object_id];
        expected.sort_unstable();
        assert_eq!(ids, expected);
        let (status, said) = tenant::refused(&stack, &tenant.operator_account).await;
        assert!(status == NO_ROLE.0 && said.contains(NO_ROLE.1), "{said}");
        inside(&stack, &cyd, &sandbox).await.get("/vaults").await.expect(200);
        stack.stop().await;
    });
}

#[test]
fn who_is_demoted_while_a_sandbox_opens_is_not_left_in_it_whichever_comes_first() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let (tenant, ben) = of_two(&stack).await;
        let (by, client) = (&tenant.administrator, database::superuser(&stack).await);
        let kept = backup(&tenant).await;
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let down = json!({ "role": "operator" });

        // The opening holds the lock, and the demotion waits for it.
        let gate = Gate::on(&stack, "system.memberships", "insert").await;
        let asked = tenant.operator.post("/workspace/restores", &body).await.expect(202);
        work::until("it opens", SOON, async || gate.is_reached().await).await;
        let opened = async {
            work::until("the demotion waits", SOON, async || is_awaited(&client).await).await;
            gate.open().await;
        };
        let (demoted, ()) = join(by.patch(&ben, &down), opened).await;
        demoted.expect(200);
        let (state, error, result) = outcome(&stack, &asked).await;
        assert_eq!(state, "succeeded", "{error:?}");
        let only = [(tenant.administrator_account.object_id, "administrator".to_owned())];
        assert_eq!(members(&stack, &sandbox_of(result)).await, only);

        // The demotion holds the lock, and the opening waits for it.
        by.patch(&ben, &json!({ "role": "administrator" })).await.expect(200);
        let gate = Gate::at_record(&stack, "restore", "open").await;
        let asked = tenant.operator.post("/workspace/restores", &body).await.expect(202);
        work::until("it is about to open", SOON, async || gate.is_reached().await).await;
        let id = ben.trim_start_matches("/users/").to_owned();
        let demote = "begin; select pg_advisory_xact_lock(2, hashtext('{tenant}'));
                      update system.memberships set role = 'operator' where tenant_id = '{tenant}' and user_id = '{ben}'";
        let demote = demote.replace("{tenant}", &tenant.id.to_string()).replace("{ben}", &id);
        client.batch_execute(&demote).await.expect("a demotion");
        gate.open().await;
        work::until("the opening waits", SOON, async || is_awaited(&client).await).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.batch_execute("commit").await.expect("done");
        let ended = archive::wait(by, &asked).await;
        assert_eq!(ended["state"], "succeeded", "{ended:#}");
        assert_eq!(members(&stack, &sandbox_of(Some(ended["result"].clone()))).await, only);
        stack.stop().await;
    });
}
