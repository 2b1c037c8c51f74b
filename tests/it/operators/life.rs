//! Operators and the life of a workspace: it shows in every state, is looked into until nobody enters it any more, and leaves
//! the operators' log behind when it goes.

use std::time::Duration;

use futures_util::future::join;
use serde_json::{Value, json};
use tests::{
    caller::Caller,
    content::Traces,
    database,
    operator::{self, API},
    stack,
    tenant::{self, Tenant},
    work::{self, SOON},
};
use tokio_postgres::Client;

async fn shown(by: &Caller, tenant: &Tenant) -> Value {
    by.get(&format!("{API}/workspaces/{}", tenant.id)).await.expect(200)
}

async fn twins(client: &Client, tenant: &Tenant) -> i64 {
    let ask = format!("select count(*) from \"{}\".audit where actor_kind = 'operator'", tenant.schema);
    client.query_one(&ask, &[]).await.expect("the workspace's log").get(0)
}

async fn put(client: &Client, tenant: &Tenant, state: &str) {
    let put = "update system.tenants set state = $2 where id = $1";
    client.execute(put, &[&tenant.id, &state]).await.expect("a state");
}

fn deletion(tenant: &Tenant, grace_s: i64) -> Value {
    json!({ "name": tenant.directory.name, "grace_s": grace_s })
}

#[test]
fn a_workspace_shows_in_every_state_and_is_looked_into_until_it_is_purged() {
    stack::with(async |stack| {
        let (operator, another) = (operator::new(stack).await, operator::new(stack).await);
        let tenant = tenant::new(stack).await;
        let client = database::superuser(stack).await;
        let by = &tenant.administrator;
        let jobs = format!("{API}/workspaces/{}/jobs", tenant.id);
        operator::grant(&operator, tenant.id).await;

        by.post("/workspace/suspend", &json!({})).await.expect(202);
        work::until("it is suspended", SOON, async || {
            shown(&operator, &tenant).await["state"] == "suspended"
        })
        .await;
        operator.get(&jobs).await.expect(200);
        by.post("/workspace/reactivate", &json!({})).await.expect(200);

        by.post("/workspace/deletion", &deletion(&tenant, 3600)).await.expect(202);
        let seen = shown(&operator, &tenant).await;
        assert_eq!((&seen["state"], &seen["operations"]["open"]), (&json!("deleting"), &json!(1)), "{seen}");
        operator.get(&jobs).await.expect(200);
        let before = twins(&client, &tenant).await;

        put(&client, &tenant, "purging").await;
        operator.get(&jobs).await.problem(404, "not_found");
        let asked = another.post(&format!("{API}/grants"), &operator::ask(tenant.id)).await;
        asked.problem(400, "invalid_reference");
        assert_eq!(shown(&operator, &tenant).await["state"], "purging");
        assert_eq!(twins(&client, &tenant).await, before, "it has a log no more");
        let ours = operator.get(&format!("{API}/audit?workspace_id={}&limit=1", tenant.id)).await.expect(200);
        assert_eq!(ours["items"][0]["action"], "workspaces.get", "and the operators have theirs: {ours}");

        put(&client, &tenant, "deleting").await;
        by.delete("/workspace/deletion").await.expect(200);
        assert_eq!(shown(&operator, &tenant).await["state"], "active");
        operator.get(&jobs).await.expect(200);
    });
}

/// A grant that is asked for as the grace ends is opened before it and goes, or not at all.
#[test]
fn no_grant_is_opened_beside_the_fence_of_a_deletion() {
    stack::with(async |stack| {
        let (operator, tenant) = (operator::new(stack).await, tenant::new(stack).await);
        let (client, watch) = (database::superuser(stack).await, database::superuser(stack).await);
        let fence = format!(
            "begin; select pg_advisory_xact_lock(1, hashtext('{0}'));
             update system.tenants set state = 'purging' where id = '{0}'",
            tenant.id
        );
        client.batch_execute(&fence).await.expect("a fence");
        let waits =
            "select exists (select from pg_locks where locktype = 'advisory' and not granted and classid = 1
                                    and objid::bigint = hashtext($1)::bigint & 4294967295)";
        let path = format!("{API}/grants");
        let body = operator::ask(tenant.id);
        let (asked, ()) = join(operator.post(&path, &body), async {
            work::until("it is waited for", SOON, async || {
                watch.query_one(waits, &[&tenant.id.to_string()]).await.expect("the locks").get(0)
            })
            .await;
            client.batch_execute("commit").await.expect("it is fenced off");
        })
        .await;
        asked.problem(400, "invalid_reference");
        put(&client, &tenant, "active").await;
        let rows = "select count(*) from system.operator_grants where tenant_id = $1";
        let opened: i64 = client.query_one(rows, &[&tenant.id]).await.expect("grants").get(0);
        assert_eq!(opened, 0);
    });
}

