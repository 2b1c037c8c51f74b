//! Operators where some workspaces have databases of their own: one sign-in holds in each, what is asked of a workspace is
//! checked and written down where it is, and a database that is out of reach holds up none of the others.

use std::time::Duration;

use local::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    caller::{Answer, Caller, send},
    database,
    operator::{self, API},
    stack,
    tenant::{self, Placement, Tenant, random_id},
    work::{self, SOON},
};
use tokio_postgres::Client;
use uuid::Uuid;

const BOTH: [Option<&str>; 2] = [None, Some("north")];

async fn with_north() -> Stack {
    stack::own(|settings| settings.databases = vec!["north".to_owned()]).await
}

async fn sign_out(by: &Caller) -> Answer {
    send(by.request(Method::POST, "//operators/logout")).await
}

/// What stands in the two databases, the first one first.
async fn in_both(stack: &Stack, ask: &str) -> Vec<i64> {
    let mut found = Vec::new();
    for database in BOTH {
        let client = database::superuser_in(stack, database).await;
        found
            .push(client.query_one(ask, &[]).await.unwrap_or_else(|error| panic!("{ask}: {error:?}")).get(0));
    }
    found
}

/// Whether each database answers, and whether the session holds there.
fn reach(body: &Value) -> Vec<(Option<&str>, Option<bool>, Option<bool>)> {
    let all = body["databases"].as_array().expect("databases");
    all.iter()
        .map(|it| (it["database"].as_str(), it["reachable"].as_bool(), it["signed_in"].as_bool()))
        .collect()
}

fn of(tenant: &Tenant, what: &str) -> String {
    format!("{API}/workspaces/{}{what}", tenant.id)
}

#[test]
fn one_sign_in_holds_in_each_database_until_the_sign_out() {
    stack::run(async {
        let stack = with_north().await;
        let operator = operator::new(&stack).await;
        let me = operator.get(&format!("{API}/me")).await.expect(200);
        assert_eq!(
            reach(&me),
            [(Some("first"), Some(true), Some(true)), (Some("north"), Some(true), Some(true))]
        );
        let same = "select count(*) from system.operator_sessions where ended_at is null and id = ";
        let client = database::superuser(&stack).await;
        let begun = "select id, operator_id, expires_at::text from system.operator_sessions";
        let row = client.query_one(begun, &[]).await.expect("one session");
        let (session, who, ends): (Uuid, Uuid, String) = (row.get(0), row.get(1), row.get(2));
        let same = format!("{same}'{session}' and operator_id = '{who}' and expires_at = '{ends}'");
        assert_eq!(in_both(&stack, &same).await, [1, 1], "the same, and ends at the same instant");
        let logged = "select count(*) from system.operator_audit where action = 'session.start'";
        assert_eq!(in_both(&stack, logged).await, [1, 1]);

        sign_out(&operator).await.expect(204);
        let open = "select count(*) from system.operator_sessions where ended_at is null";
        assert_eq!(in_both(&stack, open).await, [0, 0]);
        let logged = "select count(*) from system.operator_audit where action = 'session.end'";
        assert_eq!(in_both(&stack, logged).await, [1, 1]);
        operator.get(&format!("{API}/me")).await.problem(401, "unauthenticated");
        stack.stop().await;
    });
}

async fn twins(client: &Client, tenant: &Tenant) -> (i64, i64) {
    let ask = format!(
        "select count(*), count(a.id) from system.operator_audit o
         left join \"{}\".audit a on a.id = o.id and a.actor_id = o.operator_id and a.action = o.action
         where o.tenant_id = $1",
        tenant.schema
    );
    let row = client.query_one(&ask, &[&tenant.id]).await.expect("both logs");
    (row.get(0), row.get(1))
}

