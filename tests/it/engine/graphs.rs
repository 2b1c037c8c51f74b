//! Graphs: what goes after what, and what goes at all.

use serde_json::{Value, json};
use tests::{
    invariants, seen, stack, tenant,
    work::{self, SOON},
    world::{Answer, World},
};

#[test]
fn a_chain_goes_in_order_and_each_task_once() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "chain", &work::chain("platform", 6)).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(seen::starts(&world), ["t0", "t1", "t2", "t3", "t4", "t5"]);
        for task in run["tasks"].as_array().expect("tasks") {
            assert_eq!(task["state"], "succeeded", "{task}");
            assert_eq!(task["attempts"].as_array().map(Vec::len), Some(1), "{task}");
        }
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_fan_waits_for_all_of_its_branches() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "fan", &work::fan("platform", 12)).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        let starts = seen::starts(&world);
        assert_eq!(starts.len(), 14, "{starts:?}");
        assert_eq!((starts[0].as_str(), starts[13].as_str()), ("first", "last"));
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_task_after_polled_ones_starts_when_the_last_has_ended() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::of_runs(2));
        work::connection(&tenant.administrator, "platform", &world).await;
        let tasks = [
            work::polled("left", "platform", &[]),
            work::polled("right", "platform", &[]),
            work::polled("both", "platform", &["left", "right"]),
        ];
        let job = work::job(&tenant.administrator, "polled", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        let ledger = world.ledger();
        let third = ledger.iter().filter(|e| e.path == "/runs").nth(2).expect("three starts").at;
        for id in ["ext-0", "ext-1"] {
            let path = format!("/runs/{id}");
            let asked: Vec<_> = ledger.iter().filter(|e| e.path == path && e.at < third).collect();
            assert!(asked.len() > 2, "{id} was asked {} times before the next task", asked.len());
        }
        assert!(seen::task(&run, "both")["attempts"][0]["external_run_id"] == "ext-2", "{run:#}");
        invariants::hold(stack, &tenant).await;
    });
}

/// `good` and `bad` come first; then a task for each rule after both.
const RULES: [(&str, &str); 10] = [
    ("all_success", "upstream_failed"),
    ("all_done", "succeeded"),
    ("all_failed", "skipped"),
    ("one_success", "succeeded"),
    ("one_failed", "succeeded"),
    ("one_done", "succeeded"),
    ("none_failed", "upstream_failed"),
    ("none_skipped", "succeeded"),
    ("all_done_min_one_success", "succeeded"),
    ("always", "succeeded"),
];

#[test]
fn a_trigger_rule_decides_what_a_failure_upstream_means() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, _| match request.path.as_str() {
            "/start/bad" => Answer::Json(400, json!({ "error": "no" })),
            _ => Answer::Json(200, json!({})),
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut tasks = vec![work::at_once("good", "platform", &[]), work::at_once("bad", "platform", &[])];
        tasks.extend(RULES.iter().map(|(rule, _)| ruled(rule)));
        let job = work::job(&tenant.administrator, "rules", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        // However many clean up after it: a task failed.
        let run = work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
        for (rule, state) in RULES {
            assert_eq!(seen::task(&run, rule)["state"], state, "{rule}: {run:#}");
            let starts = usize::from(state == "succeeded");
            assert_eq!(world.count("POST", &format!("/start/{rule}")), starts, "{rule}");
        }
        invariants::hold(stack, &tenant).await;
    });
}

fn ruled(rule: &str) -> Value {
    let mut task = work::at_once(rule, "platform", &["good", "bad"]);
    task["trigger_rule"] = json!(rule);
    task
}

#[test]
fn a_failure_reaches_everything_that_needs_it_and_nothing_else() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, _| {
            let status = if request.path == "/start/bad" { 400 } else { 200 };
            Answer::Json(status, json!({}))
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let tasks = [
            work::at_once("bad", "platform", &[]),
            work::at_once("child", "platform", &["bad"]),
            work::at_once("grandchild", "platform", &["child"]),
            work::at_once("beside", "platform", &[]),
            work::at_once("after", "platform", &["beside"]),
        ];
        let job = work::job(&tenant.administrator, "two branches", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
        let states = ["bad", "child", "grandchild", "beside", "after"]
            .map(|name| seen::task(&run, name)["state"].clone());
        assert_eq!(states, ["failed", "upstream_failed", "upstream_failed", "succeeded", "succeeded"]);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn runs_beyond_a_jobs_limit_wait_for_their_turn() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::of_runs(2));
        work::connection(&tenant.administrator, "platform", &world).await;
        let tasks = [work::polled("only", "platform", &[])];
        let job = json!({ "name": "one at a time", "tasks": tasks, "max_active_runs": 1 });
        let job = tenant.administrator.post("/jobs", &job).await.expect(201);
        let (first, second) =
            (work::run(&tenant.operator, &job).await, work::run(&tenant.operator, &job).await);
        work::wait_for_run(&tenant.operator, &second, "succeeded", SOON).await;
        work::wait_for_run(&tenant.operator, &first, "succeeded", SOON).await;
        let ledger = world.ledger();
        let starts: Vec<_> = ledger.iter().filter(|e| e.path == "/runs").map(|e| e.at).collect();
        let ended = ledger.iter().rfind(|e| e.path == "/runs/ext-0").expect("the first was polled").at;
        assert_eq!(starts.len(), 2);
        assert!(starts[1] > ended, "the second run started before the first had ended");
        invariants::hold(stack, &tenant).await;
    });
}
