//! The `postgres` kind: values keep their types, errors have their classes, and a statement's work is done once.

use serde_json::{Value, json};
use tests::{
    invariants, seen, stack,
    tenant::{self, Tenant},
    warehouse::Warehouse,
    work::{self, SOON},
};

fn sql(name: &str, sql: &str, args: Value, after: &[&str]) -> Value {
    json!({ "name": name, "connection": "warehouse", "depends_on": after, "start": { "sql": sql, "args": args } })
}

async fn ran(tenant: &Tenant, name: &str, tasks: &[Value], state: &str) -> Value {
    let job = work::job(&tenant.administrator, name, tasks).await;
    let run = work::run(&tenant.operator, &job).await;
    work::wait_for_run(&tenant.operator, &run, state, SOON).await
}

#[test]
fn values_reach_the_database_as_what_they_are_and_rows_come_back_as_outputs() {
    stack::with(async |stack| {
        let (tenant, warehouse) = (tenant::new(stack).await, Warehouse::new(stack).await);
        warehouse.connection(&tenant.administrator, "warehouse").await;
        let client = warehouse.client().await;
        client
            .batch_execute("create table sales (day date, amount numeric, note text, tags jsonb, big bigint, ok boolean)")
            .await
            .expect("a table");
        let nasty = "Robert'); drop table sales; -- $1 ü \\ {{ 1 }}";
        let args =
            json!(["2026-02-28", 12.50, nasty, { "a": ["{{ run.job }}"] }, 9_007_199_254_740_993_i64, null]);
        let insert = "insert into sales values ($1, $2, $3, $4, $5, $6)";
        let tasks = [
            sql("load", insert, args.clone(), &[]),
            sql(
                "read",
                "select day, amount, note, tags, big, ok, count(*) over () as n from sales",
                json!([]),
                &["load"],
            ),
            sql(
                "use",
                "select $1::bigint + 1 as next",
                json!(["{{ tasks.read.outputs.rows[0].n }}"]),
                &["read"],
            ),
        ];
        let mut job = json!({ "name": "typed", "tasks": tasks });
        // Only declared texts are templates: the note's braces are data that came as a template of its own.
        job["tasks"][0]["start"]["args"][2] = json!("{{ params.note }}");
        job["parameters"] = json!({ "type": "object", "properties": { "note": { "type": "string" } } });
        let job = tenant.administrator.post("/jobs", &job).await.expect(201);
        let body = json!({ "parameters": { "note": nasty } });
        let run = tenant.operator.post(&format!("/jobs/{}/runs", work::id(&job)), &body).await.expect(201);
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        let row = &seen::task(&run, "read")["outputs"]["rows"][0];
        assert_eq!(row["day"], "2026-02-28");
        assert_eq!(row["amount"], "12.5");
        assert_eq!(row["note"], nasty);
        assert_eq!(row["tags"], json!({ "a": ["typed"] }));
        assert_eq!(row["big"], 9_007_199_254_740_993_i64);
        assert_eq!(row["ok"], Value::Null);
        assert_eq!(seen::task(&run, "load")["outputs"]["row_count"], 1);
        assert_eq!(seen::task(&run, "use")["outputs"]["rows"][0]["next"], 2);
        assert_eq!(warehouse.number("select count(*) from signalbox.attempts").await, 3);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn an_error_of_the_database_has_its_class_and_its_words_and_leaves_nothing() {
    stack::with(async |stack| {
        let (tenant, warehouse) = (tenant::new(stack).await, Warehouse::new(stack).await);
        warehouse.connection(&tenant.administrator, "warehouse").await;
        let client = warehouse.client().await;
        client.batch_execute("create table t (n int check (n < 10))").await.expect("a table");
        let slow = "insert into t values (1); select pg_sleep(30)";
        let mut slow = sql("slow", slow, json!([]), &[]);
        slow["start"]["timeout_s"] = json!(1);
        let cases = [
            (sql("syntax", "selekt 1", json!([]), &[]), "failed/permanent", "42601"),
            (sql("missing", "insert into nowhere values (1)", json!([]), &[]), "failed/permanent", "nowhere"),
            (
                sql(
                    "check",
                    "with a as (insert into t values (1)) insert into t values (99)",
                    json!([]),
                    &[],
                ),
                "failed/permanent",
                "t_n_check",
            ),
            (
                sql("number", "insert into t values ($1)", json!(["twelve"]), &[]),
                "failed/permanent",
                "twelve",
            ),
            (sql("count", "insert into t values ($1)", json!([1, 2]), &[]), "failed/permanent", "args has 2"),
            (
                sql("raised", "do $$ begin raise 'stop %', 42; end $$", json!([]), &[]),
                "failed/permanent",
                "stop 42",
            ),
            (
                sql("deadlock", "do $$ begin raise 'again' using errcode = '40P01'; end $$", json!([]), &[]),
                "failed/transient",
                "again",
            ),
            (
                sql("ends", "insert into t values (1); commit; begin", json!([]), &[]),
                "failed/permanent",
                "commit",
            ),
            (slow, "timed_out/start_to_close", "timeout_s"),
        ];
        let tasks: Vec<Value> = cases.iter().map(|case| case.0.clone()).collect();
        let run = ran(&tenant, "errors", &tasks, "failed").await;
        for (task, state, said) in &cases {
            let name = task["name"].as_str().expect("a name");
            assert_eq!(seen::state(&run, name), *state, "{run:#}");
            assert!(
                seen::task(&run, name).to_string().contains(said),
                "{name} does not say {said:?}: {run:#}"
            );
        }
        // `ends` broke the rule and committed; nothing else left a trace.
        assert!(warehouse.number("select count(*) from t").await <= 1);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn more_rows_than_can_be_kept_are_counted_and_the_work_is_done_once() {
    stack::with(async |stack| {
        let (tenant, warehouse) = (tenant::new(stack).await, Warehouse::new(stack).await);
        warehouse.connection(&tenant.administrator, "warehouse").await;
        let tasks = [
            sql("many", "select n, repeat('x', 2000) as pad from generate_series(1, 5000) n", json!([]), &[]),
            // Written out by the database, each of these is 300 digits.
            sql(
                "wide",
                "select 1e300::float8 a, 1e300::float8 b, 1e300::float8 c from generate_series(1, 100)",
                json!([]),
                &[],
            ),
            sql(
                "odd",
                "select 'NaN'::float8 nan, 'infinity'::timestamptz at, '{1,2}'::int[] list",
                json!([]),
                &[],
            ),
        ];
        let run = ran(&tenant, "much", &tasks, "succeeded").await;
        assert_eq!(seen::task(&run, "many")["outputs"]["row_count"], 5000);
        assert!(seen::task(&run, "many")["outputs"]["rows"].as_array().is_some_and(|rows| rows.len() <= 100));
        assert_eq!(warehouse.number("select count(*) from signalbox.attempts").await, 3);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_script_is_one_transaction() {
    stack::with(async |stack| {
        let (tenant, warehouse) = (tenant::new(stack).await, Warehouse::new(stack).await);
        warehouse.connection(&tenant.administrator, "warehouse").await;
        warehouse.client().await.batch_execute("create table t (n int primary key)").await.expect("a table");
        let tasks = [sql(
            "half",
            "insert into t values (1); insert into t values (2); insert into t values (1)",
            json!([]),
            &[],
        )];
        ran(&tenant, "half", &tasks, "failed").await;
        assert_eq!(warehouse.number("select count(*) from t").await, 0);
        let tasks = [sql("whole", "insert into t values (1); insert into t values (2)", json!([]), &[])];
        ran(&tenant, "whole", &tasks, "succeeded").await;
        assert_eq!(warehouse.number("select count(*) from t").await, 2);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_database_without_the_table_of_attempts_is_told_apart() {
    stack::with(async |stack| {
        let (tenant, warehouse) = (tenant::new(stack).await, Warehouse::new(stack).await);
        warehouse.connection(&tenant.administrator, "warehouse").await;
        warehouse
            .client()
            .await
            .batch_execute("drop table signalbox.attempts; create table t (n int)")
            .await
            .expect("DDL");
        let run = ran(
            &tenant,
            "unmarked",
            &[sql("unmarked", "insert into t values (1)", json!([]), &[])],
            "failed",
        )
        .await;
        assert!(seen::task(&run, "unmarked").to_string().contains("signalbox.attempts"), "{run:#}");
        assert_eq!(warehouse.number("select count(*) from t").await, 0);
    });
}

#[test]
fn a_template_in_sql_is_refused_when_the_job_is_saved() {
    stack::with(async |stack| {
        let (tenant, warehouse) = (tenant::new(stack).await, Warehouse::new(stack).await);
        warehouse.connection(&tenant.administrator, "warehouse").await;
        let parameters = json!({ "type": "object", "properties": { "day": { "type": "string" } } });
        let tasks = [sql("injected", "select '{{ params.day }}'", json!([]), &[])];
        let job = json!({ "name": "injected", "parameters": parameters, "tasks": tasks });
        let answer = tenant.administrator.post("/jobs", &job).await;
        assert_eq!(answer.status / 100, 4, "{}", answer.text());
        assert_eq!(answer.pointers(), ["/tasks/0/start/sql"]);
    });
}
