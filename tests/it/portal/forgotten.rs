//! What is kept for a day is gone after it, without anybody having to look through the workspaces for it.

use reqwest::Method;
use serde_json::json;
use tests::{
    caller::send,
    database, stack,
    tenant::{self, Tenant},
    work,
    world::World,
};
use tokio_postgres::Client;

/// Makes everything in a table of the workspace a day and an hour old.
async fn age(client: &Client, tenant: &Tenant, table: &str) {
    let schema = &tenant.schema;
    let older = format!("update {schema}.{table} set created_at = created_at - interval '25 hours'");
    client.execute(&older, &[]).await.expect("rows");
}

async fn count(client: &Client, tenant: &Tenant, table: &str) -> i64 {
    let ask = format!("select count(*) from {}.{table}", tenant.schema);
    client.query_one(&ask, &[]).await.expect("a count").get(0)
}

#[test]
fn idempotency_keys_older_than_a_day_make_room_for_new_ones() {
    stack::with(async |stack| {
        let (tenant, client) = (tenant::new(stack).await, database::superuser(stack).await);
        let make = async |name: &str, key: &str| {
            let by = tenant.administrator.request(Method::POST, "/concurrency-profiles");
            send(by.header("idempotency-key", key).json(&json!({ "name": name, "limit": 1 })))
                .await
                .expect(201)
        };
        make("a", "first-key").await;
        make("b", "second-key").await;
        assert_eq!(count(&client, &tenant, "idempotency_keys").await, 2);
        age(&client, &tenant, "idempotency_keys").await;
        make("c", "first-key").await;
        assert_eq!(
            count(&client, &tenant, "idempotency_keys").await,
            1,
            "the old one is gone, the same one new"
        );
        make("d", "third-key").await;
        assert_eq!(count(&client, &tenant, "idempotency_keys").await, 2, "what is young stays");
    });
}

#[test]
fn a_connections_tests_of_earlier_days_make_room_for_new_ones() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        let client = database::superuser(stack).await;
        let connection = work::connection(&tenant.administrator, "c", &world).await;
        let test = format!("/connections/{}/test", work::id(&connection));
        for _ in 0..2 {
            tenant.administrator.post(&test, &json!({})).await.expect(202);
        }
        assert_eq!(count(&client, &tenant, "connection_tests").await, 2);
        age(&client, &tenant, "connection_tests").await;
        tenant.administrator.post(&test, &json!({})).await.expect(202);
        assert_eq!(count(&client, &tenant, "connection_tests").await, 1);
    });
}
