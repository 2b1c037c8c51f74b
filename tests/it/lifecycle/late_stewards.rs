//! A steward is frozen in the middle of an operation and wakes when another has long done the rest: it changes nothing.

use std::time::Duration;

use futures_util::future::join;
use serde_json::{Value, json};
use tests::{
    database, stack,
    steps::PAST_THE_LEASE,
    tenant::{self, Tenant},
    work::{self, SOON},
};
use tokio_postgres::Client;

async fn state(tenant: &Tenant) -> Value {
    tenant.administrator.get("/workspace").await.expect(200)["state"].clone()
}

/// Has an operation wait for so long from now on.
async fn put_off(client: &Client, asked: &Value, by: &str) {
    let wait = format!(
        "update system.operations set not_before = system.now() + interval '{by}' where id = '{}'",
        work::id(asked)
    );
    client.batch_execute(&wait).await.expect("it waits");
}

#[test]
fn a_steward_that_wakes_after_its_suspension_does_not_end_the_next_one() {
    stack::run(async {
        // No tick comes between: each steward is sent.
        let stack = stack::own(|settings| settings.ticks = false).await;
        let tenant = tenant::new(&stack).await;
        let by = &tenant.administrator;
        stack.cloud().pause_queue("provision", true).expect("a queue");
        by.post("/workspace/suspend", &json!({})).await.expect(202);

        // Held as it looks whether anything is being started: what comes next is the end of the suspension.
        let (holder, watching) = (database::superuser(&stack).await, database::superuser(&stack).await);
        let lock = format!("begin; lock table \"{}\".attempts in access exclusive mode", tenant.schema);
        holder.batch_execute(&lock).await.expect("a lock");
        let waits = format!(
            "select exists (select from pg_locks where relation = '\"{}\".attempts'::regclass and not granted)",
            tenant.schema
        );
        let rest = async {
            work::until("a steward looks", SOON, async || {
                watching.query_one(&waits, &[]).await.expect("the locks").get(0)
            })
            .await;
            assert!(stack.cloud().freeze("steward").expect("a function") > 0);
            holder.batch_execute("commit").await.expect("the lock is gone");
            stack.advance(PAST_THE_LEASE).await.expect("time passes");
            work::until("another one has suspended it", SOON, async || {
                stack.order(json!({ "do": "operate" })).await.expect("the steward works");
                state(&tenant).await == "suspended"
            })
            .await;
            by.post("/workspace/reactivate", &json!({})).await.expect(200);
            let again = by.post("/workspace/suspend", &json!({})).await.expect(202);
            assert_eq!(state(&tenant).await, "suspending");
            // Nobody is at that one before it is time.
            put_off(&watching, &again, "1 day").await;
            assert!(stack.cloud().thaw("steward").expect("a function") > 0);
            again
        };
        let (late, again) = join(stack.order(json!({ "do": "operate" })), rest).await;
        assert_eq!(state(&tenant).await, "suspending", "the late one ended it: {late:?}");
        put_off(&watching, &again, "0").await;
        stack.cloud().pause_queue("provision", false).expect("a queue");
        let path = format!("/workspace/operations/{}", work::id(&again));
        work::until("the second suspension is done", Duration::from_secs(30), async || {
            stack.order(json!({ "do": "operate" })).await.expect("the steward works");
            by.get(&path).await.expect(200)["state"] == "succeeded"
        })
        .await;
        assert_eq!(state(&tenant).await, "suspended");
        stack.stop().await;
    });
}
