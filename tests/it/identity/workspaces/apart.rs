//! What becomes of it while a database is out of reach.

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    database, stack,
    tenant::{self, Placement},
    work::{self, SOON},
};

use super::{add, enter, in_two_databases, told};
use crate::identity::browser::{SESSION, session, set_cookie};

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
