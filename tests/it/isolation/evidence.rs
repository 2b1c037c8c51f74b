//! The canaries' attempts: refused where the fence holds, seen where it does not, and told to the workspace's own people.

use local::stack::Stack;
use serde_json::{Value, json};
use shared::store::isolation::TABLES;
use tests::{
    database, stack,
    tenant::{self, Placement, Tenant},
};

/// Evidence until this workspace had its turn.
async fn gathered(stack: &Stack, tenant: &Tenant) -> Value {
    let client = database::superuser_in(stack, tenant.database.as_deref()).await;
    client
        .execute("delete from system.isolation_evidence where tenant_id = $1", &[&tenant.id])
        .await
        .expect("evidence is forgotten");
    for _ in 0..200 {
        stack.order(json!({ "do": "gather_evidence" })).await.expect("the steward answers");
        let answer = tenant.administrator.get("/workspace/isolation").await;
        if answer.status == 200 {
            return answer.expect(200);
        }
    }
    panic!("the workspace never had its turn");
}

#[test]
fn the_canaries_know_every_table() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let client = database::superuser(stack).await;
        let ask = "select tablename::text from pg_tables where schemaname = $1 and tablename <> 'schema_migrations' order by 1";
        let rows = client.query(ask, &[&tenant.schema]).await.expect("the tables");
        let there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(there, TABLES, "store/isolation.rs lists the tables");
    });
}

async fn with_a_database_beside() -> Stack {
    stack::own(|settings| settings.databases = vec!["north".to_owned()]).await
}

#[test]
fn every_attempt_on_a_workspace_is_refused_and_its_administrators_see_it() {
    stack::run(async {
        let stack = with_a_database_beside().await;
        for placement in [Placement::Schema, Placement::Dedicated] {
            let tenant = tenant::new_in(&stack, placement).await;
            is_told_of_every_attempt(&stack, &tenant).await;
        }
        stack.stop().await;
    });
}