#[test]
fn a_workspace_with_a_database_of_its_own_is_seen_and_looked_into_there() {
    stack::run(async {
        let stack = with_north().await;
        let tenant = tenant::new_in(&stack, Placement::Dedicated).await;
        let operator = operator::new(&stack).await;
        let seen = operator.get(&of(&tenant, "")).await.expect(200);
        assert_eq!((&seen["database"], &seen["placement"]), (&json!("north"), &json!("dedicated")), "{seen}");
        let jobs = of(&tenant, "/jobs");
        operator.get(&jobs).await.problem(403, "no_grant");
        let grant = operator::grant(&operator, tenant.id).await;
        operator.get(&jobs).await.expect(200);
        let opened = operator.post(&format!("{API}/grants"), &operator::ask(tenant.id)).await;
        opened.problem(409, "grant_open");
        operator::close(&operator, &grant).await;
        operator.get(&jobs).await.problem(403, "no_grant");

        let log = tenant.administrator.get("/audit").await.expect(200);
        let theirs: Vec<&Value> = log["items"]
            .as_array()
            .expect("entries")
            .iter()
            .filter(|it| it["actor"]["kind"] == "operator")
            .collect();
        let ours = operator.get(&format!("{API}/audit?workspace_id={}", tenant.id)).await.expect(200);
        let ours = ours["items"].as_array().expect("entries");
        let told = |it: &Value| json!([it["id"], it["action"]]);
        assert_eq!(
            theirs.iter().map(|it| told(it)).collect::<Vec<_>>(),
            ours.iter().map(told).collect::<Vec<_>>(),
            "one access, one id, two logs"
        );
        let actions: Vec<&str> = ours.iter().filter_map(|it| it["action"].as_str()).collect();
        assert_eq!(actions, ["operator.grant_close", "jobs.list", "operator.grant", "workspaces.get"]);
        let elsewhere = format!("{API}/audit?database=first&workspace_id={}", tenant.id);
        assert_eq!(operator.get(&elsewhere).await.expect(200)["items"], json!([]));
        let north = database::superuser_in(&stack, Some("north")).await;
        assert_eq!(twins(&north, &tenant).await, (4, 4));
        let named = format!("select count(*) from system.operator_audit where tenant_id = '{}'", tenant.id);
        assert_eq!(in_both(&stack, &named).await, [0, 4], "the first one holds nothing of it");

        // A grant ends by itself, by the clock of the database it is in.
        operator::grant(&operator, tenant.id).await;
        operator.get(&jobs).await.expect(200);
        stack.advance(Duration::from_secs(31 * 60)).await.expect("half an hour later");
        operator.get(&jobs).await.problem(403, "no_grant");
        stack.stop().await;
    });
}

#[test]
fn lists_are_of_one_database_and_the_overview_is_of_each() {
    stack::run(async {
        let stack = with_north().await;
        let (own, plain) = (tenant::new_in(&stack, Placement::Dedicated).await, tenant::new(&stack).await);
        let operator = operator::new(&stack).await;
        for tenant in [&own, &plain] {
            operator::grant(&operator, tenant.id).await;
        }
        for (query, there, elsewhere, name) in [
            ("", &plain, &own, "first"),
            ("&database=first", &plain, &own, "first"),
            ("&database=north", &own, &plain, "north"),
        ] {
            let listed = operator.get(&format!("{API}/workspaces?limit=200{query}")).await.expect(200);
            let items = listed["items"].as_array().expect("items");
            let of = |tenant: &Tenant| items.iter().find(|it| it["id"] == tenant.id.to_string());
            assert_eq!(of(there).map(|it| &it["database"]), Some(&json!(name)), "{listed}");
            assert!(of(elsewhere).is_none(), "{listed}");
            let grants = operator.get(&format!("{API}/grants?limit=9{query}")).await.expect(200);
            let grants: Vec<&Value> =
                grants["items"].as_array().expect("items").iter().map(|it| &it["workspace_id"]).collect();
            assert_eq!(grants, [&json!(there.id)]);
            operator.get(&format!("{API}/operations?limit=9{query}")).await.expect(200);
            let log = operator.get(&format!("{API}/audit?limit=200{query}")).await.expect(200).to_string();
            assert!(log.contains(&there.id.to_string()) && !log.contains(&elsewhere.id.to_string()), "{log}");
        }
        for list in ["workspaces", "grants", "operations", "audit"] {
            for never in ["south", "North", "First", "north%27"] {
                let answer = operator.get(&format!("{API}/{list}?database={never}")).await;
                answer.problem(400, "invalid_request");
                assert_eq!(answer.pointers(), ["?database"], "{list} {never}");
            }
        }
        operator.get(&format!("{API}/overview?database=north")).await.problem(400, "invalid_request");
        let totals = operator.get(&format!("{API}/overview")).await.expect(200);
        assert_eq!(
            reach(&totals),
            [(Some("first"), Some(true), Some(true)), (Some("north"), Some(true), Some(true))]
        );
        let active = |at: usize| totals["databases"][at]["workspaces"]["active"].as_i64();
        assert!(active(0) >= Some(1) && active(1) >= Some(1), "{totals}");
        assert!(totals["databases"][1]["health"].is_string() && totals["health"].is_string());
        stack.stop().await;
    });
}

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

