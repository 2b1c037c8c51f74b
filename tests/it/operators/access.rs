//! Every access is in the operators' log, and where it names a workspace in that workspace's own: joined, 100 %.

use std::collections::BTreeMap;

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    caller::Caller,
    database,
    operator::{self, API},
    stack,
    tenant::{self, Tenant, random_id},
};
use tokio_postgres::Client;
use uuid::Uuid;

use super::walk::{self, Places};

/// How often an action stands in the operators' log, by this operator.
async fn logged(client: &Client, operator: Uuid) -> BTreeMap<String, i64> {
    let ask = "select action, count(*) from system.operator_audit where operator_id = $1 group by action";
    let rows = client.query(ask, &[&operator]).await.expect("the operators' log");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Rows of one log without their twin in the other.
async fn unjoined(client: &Client, tenant: &Tenant) -> Vec<String> {
    let ask = format!(
        "select coalesce(o.action, a.action) from system.operator_audit o
         full join (select id, actor_id, action, target_id, request_id from \"{}\".audit where actor_kind = 'operator') a
           on a.id = o.id and a.actor_id = o.operator_id and a.action = o.action and a.request_id = o.request_id
              and a.target_id is not distinct from o.target_id
         where (o.id is null or (o.tenant_id = $1 and a.id is null))",
        tenant.schema
    );
    client.query(&ask, &[&tenant.id]).await.expect("both logs").iter().map(|row| row.get(0)).collect()
}

async fn who(by: &Caller) -> Uuid {
    let me = by.get(&format!("{API}/me")).await.expect(200);
    me["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

async fn rows(client: &Client, tenant: &Tenant) -> i64 {
    let ask = format!("select count(*) from \"{}\".audit where actor_kind = 'operator'", tenant.schema);
    client.query_one(&ask, &[]).await.expect("the workspace's log").get(0)
}

#[test]
fn every_request_has_one_row_and_its_twin_where_it_names_a_workspace() {
    stack::with(async |stack: &Stack| {
        let (operator, tenant) = (operator::new(stack).await, tenant::new(stack).await);
        let client = database::superuser(stack).await;
        let id = who(&operator).await;
        let operations = walk::operations(&operator).await;
        let grant = operator::grant(&operator, tenant.id).await;
        let grant = grant["id"].as_str().expect("an id").to_owned();
        let places = Places { workspace: tenant.id, run: random_id().to_string(), grant };
        // Closing comes last: what follows it would be refused.
        let (closing, others): (Vec<_>, Vec<_>) = operations
            .into_iter()
            .filter(|it| it.access != "public")
            .partition(|it| it.path.ends_with("/close"));
        let mut walked = 0;
        for operation in others.iter().chain(&closing) {
            let (before, seen) = (logged(&client, id).await, rows(&client, &tenant).await);
            let answer = operation.send(&operator, &places).await;
            let refused = answer.status == 409;
            assert!(answer.status < 300 || answer.status == 404 || refused, "{}", answer.text());
            let after = logged(&client, id).await;
            let (new, twin): (i64, i64) = (
                after.values().sum::<i64>() - before.values().sum::<i64>(),
                rows(&client, &tenant).await - seen,
            );
            let expected = if refused { (0, 0) } else { (1, i64::from(operation.names_one())) };
            assert_eq!((new, twin), expected, "{} {}", operation.method, operation.path);
            walked += 1;
        }
        assert!(walked >= 15, "{walked}");
        assert_eq!(unjoined(&client, &tenant).await, Vec::<String>::new());
    });
}

/// Threat C4: the customer sees who (by a lasting number), why, for which ticket, and what was looked at.
#[test]
fn a_customer_sees_every_access_in_their_own_log() {
    stack::with(async |stack| {
        let account = operator::account(stack, "Olga Canary-Name");
        let operator = operator::signed_in(stack, &account).await;
        let tenant = tenant::new(stack).await;
        let id = who(&operator).await;
        operator.get(&format!("{API}/workspaces/{}", tenant.id)).await.expect(200);
        let grant = operator::grant(&operator, tenant.id).await;
        operator.get(&format!("{API}/workspaces/{}/connections", tenant.id)).await.expect(200);
        operator::close(&operator, &grant).await;
        let log = tenant.administrator.get("/audit").await;
        let items = log.expect(200)["items"].as_array().cloned().expect("entries");
        let of_operators: Vec<&Value> = items.iter().filter(|it| it["actor"]["kind"] == "operator").collect();
        let actions: Vec<&str> = of_operators.iter().filter_map(|it| it["action"].as_str()).collect();
        assert_eq!(actions, ["operator.grant_close", "connections.list", "operator.grant", "workspaces.get"]);
        let opened = of_operators[2];
        assert_eq!(opened["detail"]["reason"], "Runs do not start any more");
        assert_eq!(
            (&opened["detail"]["ticket"], &opened["detail"]["minutes"]),
            (&json!("OPS-17"), &json!(30))
        );
        assert_eq!((&opened["target"]["kind"], &opened["target"]["id"]), (&json!("grant"), &grant["id"]));
        assert_eq!(of_operators[1]["detail"]["grant_id"], grant["id"]);
        for entry in &of_operators {
            assert_eq!(entry["actor"]["id"], json!(id), "the same operator each time");
            assert!(entry["actor"]["name"].as_str().is_some_and(|it| it.starts_with("Platform operator ")));
            assert_eq!(entry["source_address"], "");
        }
        for private in ["Canary-Name", &account.user_name, &account.object_id.to_string()] {
            assert!(!log.text().contains(private), "{private} stays with the employer");
        }
        let ours = operator.get(&format!("{API}/audit?workspace_id={}", tenant.id)).await.expect(200);
        assert_eq!(ours["items"].as_array().map(Vec::len), Some(4), "{ours}");
        assert_eq!(ours["items"][0]["operator_name"], "Olga Canary-Name");
        assert_eq!(ours["items"][3]["id"], of_operators[3]["id"], "one access, one id, two logs");
    });
}

#[test]
fn the_operators_log_is_only_added_to() {
    stack::with(async |stack| {
        operator::new(stack).await;
        let client = database::superuser(stack).await;
        client.batch_execute("set role signalbox_owner").await.expect("the owner");
        for statement in [
            "update system.operator_audit set action = 'x'",
            "delete from system.operator_audit",
            "truncate system.operator_audit",
        ] {
            let error = client.batch_execute(statement).await.expect_err(statement);
            assert_eq!(
                error.code().map(|code| code.code().to_owned()).as_deref(),
                Some("42501"),
                "{statement}"
            );
        }
    });
}