async fn is_told_of_every_attempt(stack: &Stack, tenant: &Tenant) {
    let evidence = gathered(stack, tenant).await;
    assert_eq!(evidence["violations"], 0, "{evidence}");
    let statements = i64::try_from(TABLES.len() * 4 * 2).expect("a number");
    assert!(evidence["attempts"].as_i64().expect("a number") > statements, "{evidence}");
    let of_statements: Vec<_> = evidence["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter(|check| check["name"] == "statements of another workspace")
        .collect();
    assert_eq!(of_statements.len(), 2, "both canaries tried: {evidence}");
    assert!(of_statements.iter().all(|check| check["attempts"] == json!(TABLES.len() * 4)), "{evidence}");
    tenant.operator.get("/workspace/isolation").await.problem(403, "forbidden");
}

#[test]
fn a_fence_that_is_taken_down_is_seen_and_nothing_is_lost_by_looking() {
    stack::run(async {
        let stack = with_a_database_beside().await;
        for placement in [Placement::Schema, Placement::Dedicated] {
            let tenant = tenant::new_in(&stack, placement).await;
            is_seen_when_its_fence_is_down(&stack, &tenant).await;
        }
        stack.stop().await;
    });
}

async fn is_seen_when_its_fence_is_down(stack: &Stack, tenant: &Tenant) {
    tests::work::vault(&tenant.administrator, "mine").await;
    assert_eq!(gathered(stack, tenant).await["violations"], 0);
    let client = database::superuser_in(stack, tenant.database.as_deref()).await;
    let schema = &tenant.schema;
    for (broken, mended) in [
        (
            format!(
                "grant usage on schema \"{schema}\" to signalbox_tenants; \
                         grant select, delete on \"{schema}\".vaults to signalbox_tenants"
            ),
            format!(
                "revoke all on schema \"{schema}\" from signalbox_tenants; \
                         revoke all on \"{schema}\".vaults from signalbox_tenants"
            ),
        ),
        (
            format!("alter table \"{schema}\".vaults no force row level security"),
            format!("alter table \"{schema}\".vaults force row level security"),
        ),
    ] {
        client.batch_execute(&broken).await.expect("the fence is taken down");
        let evidence = gathered(stack, tenant).await;
        assert!(evidence["violations"].as_i64() > Some(0), "{broken}: {evidence}");
        client.batch_execute(&mended).await.expect("the fence is put up");
    }
    assert_eq!(gathered(stack, tenant).await["violations"], 0);
    assert_eq!(tests::work::all(&tenant.administrator, "/vaults").await.len(), 1, "its vault is there still");
}

#[test]
fn a_canary_in_each_pool_tries_its_neighbours_and_a_pool_without_a_fence_is_seen() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new_in(&stack, Placement::Pooled).await;
        tests::work::vault(&tenant.administrator, "mine").await;
        let near = |evidence: &Value| {
            let checks = evidence["checks"].as_array().expect("checks").clone();
            let near: Vec<_> = checks
                .into_iter()
                .filter(|check| check["name"] == "statements of a neighbour in the pool")
                .collect();
            assert_eq!(near.len(), 1, "one canary lives there: {evidence}");
            near[0].clone()
        };
        let evidence = gathered(&stack, &tenant).await;
        assert_eq!(evidence["violations"], 0, "{evidence}");
        assert_eq!(near(&evidence)["attempts"], json!(TABLES.len() * 4), "{evidence}");
        let client = database::superuser(&stack).await;
        let pool = &tenant.schema;
        let (broken, mended) = (
            format!("alter table \"{pool}\".vaults disable row level security"),
            format!("alter table \"{pool}\".vaults enable row level security"),
        );
        client.batch_execute(&broken).await.expect("the fence is taken down");
        let evidence = gathered(&stack, &tenant).await;
        assert!(near(&evidence)["crossed"].as_i64() > Some(0), "{evidence}");
        client.batch_execute(&mended).await.expect("the fence is put up");
        assert_eq!(gathered(&stack, &tenant).await["violations"], 0);
        assert_eq!(
            tests::work::all(&tenant.administrator, "/vaults").await.len(),
            1,
            "its vault is there still"
        );
        stack.stop().await;
    });
}

#[test]
fn a_workspace_that_goes_meanwhile_is_neither_an_alarm_nor_remembered() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (going, tenant) = (tenant::new(&stack).await, tenant::new(&stack).await);
        assert_eq!(gathered(&stack, &tenant).await["violations"], 0);
        let client = database::superuser(&stack).await;
        let schema = &going.schema;
        // As between two steps of its deletion: no schema and no role, and a row that is not a tombstone yet.
        let gone = format!(
            "drop schema \"{schema}\" cascade; drop role \"{schema}\"; \
             delete from system.isolation_evidence where tenant_id = '{}'",
            going.id
        );
        client.batch_execute(&gone).await.expect("it is taken away");
        for state in ["active", "purging"] {
            let update = "update system.tenants set state = $2 where id = $1";
            client.execute(update, &[&going.id, &state]).await.expect("a state");
            let evidence = gathered(&stack, &tenant).await;
            assert_eq!(evidence["violations"], 0, "{state}: {evidence}");
        }
        client
            .execute("delete from system.isolation_evidence where tenant_id = $1", &[&going.id])
            .await
            .expect("evidence is forgotten");
        stack.order(json!({ "do": "gather_evidence" })).await.expect("the steward answers");
        let ask = "select count(*) from system.isolation_evidence where tenant_id = $1";
        let kept: i64 = client.query_one(ask, &[&going.id]).await.expect("a count").get(0);
        assert_eq!(kept, 0);
        let answer = stack.order(json!({ "do": "gather_evidence" })).await.expect("the steward answers");
        assert_eq!(answer["violations"], 0, "{answer}");
        stack.stop().await;
    });
}
