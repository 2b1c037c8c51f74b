//! Sandboxes that were there before it was known whose they are, and such as are nobody's.

use std::time::Duration;

use serde_json::json;
use shared::db::migrate;
use tests::{
    database, stack, tenant,
    work::{self, SOON},
};

use super::{DELETION, delete, inside, made, members, of_two};
use crate::lifecycle::deletion::{certificate, gone};

/// What the migration that brought `sandbox_of` does for those that were there.
fn made_known() -> &'static str {
    let text = migrate::SYSTEM.iter().find(|it| it.name.ends_with("sandboxes")).expect("it is listed").text;
    text.split_once("-- Sandboxes that are there")
        .expect("its last part")
        .1
        .split_once('\n')
        .expect("a comment")
        .1
}

#[test]
fn sandboxes_of_before_are_known_and_led_by_the_upgrade_and_a_deletion_asked_for_before_waits_for_them() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let (tenant, ben) = of_two(&stack).await;
        let sandbox = made(&tenant.operator).await;
        let there = inside(&stack, &tenant.operator_account, &sandbox).await;
        let client = database::superuser(&stack).await;
        // As it was: whoever asked is its only Administrator, and whose it is stands in the operation alone.
        let before = "begin; set local session_replication_role = replica;
                      update system.tenants set sandbox_of = null where id = '{id}';
                      delete from system.memberships m using system.users u
                      where m.tenant_id = '{id}' and u.id = m.user_id and u.object_id <> '{ben}'; commit";
        let object = tenant.operator_account.object_id.to_string();
        client
            .batch_execute(&before.replace("{id}", &sandbox).replace("{ben}", &object))
            .await
            .expect("as before");
        assert_eq!(tenant.administrator.delete(&ben).await.status, 204);
        there.get("/vaults").await.expect(200);
        let asked = json!({ "name": tenant.directory.name, "grace_s": 1 });
        tenant.administrator.post(DELETION, &asked).await.expect(202);

        client.batch_execute(&format!("begin; {} commit", made_known())).await.expect("the upgrade");
        there.get("/vaults").await.problem(401, "unauthenticated");
        let ada = inside(&stack, &tenant.administrator_account, &sandbox).await;
        assert_eq!(members(&stack, &sandbox).await.len(), 1);
        let by = &tenant.administrator;
        stack.advance(Duration::from_secs(2)).await.expect("time passes");
        work::until("the steward has looked", SOON, async || {
            stack.order(json!({ "do": "operate" })).await.expect("the steward works");
            work::all(by, "/workspace/operations?kind=deletion").await[0]["state"] == "running"
        })
        .await;
        assert!(certificate(&stack, &tenant).await.is_null());
        assert_eq!(by.get("/workspace").await.expect(200)["state"], "deleting", "it waits");
        delete(&stack, &ada).await;
        stack.advance(Duration::from_secs(61)).await.expect("time passes");
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        gone(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn a_sandbox_that_outlives_its_workspace_is_a_leftover() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let tenant = tenant::new(&stack).await;
        let sandbox = made(&tenant.administrator).await;
        let swept = async || {
            stack.order(json!({ "do": "sweep" })).await.expect("the steward sweeps")["leftovers"].clone()
        };
        assert_eq!(swept().await, json!([]));
        let client = database::superuser(&stack).await;
        let lose = "update system.tenants set sandbox_of = null where id = $1::text::uuid";
        client.execute(lose, &[&sandbox]).await.expect("nobody's");
        assert_eq!(swept().await, json!([{ "kind": "workspace of nobody", "what": sandbox, "total": 1 }]));
        stack.stop().await;
    });
}