/// Operations in several states; those that are to be listed.
async fn plant(client: &Client, tenant: &Tenant, said: &str) -> Vec<Value> {
    let put = "insert into system.operations (id, tenant_id, kind, exclusive, state, step, request, progress, result, error,
                                              not_before, failures, created_at, finished_at)
               values ($1, $2, $3, false, $4, 'seal', $5, $5, $5, $6, system.now() + interval '1 day', 3, system.now(),
                       system.now() - $7 * interval '1 day')";
    let mut listed = Vec::new();
    for (kind, state, days, is_shown) in [
        ("backup", "pending", None, true),
        ("export", "failed", Some(6.9), true),
        ("export", "failed", Some(7.1), false),
        ("export", "succeeded", Some(0.0), false),
    ] {
        let id = tenant::random_id();
        let words = json!({ "said": said });
        client
            .execute(put, &[&id, &tenant.id, &kind, &state, &words, &said, &days])
            .await
            .expect("an operation");
        listed.extend(is_shown.then(|| json!([id, kind, state, "seal", 3])));
    }
    listed
}

/// All pages of the list, none of which holds what was said.
async fn operations(by: &Caller, said: &str) -> Vec<Value> {
    let (mut listed, mut at): (Vec<Value>, String) = (Vec::new(), String::new());
    loop {
        let page = by.get(&format!("{API}/operations?limit=2{at}")).await;
        assert!(!page.text().contains(said), "{}", page.text());
        let page = page.expect(200);
        listed.extend(page["items"].as_array().expect("items").iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { return listed };
        at = format!("&cursor={cursor}");
    }
}

#[test]
fn what_the_steward_does_to_workspaces_is_listed_without_what_was_said() {
    stack::with(async |stack| {
        let (operator, tenant) = (operator::new(stack).await, tenant::new(stack).await);
        let client = database::superuser(stack).await;
        let said = "canary-words";
        let mut expected = plant(&client, &tenant, said).await;
        let rollout = "insert into system.rollouts (version, state, started_at, updated_at)
                       values (1, 'done', system.now(), system.now()) on conflict do nothing";
        client.execute(rollout, &[]).await.expect("a rollout");
        let failure = "insert into system.rollout_failures (version, tenant_id, error, at)
                       select max(version), $1, $2, system.now() from system.rollouts";
        client.execute(failure, &[&tenant.id, &said]).await.expect("a failure");

        let listed = operations(&operator, said).await;
        let ours: Vec<&Value> =
            listed.iter().filter(|it| it["workspace_id"] == tenant.id.to_string()).collect();
        let told = |it: &Value| json!([it["id"], it["kind"], it["state"], it["step"], it["failures"]]);
        let mut told: Vec<Value> = ours.iter().map(|it| told(it)).collect();
        let by_id = |it: &Value| it[0].as_str().map(str::to_owned);
        told.sort_by_key(by_id);
        expected.sort_by_key(by_id);
        assert_eq!(told, expected);
        assert_eq!(ours[0]["workspace_name"], tenant.directory.name);

        let one = operator.get(&format!("{API}/workspaces/{}", tenant.id)).await;
        let totals = operator.get(&format!("{API}/overview")).await;
        client
            .execute("delete from system.rollout_failures where tenant_id = $1", &[&tenant.id])
            .await
            .expect("taken up");
        client
            .execute("delete from system.operations where tenant_id = $1", &[&tenant.id])
            .await
            .expect("forgotten");
        assert!(!one.text().contains(said) && !totals.text().contains(said));
        assert!(one.expect(200)["rollout_failed_at"].is_string(), "{}", one.text());
        let failures = totals.expect(200)["databases"][0]["rollout"]["failures"].clone();
        let found = failures
            .as_array()
            .is_some_and(|all| all.iter().any(|failure| failure["workspace_id"] == tenant.id.to_string()));
        assert!(found, "{failures}");
    });
}

/// Who looked into what, why and for how long is to be answered after a deletion too; what it opened is gone.
#[test]
fn the_operators_log_outlives_a_workspace_and_grants_do_not() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (operator, tenant) = (operator::new(&stack).await, tenant::new(&stack).await);
        operator::grant(&operator, tenant.id).await;
        operator.get(&format!("{API}/workspaces/{}/jobs", tenant.id)).await.expect(200);
        let traces = Traces::of(&stack, &tenant).await;

        tenant.administrator.post("/workspace/deletion", &deletion(&tenant, 1)).await.expect(202);
        let order = json!({ "do": "certificate", "tenant_id": tenant.id });
        work::until("it is deleted", Duration::from_secs(60), async || {
            let answer = stack.order(order.clone()).await.expect("the steward answers");
            !answer["certificate"].is_null()
        })
        .await;
        assert_eq!(traces.left(&stack).await, Vec::<String>::new(), "but for the log, which follows");
        let swept = stack.order(json!({ "do": "sweep" })).await.expect("the steward sweeps");
        assert_eq!(swept["leftovers"], json!([]));

        let log = operator.get(&format!("{API}/audit?workspace_id={}", tenant.id)).await.expect(200);
        let actions: Vec<&str> =
            log["items"].as_array().expect("items").iter().filter_map(|it| it["action"].as_str()).collect();
        assert_eq!(actions, ["workspace.purging", "jobs.list", "operator.grant"]);
        assert_eq!(log["items"][2]["detail"]["ticket"], "OPS-17");
        let grants = operator.get(&format!("{API}/grants")).await.expect(200);
        assert_eq!(grants["items"], json!([]));
        operator.get(&format!("{API}/workspaces/{}", tenant.id)).await.problem(404, "not_found");
        operator.get(&format!("{API}/workspaces/{}/jobs", tenant.id)).await.problem(403, "no_grant");
        stack.stop().await;
    });
}
