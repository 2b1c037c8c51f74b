//! Values: parameters and outputs reach the platform as what they are, and what is missing stops a task before its start.

use serde_json::json;
use tests::{
    invariants, seen, stack, tenant,
    work::{self, SOON},
    world::{Answer, World},
};

#[test]
fn outputs_and_parameters_reach_what_comes_after_as_they_are() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, _| match request.path.as_str() {
            "/start/extract" => {
                Answer::Json(200, json!({ "rows": 42, "file": "a b/ü?.csv", "tags": ["x", "y"] }))
            }
            _ => Answer::Json(200, json!({})),
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut load = work::at_once("load", "platform", &["extract"]);
        load["start"] = json!({
            "path": "/files/{{ tasks.extract.outputs.file }}",
            "query": { "day": "{{ params.day }}" },
            "body": {
                "rows": "{{ tasks.extract.outputs.rows }}", "tags": "{{ tasks.extract.outputs.tags }}",
                "text": "{{ tasks.extract.outputs.rows }} rows of {{ params.day }}", "job": "{{ run.job }}",
            },
        });
        let parameters =
            json!({ "type": "object", "properties": { "day": { "type": "string" } }, "required": ["day"] });
        let job = json!({
            "name": "flow", "parameters": parameters, "tasks": [work::at_once("extract", "platform", &[]), load],
        });
        let job = tenant.administrator.post("/jobs", &job).await.expect(201);
        let body = json!({ "parameters": { "day": "2026-11-21\" & {{ 7 * 6 }}" } });
        let run = tenant.operator.post(&format!("/jobs/{}/runs", work::id(&job)), &body).await.expect(201);
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(seen::task(&run, "extract")["outputs"]["rows"], 42);
        let load = &world.ledger()[1];
        // One step of the path, whatever the value holds.
        assert!(load.path.starts_with("/files/a%20b%2F%C3%BC%3F.csv?day="), "{}", load.path);
        let body = load.json();
        assert_eq!(body["rows"], 42);
        assert_eq!(body["tags"], json!(["x", "y"]));
        // What a value holds is data: it is not rendered a second time.
        assert_eq!(body["text"], "42 rows of 2026-11-21\" & {{ 7 * 6 }}");
        assert_eq!(body["job"], "flow");
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_missing_value_fails_the_task_before_anything_is_started() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut second = work::at_once("second", "platform", &["first"]);
        second["start"]["body"] = json!({ "rows": "{{ tasks.first.outputs.rows }}" });
        let tasks = [
            work::at_once("first", "platform", &[]),
            second,
            work::at_once("third", "platform", &["second"]),
        ];
        let job = work::job(&tenant.administrator, "hollow", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
        assert_eq!(seen::starts(&world), ["first"]);
        assert_eq!(seen::state(&run, "second"), "failed/permanent");
        assert_eq!(seen::state(&run, "third"), "upstream_failed");
        assert!(seen::task(&run, "second").to_string().contains("tasks.first.outputs.rows"), "{run:#}");
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_template_that_names_nothing_is_refused_when_the_job_is_saved() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let wrong = [
            "{{ params.nothing }}",
            "{{ tasks.first.outputs.x }}",
            "{{ tasks.second.outputs.x }}",
            "{{ 1 +",
            "{{ env.HOME }}",
        ];
        for (n, text) in wrong.iter().enumerate() {
            let mut second = work::at_once("second", "platform", &[]);
            second["start"]["body"] = json!({ "x": text });
            let job = json!({ "name": format!("wrong {n}"), "tasks": [work::at_once("first", "platform", &[]), second] });
            let answer = tenant.administrator.post("/jobs", &job).await;
            assert_eq!(answer.status / 100, 4, "{text} was taken: {}", answer.text());
            assert!(
                answer.pointers().iter().any(|p| p.starts_with("/tasks/1/start/body/x")),
                "{text}: {}",
                answer.text()
            );
        }
    });
}

#[test]
fn a_condition_that_does_not_hold_skips_its_task() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|_, _| Answer::Json(200, json!({ "rows": 0 })));
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut guarded = work::at_once("guarded", "platform", &["count"]);
        guarded["run_if"] = json!("tasks.count.outputs.rows > 0");
        let mut zero = work::at_once("zero", "platform", &["count"]);
        zero["run_if"] = json!("tasks.count.outputs.rows == 0");
        let tasks = [work::at_once("count", "platform", &[]), guarded, zero];
        let job = work::job(&tenant.administrator, "conditional", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(seen::state(&run, "guarded"), "skipped/condition_false");
        assert_eq!(seen::state(&run, "zero"), "succeeded");
        assert_eq!(world.count("POST", "/start/guarded"), 0);
        invariants::hold(stack, &tenant).await;
    });
}
