//! The dispatcher is killed while a statement runs, and while its transaction commits: the work is done exactly once.

use std::time::Duration;

use serde_json::json;
use tests::{
    invariants, seen, stack, tenant,
    warehouse::Warehouse,
    work::{self, SOON},
};

use super::kills::PAST_ANY_LEASE;

/// Rows that say how often the work was done.
const DONE: &str = "select count(*) from done";

#[test]
fn a_statement_that_was_cut_off_is_done_once() {
    killed("insert into done values (now()); select pg_sleep(3)", "create table done (at timestamptz)");
}

/// The commit itself takes a while, and goes through although nobody waits for it any more.
#[test]
fn a_commit_whose_answer_nobody_saw_is_not_done_again() {
    let slow_commit = "
        create table done (at timestamptz);
        create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(3); return null; end $$;
        create constraint trigger dawdle after insert on done deferrable initially deferred
            for each row execute function dawdle()";
    killed("insert into done values (now())", slow_commit);
}

fn killed(sql: &str, tables: &str) {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, warehouse) = (tenant::new(&stack).await, Warehouse::new(&stack).await);
        let client = warehouse.client().await;
        client.batch_execute(tables).await.expect("the customer's tables");
        warehouse.connection(&tenant.administrator, "warehouse").await;
        let task = json!({ "name": "load", "connection": "warehouse", "start": { "sql": sql } });
        let job = work::job(&tenant.administrator, "load", &[task]).await;
        let run = work::run(&tenant.operator, &job).await;
        let sleeping = format!(
            "select count(*) from pg_stat_activity where usename = '{}' and wait_event = 'PgSleep'",
            warehouse.login.user
        );
        work::until("the statement or its commit is at work", SOON, async || {
            warehouse.number(&sleeping).await == 1
        })
        .await;
        assert!(stack.cloud().kill("dispatcher").await.expect("a function") > 0);
        assert_eq!(warehouse.number(DONE).await, 0, "killed too late to prove anything");
        // What was under way ends by itself, in a rollback or in a commit.
        tokio::time::sleep(Duration::from_secs(4)).await;
        stack.advance(PAST_ANY_LEASE).await.expect("time moves");
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(warehouse.number(DONE).await, 1);
        assert_eq!(warehouse.number("select count(*) from signalbox.attempts").await, 1);
        assert_eq!(seen::attempts(&run, "load").len(), 1);
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn the_second_call_waits_for_a_first_one_that_is_still_at_work() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, warehouse) = (tenant::new(&stack).await, Warehouse::new(&stack).await);
        warehouse.client().await.batch_execute("create table done (at timestamptz)").await.expect("a table");
        warehouse.connection(&tenant.administrator, "warehouse").await;
        // The statement lasts for as long as this lock is held.
        let holder = warehouse.client().await;
        holder.batch_execute("select pg_advisory_lock(42)").await.expect("a lock");
        let sql = "with held as materialized (select pg_advisory_xact_lock(42)) insert into done select now() from held";
        let task = json!({ "name": "load", "connection": "warehouse", "start": { "sql": sql } });
        let job = work::job(&tenant.administrator, "load", &[task]).await;
        let run = work::run(&tenant.operator, &job).await;
        let sessions = format!(
            "select count(*) from pg_stat_activity where usename = '{}' and pid <> pg_backend_pid() and state = 'active'",
            warehouse.login.user
        );
        work::until("the statement runs", SOON, async || warehouse.number(&sessions).await == 1).await;
        // Frozen, not killed: its session lives on, and so does its transaction.
        assert!(stack.cloud().freeze("dispatcher").expect("a function") > 0);
        stack.advance(PAST_ANY_LEASE).await.expect("time moves");
        work::until("a second call is made", SOON, async || warehouse.number(&sessions).await == 2).await;
        holder.batch_execute("select pg_advisory_unlock(42)").await.expect("the lock");
        stack.cloud().thaw("dispatcher").expect("a function");
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(warehouse.number(DONE).await, 1);
        assert_eq!(seen::attempts(&run, "load").len(), 1);
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}
