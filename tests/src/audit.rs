//! The audit log in tests: sealed at once, verified to its end, exported whole.

use std::time::Instant;

use local::stack::Stack;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{caller::Caller, database, work::SOON};

/// Has the steward seal until nothing of this workspace is left to seal. Other tests' transactions hold it up for a moment.
pub async fn seal(stack: &Stack, tenant: Uuid) {
    let client = database::superuser(stack).await;
    let started = Instant::now();
    while is_due(&client, tenant).await {
        assert!(started.elapsed() < SOON, "{tenant} is not sealed");
        pass(stack, &client, tenant).await;
    }
}

/// One pass of the sealing, which finds this workspace due if anything of it is.
pub async fn pass(stack: &Stack, client: &Client, tenant: Uuid) -> Value {
    let now =
        "update system.due set at = system.now() - interval '1 hour' where kind = 'seal' and tenant_id = $1";
    client.execute(now, &[&tenant]).await.expect("the due index");
    stack.order(json!({ "do": "seal" })).await.expect("the steward seals")
}

/// Waits until the clock that wakes the sealing is not about to: for a test that looks at what a pass of its own does.
pub async fn between_ticks(client: &Client) {
    let ask = "select extract(second from clock_timestamp())::float8";
    loop {
        let second: f64 = client.query_one(ask, &[]).await.expect("the hour").get(0);
        if (4.0..48.0).contains(&second) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// Whether anything of a workspace is due to be sealed.
pub async fn is_due(client: &Client, tenant: Uuid) -> bool {
    let ask = "select count(*) from system.due where kind = 'seal' and tenant_id = $1";
    client.query_one(ask, &[&tenant]).await.expect("the due index").get::<_, i64>(0) > 0
}

/// What verifying the whole chain comes to; the sums of its calls.
pub async fn verify(by: &Caller, head: Option<&String>) -> Value {
    let (mut cursor, mut seals, mut rows) = (Value::Null, 0, 0);
    loop {
        let mut path = "/audit/verify?".to_owned();
        if let Some(head) = head {
            path.push_str(&format!("head={head}&"));
        }
        if let Some(cursor) = cursor.as_str() {
            path.push_str(&format!("cursor={cursor}"));
        }
        let mut found = by.get(&path).await.expect(200);
        seals += found["seals"].as_u64().expect("a count");
        rows += found["rows"].as_u64().expect("a count");
        cursor = found["next_cursor"].take();
        if cursor.is_null() {
            found["seals"] = seals.into();
            found["rows"] = rows.into();
            return found;
        }
    }
}

/// The items of the whole export.
pub async fn export(by: &Caller) -> Vec<Value> {
    let mut items = Vec::new();
    let mut path = "/audit/export".to_owned();
    loop {
        let mut page = by.get(&path).await.expect(200);
        items.append(page["items"].as_array_mut().expect("items"));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/audit/export?cursor={cursor}"),
            None => return items,
        }
    }
}
