//! A database that was restored to an earlier day, a further one or the first: operators come in again, and nobody does who has
//! signed out since.

use local::stack::Stack;
use reqwest::Method;
use serde_json::json;
use tests::{
    caller::{Caller, send},
    database,
    operator::{self, API},
    stack,
    tenant::{self, Placement, Tenant},
};

const SESSIONS: &str = "delete from system.operator_grants; delete from system.operator_sessions";
const PEOPLE: &str = "delete from system.operators";

async fn with_north() -> (Stack, Tenant) {
    let stack = stack::own(|settings| settings.databases = vec!["north".to_owned()]).await;
    let own = tenant::new_in(&stack, Placement::Dedicated).await;
    (stack, own)
}

fn of(tenant: &Tenant, what: &str) -> String {
    format!("{API}/workspaces/{}{what}", tenant.id)
}

/// Rewinds what a database knows of operators; their log is only added to.
async fn restore(stack: &Stack, database: Option<&str>, statements: &str) {
    let client = database::superuser_in(stack, database).await;
    client.batch_execute(statements).await.expect("as on an earlier day");
}

async fn signed_in_there(operator: &Caller) -> bool {
    let me = operator.get(&format!("{API}/me")).await.expect(200);
    assert_eq!(
        (&me["databases"][0]["signed_in"], &me["databases"][1]["reachable"]),
        (&json!(true), &json!(true))
    );
    me["databases"][1]["signed_in"] == true
}

#[test]
fn a_session_that_has_ended_stays_so_where_a_database_has_forgotten_it() {
    stack::run(async {
        let (stack, own) = with_north().await;
        let (gone, stays) = (operator::new(&stack).await, operator::new(&stack).await);
        let left = operator::grant(&gone, own.id).await;
        let closed = operator::grant(&stays, own.id).await;
        for operator in [&gone, &stays] {
            operator.get(&of(&own, "/runs")).await.expect(200);
        }
        send(gone.request(Method::POST, "//operators/logout")).await.expect(204);
        operator::close(&stays, &closed).await;
        stays.get(&of(&own, "/runs")).await.problem(403, "no_grant");

        restore(
            &stack,
            Some("north"),
            "update system.operator_sessions set ended_at = null; update system.operator_grants set closed_at = null",
        )
        .await;
        for path in [
            of(&own, ""),
            of(&own, "/runs"),
            of(&own, "/audit"),
            format!("{API}/me"),
            format!("{API}/overview"),
        ] {
            gone.get(&path).await.problem(401, "unauthenticated");
        }
        for list in ["workspaces", "grants", "operations", "audit"] {
            gone.get(&format!("{API}/{list}?database=north")).await.problem(401, "unauthenticated");
        }
        gone.post(&format!("{API}/grants"), &operator::ask(own.id)).await.problem(401, "unauthenticated");
        let close = format!("{API}/grants/{}/close", left["id"].as_str().expect("an id"));
        gone.post(&close, &json!({})).await.problem(401, "unauthenticated");
        send(gone.request(Method::POST, "//operators/logout")).await.expect(204);

        // A grant is only there: one that was closed since is open again until it ends, for whoever is still signed in.
        stays.get(&of(&own, "/runs")).await.expect(200);
        operator::close(&stays, &closed).await;
        stays.get(&of(&own, "/runs")).await.problem(403, "no_grant");
        stack.stop().await;
    });
}

#[test]
fn operators_whom_a_database_has_forgotten_come_in_again_as_who_they_were() {
    stack::run(async {
        let (stack, own) = with_north().await;
        let account = operator::account(&stack, "olga");
        let before = operator::signed_in(&stack, &account).await;
        operator::grant(&before, own.id).await;
        before.get(&of(&own, "/runs")).await.expect(200);
        for forgotten in [SESSIONS.to_owned(), format!("{SESSIONS}; {PEOPLE}")] {
            restore(&stack, Some("north"), &forgotten).await;
            assert!(!signed_in_there(&before).await);
            before.get(&of(&own, "/runs")).await.problem(401, "unauthenticated");
            before
                .post(&format!("{API}/grants"), &operator::ask(own.id))
                .await
                .problem(401, "unauthenticated");

            let again = operator::signed_in(&stack, &account).await;
            assert!(signed_in_there(&again).await);
            again.get(&of(&own, "/runs")).await.problem(403, "no_grant");
            operator::grant(&again, own.id).await;
            again.get(&of(&own, "/runs")).await.expect(200);
        }
        let client = database::superuser_in(&stack, Some("north")).await;
        let ask = "select count(distinct operator_id), count(*) from system.operator_audit where action = 'runs.list'";
        let row = client.query_one(ask, &[]).await.expect("their log");
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (1, 3), "one operator, three looks");
        stack.stop().await;
    });
}

#[test]
fn operators_whom_the_first_database_has_forgotten_are_who_it_says_in_the_others_too() {
    stack::run(async {
        let (stack, own) = with_north().await;
        let account = operator::account(&stack, "olga");
        let before = operator::signed_in(&stack, &account).await;
        operator::grant(&before, own.id).await;
        restore(&stack, None, &format!("{SESSIONS}; {PEOPLE}")).await;
        before.get(&of(&own, "/runs")).await.problem(401, "unauthenticated");

        let again = operator::signed_in(&stack, &account).await;
        assert!(signed_in_there(&again).await);
        again.get(&of(&own, "/runs")).await.expect(200);
        before.get(&of(&own, "/runs")).await.problem(401, "unauthenticated");
        let ask = "select string_agg(id::text, ',') from system.operators";
        let known = async |database| {
            let client = database::superuser_in(&stack, database).await;
            client.query_one(ask, &[]).await.expect("who is known").get::<_, Option<String>>(0)
        };
        assert_eq!(known(None).await, known(Some("north")).await, "one person, one number");
        stack.stop().await;
    });
}
