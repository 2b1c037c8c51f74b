//! What becomes of it while a database is out of reach, and of a sandbox that a move between databases has left behind.

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    archive, database, stack,
    tenant::{self, Placement},
    work::{self, SOON},
};
use uuid::Uuid;

use super::{add, delete, enter, in_two_databases, link, refused, told};
use crate::identity::browser::{SESSION, open, session, set_cookie};

/// Shuts a database to everybody, or opens it again.
async fn shut(stack: &Stack, is_shut: bool) {
    let client = database::superuser(stack).await;
    let name = stack.superuser_in("north").database;
    let shut = format!("alter database {name} with allow_connections {}", !is_shut);
    client.batch_execute(&shut).await.expect("the superuser may");
    if is_shut {
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
        client.query(end, &[&name]).await.expect("everybody is sent away");
    }
}

#[test]
fn a_database_that_is_away_is_told_and_the_others_are_listed() {
    stack::run(async {
        let both = ["north", "south"].map(str::to_owned).to_vec();
        let stack = stack::own(|settings| settings.databases = both).await;
        let (home, mut away) = in_two_databases(&stack).await;
        let mut other = tenant::new_in(&stack, Placement::Dedicated).await;
        let who = &home.administrator_account;
        add(&other, who).await;
        if away.database.as_deref() != Some("north") {
            (away, other) = (other, away);
        }
        let there = session(&stack, &enter(&stack, other.id, who).await);
        assert_eq!(told(&home.administrator).await.0.len(), 3);
        shut(&stack, true).await;
        for by in [&home.administrator.0, &there] {
            let (all, incomplete) = told(by).await;
            let ids: Vec<&Value> = all.iter().map(|it| &it[0]).collect();
            assert!(incomplete && ids.len() == 2, "{all:?}");
            assert!(!ids.contains(&&json!(away.id)), "{all:?}");
        }
        let answer = enter(&stack, away.id, who).await;
        assert_eq!((answer.status, set_cookie(&answer, SESSION)), (503, None), "{}", answer.text());
        let body = json!({ "workspace_id": away.id });
        home.administrator.put("/me/workspace", &body).await.problem(503, "unavailable");
        enter(&stack, other.id, who).await.expect(302);
        shut(&stack, false).await;
        work::until("all are told again", SOON, async || {
            let (all, incomplete) = told(&home.administrator).await;
            all.len() == 3 && !incomplete
        })
        .await;
        enter(&stack, away.id, who).await.expect(302);
        stack.stop().await;
    });
}

/// A sandbox stays in the database that its workspace has left.
#[test]
fn who_is_in_a_sandbox_that_a_move_left_behind_sees_it_and_reaches_it() {
    stack::run(async {
        let stack = stack::own(|settings| settings.databases = vec!["north".to_owned()]).await;
        for (from, to) in [
            ("north", json!({ "to": "schema" })),
            ("first", json!({ "to": "dedicated", "database": "north" })),
        ] {
            let placement = if from == "north" { Placement::Dedicated } else { Placement::Schema };
            let tenant = tenant::new_in(&stack, placement).await;
            let by = &tenant.administrator;
            let backup = archive::done(by, "/workspace/backups", &json!({})).await;
            let restore = json!({ "backup_id": backup["id"], "into": "sandbox" });
            let made = archive::done(by, "/workspace/restores", &restore).await;
            let sandbox: Uuid =
                made["result"]["workspace_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            let mut order = to;
            order["do"] = json!("move");
            order["tenant_id"] = json!(tenant.id);
            stack.order(order).await.expect("the steward takes the order");
            work::until("the workspace has moved", 2 * SOON, async || {
                told(by).await.0.iter().any(|it| it[0] == json!(sandbox) && !it[3].is_null())
            })
            .await;
            let (all, incomplete) = told(by).await;
            let left = json!([sandbox, "administrator", "active", link(sandbox)]);
            assert!(all.len() == 2 && all[1] == left && !incomplete, "{all:?}");
            let switch = by.put("/me/workspace", &json!({ "workspace_id": sandbox })).await;
            switch.problem(409, "sign_in_required");
            let there = session(&stack, &enter(&stack, sandbox, &tenant.administrator_account).await);
            assert_eq!(there.get("/me").await.expect(200)["workspace"]["id"], json!(sandbox));
            refused(&enter(&stack, sandbox, &tenant.operator_account).await, "no_role");
            let back = session(&stack, &open(&stack, "", &tenant.administrator_account).await);
            assert_eq!(back.get("/me").await.expect(200)["workspace"]["id"], json!(tenant.id));
            delete(&stack, &there).await;
        }
        stack.stop().await;
    });
}