async fn tells_north(operator: &Caller, reachable: bool, signed_in: bool) -> Value {
    let expected = (Some("north"), Some(reachable), Some(signed_in));
    work::until("the overview tells so", SOON, async || {
        let totals = operator.get(&format!("{API}/overview")).await.expect(200);
        reach(&totals)[1] == expected
    })
    .await;
    let totals = operator.get(&format!("{API}/overview")).await.expect(200);
    let me = operator.get(&format!("{API}/me")).await.expect(200);
    assert_eq!((reach(&me)[0], reach(&me)[1]), ((Some("first"), Some(true), Some(true)), expected), "{me}");
    totals
}

#[test]
fn a_database_that_is_out_of_reach_is_told_and_holds_up_none_of_the_others() {
    stack::run(async {
        let stack = with_north().await;
        let (own, plain) = (tenant::new_in(&stack, Placement::Dedicated).await, tenant::new(&stack).await);
        let (early, other) = (operator::new(&stack).await, operator::new(&stack).await);
        let grant = operator::grant(&early, own.id).await;
        shut(&stack, true).await;
        let totals = tells_north(&early, false, false).await;
        assert_eq!(totals["databases"][1]["health"], "unknown");
        assert!(totals["databases"][1].get("workspaces").is_none(), "no figures: {totals}");
        assert!(totals["databases"][0]["workspaces"]["active"].as_i64() >= Some(1), "{totals}");
        for away in [of(&own, ""), of(&own, "/runs"), format!("{API}/workspaces?database=north")] {
            early.get(&away).await.problem(503, "unavailable");
        }
        early.post(&format!("{API}/grants"), &operator::ask(own.id)).await.problem(503, "unavailable");
        own.administrator.get("/runs").await.problem(503, "unavailable");
        plain.administrator.get("/runs").await.expect(200);
        early.get(&of(&plain, "")).await.expect(200);
        let here = operator::grant(&early, plain.id).await;
        early.get(&of(&plain, "/runs")).await.expect(200);
        operator::close(&early, &here).await;
        // Whether there is such a grant nobody can say now.
        let close = |id: &str| format!("{API}/grants/{id}/close");
        early
            .post(&close(grant["id"].as_str().expect("an id")), &json!({}))
            .await
            .problem(503, "unavailable");

        let late = operator::new(&stack).await;
        tells_north(&late, false, false).await;
        sign_out(&other).await.problem(503, "unavailable");
        other.get(&format!("{API}/me")).await.problem(401, "unauthenticated");

        shut(&stack, false).await;
        tells_north(&early, true, true).await;
        early.get(&of(&own, "/runs")).await.expect(200);
        own.administrator.get("/runs").await.expect(200);
        sign_out(&other).await.expect(204);
        let open = "select count(*) from system.operator_sessions where ended_at is null";
        assert_eq!(in_both(&stack, open).await, [2, 1], "of the late one there is none in north");
        tells_north(&late, true, false).await;
        late.get(&of(&own, "")).await.problem(401, "unauthenticated");
        early.post(&close(&random_id().to_string()), &json!({})).await.problem(404, "not_found");
        stack.stop().await;
    });
}

/// What the first database began is begun once in another, by the operators' login alone, and does not rise again.
#[test]
fn a_session_is_begun_once_in_another_database_and_stays_ended() {
    stack::run(async {
        let stack = with_north().await;
        let login = database::login(&stack, "operators-north").await;
        login.batch_execute("set role system_operators").await.expect("its group");
        let (directory, object) = (random_id(), random_id());
        let begin = async |[session, operator, audit]: [Uuid; 3]| {
            let begin = format!(
                "select system.operator_session_begin('{session}', '{operator}', '{directory}', '{object}', 'Olga',
                     now() + interval '1 hour', '{audit}', '', '')"
            );
            login.batch_execute(&begin).await.map_err(|error| error.code().map(|code| code.code().to_owned()))
        };
        let ids = [random_id(), random_id(), random_id()];
        assert_eq!(begin(ids).await, Ok(()));
        assert_eq!(begin(ids).await, Ok(()), "and again");
        let rows = "select (select count(*) from system.operator_sessions) * 10 + (select count(*) from system.operator_audit)";
        assert_eq!(in_both(&stack, rows).await, [0, 11]);
        let renumbered = [random_id(), random_id(), random_id()];
        assert_eq!(begin(renumbered).await, Ok(()), "the same person by another id is who the first says");
        let theirs = format!(
            "select (select count(*) from system.operators) * 10
                 + (select count(*) from system.operator_sessions where operator_id = '{}')",
            renumbered[1]
        );
        assert_eq!(in_both(&stack, &theirs).await, [0, 12]);
        let client = database::superuser_in(&stack, Some("north")).await;
        client
            .batch_execute("update system.operator_sessions set ended_at = system.now()")
            .await
            .expect("ended");
        assert_eq!(begin(ids).await, Err(Some("SB401".to_owned())));
        stack.stop().await;
    });
}
