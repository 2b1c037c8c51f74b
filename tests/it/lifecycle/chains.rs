//! The audit log's chain through backups and restores: it goes on where the workspace does, and begins anew in a sandbox.

use serde_json::json;
use tests::{archive, audit, caller::Proof, database, stack, work, world::World};

use super::restores::{backup, filled, replace};

#[test]
fn the_chain_goes_on_behind_its_old_head_in_a_workspace_that_was_replaced() {
    stack::with(async |stack| {
        let world = World::at_once();
        let (tenant, _) = filled(stack, &world).await;
        let by = &tenant.administrator;
        audit::seal(stack, tenant.id).await;
        let head = audit::verify(by, None).await["head"].as_str().expect("a head").to_owned();
        work::vault(by, "not sealed as the backup is made, perhaps").await;
        let kept = backup(&tenant).await;
        let since = work::vault(by, "since the backup").await;
        archive::done(by, "/workspace/suspend", &json!({})).await;

        let restored = replace(stack, &tenant, &kept).await;
        let by = &restored.administrator;
        audit::seal(stack, tenant.id).await;
        let found = audit::verify(by, Some(&head)).await;
        assert_eq!(found["verified"], true, "{found}");
        let client = database::superuser(stack).await;
        let rows = format!(
            "select (select count(*) from \"{0}\".audit) + (select count(*) from \"{0}\".events)",
            restored.schema
        );
        // The verification itself wrote the last of them.
        let rows: i64 = client.query_one(&rows, &[]).await.expect("a count").get(0);
        assert!(found["rows"].as_i64() >= Some(rows - 10), "{found} of {rows}");
        let carried =
            format!("select count(*) from \"{}\".audit where target_id = $1::text::uuid", restored.schema);
        let carried: i64 = client.query_one(&carried, &[&work::id(&since)]).await.expect("a count").get(0);
        assert_eq!(carried, 1, "what was done since the backup is in the log");

        let change = format!(
            "update \"{0}\".audit set actor_name = 'somebody else' where id = (select min(id::text)::uuid from \"{0}\".audit)",
            restored.schema
        );
        client.batch_execute(&change).await.expect("a superuser may");
        let found = audit::verify(by, Some(&head)).await;
        assert_eq!(found["first_problem"]["code"], "rows_changed", "a row of before the restore: {found}");
    });
}

#[test]
fn a_sandbox_begins_a_chain_of_its_own_over_all_that_came_with_it() {
    stack::with(async |stack| {
        let world = World::at_once();
        let (tenant, _) = filled(stack, &world).await;
        let by = &tenant.administrator;
        audit::seal(stack, tenant.id).await;
        let head = audit::verify(by, None).await["head"].as_str().expect("a head").to_owned();
        let kept = backup(&tenant).await;
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let made = archive::done(by, "/workspace/restores", &body).await;
        let sandbox = made["result"]["workspace_id"].as_str().expect("a workspace");

        assert_eq!(audit::verify(by, Some(&head)).await["verified"], true, "the other chain is as it was");
        let switched = by.put("/me/workspace", &json!({ "workspace_id": sandbox })).await.expect(200);
        let token = switched["token"].as_str().expect("a session").to_owned();
        let inside = by.with(Proof::Bearer(token));
        audit::seal(stack, sandbox.parse().expect("an id")).await;
        let found = audit::verify(&inside, None).await;
        assert_eq!(found["verified"], true, "{found}");
        let client = database::superuser(stack).await;
        let came = format!("select count(*) from \"{}\".events", tenant.schema);
        let came: i64 = client.query_one(&came, &[]).await.expect("a count").get(0);
        assert!(found["rows"].as_i64() > Some(came), "{found}: {came} transitions came along");
        let found = audit::verify(&inside, Some(&head)).await;
        assert_eq!(found["first_problem"]["code"], "head_missing", "another workspace's head: {found}");
    });
}
