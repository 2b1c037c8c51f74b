//! What one workspace may hold of the portal's instances: a call costs what it takes, over all of them, and what is known to take
//! long is worked for one caller of a workspace at a time, whichever instances are asked.

use std::time::Duration;

use futures_util::{
    StreamExt,
    future::{join, join_all},
    stream::FuturesUnordered,
};
use local::stack::Stack;
use serde_json::json;
use tests::{database, stack, tenant, work};
use tokio_postgres::Client;
use uuid::Uuid;

use super::rates::{count, flood};

/// Instances of a function that a machine runs side by side.
const INSTANCES: usize = 4;
/// For how long each of them is held.
const HELD: Duration = Duration::from_millis(1500);

/// Calls of a workspace that wait for whoever holds it where it is.
async fn waiting(client: &Client) -> usize {
    let ask = "select count(*) from pg_locks where locktype = 'advisory' and classid = 6 and not granted";
    let waiting: i64 = client.query_one(ask, &[]).await.expect("the locks").get(0);
    usize::try_from(waiting).expect("a count")
}

/// Has as many instances as there can be work on calls of a workspace at once, each for as long as [`HELD`].
async fn hold_every_instance(stack: &Stack, by: &tenant::Tenant) {
    let client = database::superuser(stack).await;
    let lock = async |how: &str| {
        let call = format!("select {how}(6, hashtext($1::uuid::text))");
        client.execute(&call, &[&by.id]).await.expect("a lock");
    };
    lock("pg_advisory_lock").await;
    let calls = join_all((0..INSTANCES).map(|_| by.operator.get("/runs")));
    let release = async {
        work::until("every instance works for it", work::SOON, async || waiting(&client).await == INSTANCES)
            .await;
        tokio::time::sleep(HELD).await;
        lock("pg_advisory_unlock").await;
    };
    let (answers, ()) = join(calls, release).await;
    assert_eq!(count(&answers, 200), INSTANCES, "they were let through, and answered in the end");
}

#[test]
fn a_call_costs_what_it_takes_over_all_instances() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let slow = tenant::with_limits(&stack, json!({ "api_rate": 10, "api_burst": 20 })).await;
        let other = tenant::with_limits(&stack, json!({})).await;
        work::until("all instances have started", work::SOON, async || {
            join_all((0..4 * INSTANCES).map(|_| other.operator.get("/me"))).await;
            let portal = &stack.cloud().functions()["portal"];
            portal.idle.len() + portal.busy.len() == INSTANCES
        })
        .await;
        hold_every_instance(&stack, &slow).await;
        // Each call has cost fifteen tokens, of twenty that the bucket holds and ten that it gains a second. One instance may
        // be asked before the others have told what is owed.
        let (answers, others) = join(
            flood(&slow.operator, 2 * INSTANCES, Duration::from_secs(2)),
            flood(&other.operator, 1, Duration::from_secs(2)),
        )
        .await;
        let through = count(&answers, 200);
        assert_eq!(through + count(&answers, 429), answers.len());
        assert!(through <= 8, "{through} of {} calls beside sixty tokens owed", answers.len());
        assert_eq!(count(&others, 200), others.len(), "nobody else pays for it");
        work::until("what it gains has paid that off", work::SOON, async || {
            slow.operator.get("/me").await.status == 200
        })
        .await;
        stack.stop().await;
    });
}

/// Holds, or lets go of, a workspace's one place for an operation, as an instance elsewhere would.
async fn place(client: &Client, how: &str, workspace: Uuid, operation: &str) {
    let call = format!("select {how}(8, hashtext($1::uuid::text || $2))");
    client.execute(&call, &[&workspace, &operation]).await.expect("a lock");
}

#[test]
fn what_takes_long_is_refused_while_it_is_worked_for_somebody_of_the_workspace() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let client = database::superuser(stack).await;
        let reads = async || {
            let log = work::all(&tenant.administrator, "/audit").await;
            log.iter().filter(|row| row["action"] == "audit.read").count()
        };
        let before = reads().await;
        for (path, operation) in [("/audit/verify", "audit.verify"), ("/audit/export", "audit.export")] {
            place(&client, "pg_advisory_lock", tenant.id, operation).await;
            let refused = tenant.administrator.get(path).await;
            refused.problem(429, "one_at_a_time");
            assert_eq!(refused.header("retry-after"), "5");
            assert_eq!(refused.header("ratelimit"), "", "it has calls left");
            tenant.operator.get(path).await.problem(403, "forbidden");
            tenant.administrator.get("/audit/head").await.expect(200);
            other.administrator.get(path).await.expect(200);
            place(&client, "pg_advisory_unlock", tenant.id, operation).await;
            tenant.administrator.get(path).await.expect(200);
        }
        // The list was read once before, and the export once: who was refused has read nothing.
        assert_eq!(reads().await, before + 2);
    });
}

#[test]
fn of_many_that_verify_at_once_one_is_let_in_over_all_instances() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let client = database::superuser(stack).await;
        // Whoever is let in stays there until this is over.
        let hold = format!("begin; lock table \"{}\".seals in access exclusive mode", tenant.schema);
        client.batch_execute(&hold).await.expect("a lock");
        let callers = 3 * INSTANCES;
        let mut calls: FuturesUnordered<_> =
            (0..callers).map(|_| tenant.administrator.get("/audit/verify")).collect();
        for _ in 1..callers {
            calls.next().await.expect("an answer").problem(429, "one_at_a_time");
        }
        other.operator.get("/me").await.expect(200);
        client.batch_execute("commit").await.expect("an end");
        let found = calls.next().await.expect("the last answer").expect(200);
        assert_eq!(found["verified"], true, "{found}");
    });
}
