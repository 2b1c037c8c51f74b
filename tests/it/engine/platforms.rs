//! Platforms that misbehave: each way of it comes to a clear error or a visible doubt, and a place that must not be called is
//! not called.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    invariants, seen, stack, tenant,
    work::{self, SOON},
    world::{Answer, World},
};

/// 50 MB.
const HUGE: usize = 50 * 1024 * 1024;

/// A way of misbehaving, the state it comes to, and what its explanation says.
type Case = (&'static str, Answer, &'static str, &'static str);

fn raw(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Answer {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Answer::Raw(status, headers, body.to_vec())
}

/// Answers to a start that is itself the end.
fn ends() -> Vec<Case> {
    let page = b"<!doctype html><title>Sign in</title><form>";
    vec![
        ("hang", Answer::Hang, "active/start_unknown", "answer was not seen"),
        ("cut", Answer::Cut, "active/start_unknown", "answer was not seen"),
        (
            "page",
            raw(200, &[("content-type", "text/html; charset=utf-8")], page),
            "failed/permanent",
            "sign-in",
        ),
        (
            "redirect",
            raw(302, &[("location", "/elsewhere")], b""),
            "failed/permanent",
            "Redirects are not followed",
        ),
        ("refusal", raw(400, &[], b"\xff\xfe\x00 not text"), "failed/permanent", "400"),
        ("huge-refusal", raw(400, &[], &vec![b'x'; HUGE]), "failed/permanent", "400"),
        ("forbidden", raw(403, &[], b"no"), "failed/auth", "403"),
        ("huge", raw(200, &[], &vec![b'x'; HUGE]), "succeeded", "was not read"),
        ("garbage", raw(200, &[("content-type", "application/json")], b"{\"a\":"), "succeeded", ""),
    ]
}

/// Answers to a start that is to be followed.
fn followed() -> Vec<Case> {
    let page = b"<!doctype html><title>Sign in</title><form>";
    vec![
        (
            "no-id",
            Answer::Json(200, json!({ "result": "fine" })),
            "active/start_unknown",
            "without the run's id",
        ),
        (
            "odd-id",
            Answer::Json(200, json!({ "id": { "a": 1 } })),
            "active/start_unknown",
            "without the run's id",
        ),
        (
            "long-id",
            Answer::Json(200, json!({ "id": "x".repeat(501) })),
            "active/start_unknown",
            "without the run's id",
        ),
        ("followed-page", raw(200, &[("content-type", "text/html")], page), "active/start_unknown", ""),
        ("followed-garbage", raw(200, &[], b"\x00\x01\x02"), "active/start_unknown", ""),
        ("followed-huge", raw(201, &[], &vec![b' '; HUGE]), "active/start_unknown", ""),
    ]
}

#[test]
fn each_way_of_misbehaving_comes_to_a_clear_end_or_a_visible_doubt() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let cases: Vec<Case> = ends().into_iter().chain(followed()).collect();
        let answers = cases.clone();
        let world = World::new(move |request, _| {
            let name = request.path.trim_start_matches("/start/");
            answers
                .iter()
                .find(|case| case.0 == name)
                .map_or(Answer::Json(404, json!({})), |case| case.1.clone())
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let runs = start_all(&tenant, &cases).await;
        for ((name, _, state, said), run) in cases.iter().zip(runs) {
            let path = format!("/runs/{}", work::id(&run));
            let mut run = Value::Null;
            work::until(&format!("{name} is {state}"), SOON, async || {
                run = tenant.operator.get(&path).await.expect(200);
                seen::state(&run, name) == *state
            })
            .await;
            assert!(
                seen::task(&run, name).to_string().contains(said),
                "{name} does not say {said:?}: {run:#}"
            );
            // A refused credential is read once more.
            let starts = if *state == "failed/auth" { 2 } else { 1 };
            assert_eq!(world.count("POST", &format!("/start/{name}")), starts, "{name}");
        }
        assert_eq!(world.count("GET", "/elsewhere") + world.count("POST", "/elsewhere"), 0);
        // What is in doubt keeps its slot: it may be running.
        let doubts = cases.iter().filter(|case| case.2 == "active/start_unknown").count();
        let held = format!("slots where in_use = {doubts}");
        assert_eq!(invariants::count(stack, &tenant, &held).await, 1, "{held}");
        invariants::hold(stack, &tenant).await;
    });
}

async fn start_all(tenant: &tenant::Tenant, cases: &[Case]) -> Vec<Value> {
    let mut runs = Vec::new();
    let ends = ends().len();
    for (n, (name, ..)) in cases.iter().enumerate() {
        let mut task =
            if n < ends { work::at_once(name, "platform", &[]) } else { work::polled(name, "platform", &[]) };
        task["start"]["path"] = json!(format!("/start/{name}"));
        task["timeouts"] = json!({ "start_s": 3 });
        task["retry"] = json!({ "max_attempts": 1 });
        let job = work::job(&tenant.administrator, name, &[task]).await;
        runs.push(work::run(&tenant.operator, &job).await);
    }
    runs
}

#[test]
fn a_platform_that_loses_its_voice_for_a_while_is_asked_until_it_is_back() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, before| {
            let asked = before.iter().filter(|e| e.path == request.path).count();
            match (request.path.as_str(), asked) {
                ("/runs", _) => Answer::Json(201, json!({ "id": "only" })),
                (_, 0) => Answer::Cut,
                (_, 1) => raw(200, &[], b"<html>"),
                (_, 2) => Answer::Json(503, json!({})),
                (_, 3) => Answer::Json(200, json!({ "state": "pondering" })),
                (_, 4) => raw(200, &[], &vec![b' '; HUGE]),
                _ => Answer::Json(200, json!({ "state": "succeeded" })),
            }
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let job =
            work::job(&tenant.administrator, "patience", &[work::polled("only", "platform", &[])]).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", Duration::from_secs(60)).await;
        assert_eq!(seen::attempts(&run, "only").len(), 1);
        assert_eq!(world.count("POST", "/runs"), 1);
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_zero_character_in_what_a_platform_says_strands_nothing() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        // JSON may hold it, PostgreSQL's text may not.
        let world = World::new(|request, before| {
            let asked = before.iter().filter(|e| e.path == request.path).count();
            match (request.path.as_str(), asked) {
                ("/start/output", _) => Answer::Json(200, json!({ "text": "a\0b", "key\0": 1 })),
                ("/start/refusal", _) => raw(400, &[], b"a\0b"),
                ("/start/id", _) => Answer::Json(201, json!({ "id": "a\0b" })),
                ("/runs", _) => Answer::Json(201, json!({ "id": "fine" })),
                ("/runs/fine", 0) => Answer::Json(200, json!({ "state": "odd\0state" })),
                ("/runs/fine", _) => Answer::Json(200, json!({ "state": "succeeded", "result": "\0" })),
                _ => Answer::Json(200, json!({ "state": "succeeded" })),
            }
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let (mut id, mut polled) =
            (work::polled("id", "platform", &[]), work::polled("polled", "platform", &[]));
        id["start"]["path"] = json!("/start/id");
        polled["start"]["poll"]["outputs_pointer"] = json!("/result");
        let tasks =
            [work::at_once("output", "platform", &[]), work::at_once("refusal", "platform", &[]), polled, id];
        let job = work::job(&tenant.administrator, "zero", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let path = format!("/runs/{}", work::id(&run));
        let ends = [("output", "succeeded"), ("refusal", "failed/permanent"), ("polled", "succeeded")];
        work::until("each is recorded", SOON, async || {
            let run = tenant.operator.get(&path).await.expect(200);
            ends.iter().all(|(name, state)| seen::state(&run, name) == *state)
                && seen::state(&run, "id") != "active/dispatching"
        })
        .await;
        assert_eq!(world.count("POST", "/start/id"), 1);
        invariants::hold(stack, &tenant).await;
    });
}
