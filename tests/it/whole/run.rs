//! A job from sign-in to its end, seen from outside (the world's ledger) and inside (events, audit, dashboard).

use serde_json::{Value, json};
use tests::{
    database, stack, tenant,
    work::{self, SOON},
    world::{Answer, World},
};

/// Names of the tasks of a run, in the order in which the world saw them start.
fn started(world: &World) -> Vec<String> {
    let starts = world.ledger();
    starts.iter().filter_map(|entry| entry.path.strip_prefix("/start/").map(str::to_owned)).collect()
}

fn tasks(run: &Value) -> &Vec<Value> {
    run["tasks"].as_array().expect("the tasks of a run")
}

#[test]
fn a_job_of_four_tasks_runs_to_its_end_and_starts_each_task_once() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::at_once();
        work::connection(&tenant.administrator, "world", &world).await;
        let job = work::job(&tenant.administrator, "nightly", &work::chain("world", 4)).await;
        let run = work::run(&tenant.operator, &job).await;
        assert_eq!(run["trigger"], "manual");
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;

        assert_eq!(started(&world), ["t0", "t1", "t2", "t3"], "each once, each after the one before");
        assert_eq!(run["job_id"], job["id"]);
        assert_eq!(run["job_version"], 1);
        for field in ["created_at", "started_at", "finished_at"] {
            assert!(run[field].is_string(), "{field}: {run:#}");
        }
        for (task, before) in tasks(&run).iter().zip([None, Some("t0"), Some("t1"), Some("t2")]) {
            assert_eq!(task["state"], "succeeded", "{task:#}");
            assert_eq!(task["depends_on"], json!(before.as_slice()));
            assert_eq!(task["attempts"].as_array().map(Vec::len), Some(1), "{task:#}");
            assert_eq!(task["attempts"][0]["number"], 1);
        }
        let client = database::superuser(stack).await;
        let owed =
            client.query_one("select count(*) from system.outbox where tenant_id = $1", &[&tenant.id]).await;
        assert_eq!(owed.expect("the outbox").get::<_, i64>(0), 0, "nothing is owed when all is done");
    });
}

#[test]
fn a_fan_waits_for_what_it_depends_on_and_passes_outputs_and_parameters_on() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, _| match request.path.as_str() {
            "/start/first" => Answer::Json(200, json!({ "rows": 17 })),
            _ => Answer::Json(200, json!({ "ok": true })),
        });
        work::connection(&tenant.administrator, "world", &world).await;
        let mut tasks = work::fan("world", 5);
        let last = tasks.last_mut().expect("a last task");
        last["start"]["body"] =
            json!({ "day": "{{ params.day }}", "rows": "{{ tasks.first.outputs.rows }}" });
        last["depends_on"].as_array_mut().expect("a list").push(json!("first"));
        let body = json!({
            "name": "fan", "tasks": tasks,
            "parameters": { "type": "object", "properties": { "day": { "type": "string", "format": "date" } }, "required": ["day"] },
        });
        let job = tenant.administrator.post("/jobs", &body).await.expect(201);
        let path = format!("/jobs/{}/runs", work::id(&job));
        let refused = tenant.operator.post(&path, &json!({ "parameters": {} })).await;
        assert_eq!(refused.status, 400, "the parameters are checked: {}", refused.text());
        let run =
            tenant.operator.post(&path, &json!({ "parameters": { "day": "2026-02-28" } })).await.expect(201);
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;

        let seen = started(&world);
        assert_eq!((seen.len(), seen[0].as_str(), seen[6].as_str()), (7, "first", "last"), "{seen:?}");
        let ledger = world.ledger();
        let last = ledger.iter().find(|entry| entry.path == "/start/last").expect("the last task");
        assert_eq!(last.json()["day"], "2026-02-28");
        assert_eq!(
            last.json()["rows"],
            17,
            "a template that is the whole text keeps its type: {}",
            last.json()
        );
    });
}

#[test]
fn a_polled_job_is_followed_to_its_end_on_its_platform() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::of_runs(2);
        work::connection(&tenant.administrator, "platform", &world).await;
        let tasks = [work::polled("a", "platform", &[]), work::polled("b", "platform", &["a"])];
        let job = work::job(&tenant.administrator, "polled", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(world.count("POST", "/runs"), 2);
        let ids: Vec<&str> = tasks_of(&run)
            .map(|task| task["attempts"][0]["external_run_id"].as_str().unwrap_or_default())
            .collect();
        assert_eq!(ids, ["ext-0", "ext-1"]);
    });
}

fn tasks_of(run: &Value) -> impl Iterator<Item = &Value> {
    tasks(run).iter()
}

#[test]
fn every_transition_is_an_event_and_every_action_is_audited() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::at_once();
        work::connection(&tenant.administrator, "world", &world).await;
        let job = work::job(&tenant.administrator, "watched", &work::chain("world", 2)).await;
        let answer = tenant.operator.post(&format!("/jobs/{}/runs", work::id(&job)), &json!({})).await;
        let run = answer.expect(201);
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;

        let events = work::all(&tenant.operator, &format!("/runs/{}/events", work::id(&run))).await;
        let ids: Vec<&str> = events.iter().filter_map(|event| event["id"].as_str()).collect();
        assert!(ids.is_sorted(), "oldest first");
        let of = |task: Option<&str>| {
            let of_task = events.iter().filter(move |event| event["task"].as_str() == task);
            of_task.filter_map(|event| event["to_state"].as_str()).collect::<Vec<_>>()
        };
        for task in ["t0", "t1"] {
            let states = of(Some(task));
            assert_eq!(states.last(), Some(&"succeeded"), "{task}: {states:?}");
            assert!(states.contains(&"active"), "{task}: {states:?}");
        }
        assert_eq!(of(None).last(), Some(&"succeeded"), "the run's own end: {events:#?}");

        let audit = work::all(&tenant.administrator, "/audit").await;
        let actions: Vec<&str> = audit.iter().filter_map(|entry| entry["action"].as_str()).collect();
        for action in [
            "workspace.provision",
            "session.start",
            "user.create",
            "connection.create",
            "job.create",
            "run.create",
        ] {
            let found =
                actions.iter().filter(|seen| **seen == action || **seen == action.replace('.', "s.")).count();
            assert!(found >= 1, "{action} is not in {actions:?}");
        }
        let started =
            audit.iter().find(|entry| entry["target"]["id"] == run["id"]).expect("the run's own entry");
        assert_eq!(started["actor"]["name"], "ben");
        assert_eq!(started["request_id"].as_str(), Some(answer.header("x-request-id")));
    });
}

#[test]
fn a_run_that_is_cancelled_is_stopped_on_its_platform_first() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::of_runs(usize::MAX);
        work::connection(&tenant.administrator, "platform", &world).await;
        let tasks = [work::polled("a", "platform", &[]), work::polled("b", "platform", &["a"])];
        let job = work::job(&tenant.administrator, "endless", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::until("the first task is started", SOON, async || world.count("POST", "/runs") == 1).await;
        let path = format!("/runs/{}", work::id(&run));
        work::until("its id is known", SOON, async || {
            let run = tenant.operator.get(&path).await.expect(200);
            run["tasks"][0]["reason"] == "running"
        })
        .await;
        let asked = tenant.operator.post(&format!("{path}/cancel"), &json!({})).await;
        assert!((200..300).contains(&asked.status), "{}", asked.text());
        let run = work::wait_for_run(&tenant.operator, &run, "cancelled", SOON).await;
        assert_eq!(world.count("POST", "/runs/ext-0/cancel"), 1, "{:?}", world.ledger());
        assert_eq!(world.count("POST", "/runs"), 1, "what waited never started");
        let states: Vec<&str> = tasks_of(&run).filter_map(|task| task["state"].as_str()).collect();
        assert_eq!(states, ["cancelled", "cancelled"]);
        let again = tenant.operator.post(&format!("{path}/cancel"), &json!({})).await;
        assert!(again.status < 500, "cancelling what has ended is no fault: {}", again.text());
    });
}

#[test]
fn a_task_that_fails_is_tried_again_and_then_fails_its_run_and_those_after_it() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, _| match request.path.as_str() {
            "/start/t1" => Answer::Json(422, json!({ "error": "no such table" })),
            _ => Answer::Json(200, json!({})),
        });
        work::connection(&tenant.administrator, "world", &world).await;
        let job = work::job(&tenant.administrator, "failing", &work::chain("world", 3)).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
        let states: Vec<&str> = tasks_of(&run).filter_map(|task| task["state"].as_str()).collect();
        assert_eq!(states, ["succeeded", "failed", "upstream_failed"]);
        let error = &run["tasks"][1]["attempts"][0]["error"];
        assert_eq!(error["class"], "permanent", "{run:#}");
        assert_eq!(started(&world), ["t0", "t1"]);
    });
}

#[test]
fn a_limit_holds_while_more_work_waits_with_its_reason() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::of_runs(2);
        let connection = work::connection(&tenant.administrator, "narrow", &world).await;
        let profile = json!({ "name": "two at a time", "limit": 2 });
        let profile = tenant.administrator.post("/concurrency-profiles", &profile).await.expect(201);
        let limited = json!({
            "name": "narrow", "kind": "http", "settings": { "base_url": world.url() },
            "concurrency_profile_id": profile["id"],
        });
        tenant
            .administrator
            .put(&format!("/connections/{}", work::id(&connection)), &limited)
            .await
            .expect(200);
        let names: Vec<String> = (0..5).map(|n| format!("t{n}")).collect();
        let tasks: Vec<Value> = names.iter().map(|name| work::polled(name, "narrow", &[])).collect();
        let job = work::job(&tenant.administrator, "wide", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let path = format!("/runs/{}", work::id(&run));
        let mut waited = false;
        work::until("all tasks are done", SOON, async || {
            let run = tenant.operator.get(&path).await.expect(200);
            let active = tasks_of(&run).filter(|task| task["state"] == "active").count();
            assert!(active <= 2, "{run:#}");
            waited |= tasks_of(&run).any(|task| task["reason"] == "waiting_slot");
            run["state"] == "succeeded"
        })
        .await;
        assert!(waited, "what waits says so");
        assert_eq!(world.count("POST", "/runs"), 5);
        let client = database::superuser(stack).await;
        let used = format!("select coalesce(sum(in_use), 0) from \"{}\".slots", tenant.schema);
        assert_eq!(
            client.query_one(&used, &[]).await.expect("slots").get::<_, i64>(0),
            0,
            "every slot is back"
        );
    });
}

#[test]
fn a_secret_goes_to_its_platform_and_nowhere_else() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, _| {
            // A platform that echoes what it was sent, as some do in their errors.
            let said = request.headers.get("authorization").cloned().unwrap_or_default();
            Answer::Json(400, json!({ "error": format!("bad request: authorization was {said}") }))
        });
        let vault = work::vault(&tenant.administrator, "safe").await;
        let secret = format!("canary-{}", tenant::random_id().simple());
        work::credential(&tenant.administrator, &vault, "token", &secret).await;
        let body = json!({
            "name": "closed", "kind": "http",
            "settings": { "base_url": world.url(), "auth": { "type": "bearer" } },
            "credential": { "vault": vault["id"], "name": "token" },
        });
        tenant.administrator.post("/connections", &body).await.expect(201);
        let job = work::job(&tenant.administrator, "closed", &work::chain("closed", 1)).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
        let sent = world.ledger();
        assert_eq!(sent[0].headers.get("authorization"), Some(&format!("Bearer {secret}")));

        assert!(!run.to_string().contains(&secret), "{run:#}");
        for path in ["/vaults", "/connections", "/runs", "/audit", "/dashboard"] {
            let text = tenant.administrator.get(path).await.text();
            assert!(!text.contains(&secret), "{path}: {text}");
        }
        let client = database::superuser(stack).await;
        for table in
            ["attempts", "task_runs", "events", "audit", "credentials", "idempotency_keys", "connections"]
        {
            let ask = format!("select count(*) from \"{}\".{table} x where x::text like $1", tenant.schema);
            let held =
                client.query_one(&ask, &[&format!("%{secret}%")]).await.expect("a scan").get::<_, i64>(0);
            assert_eq!(held, 0, "{table}");
        }
        for entry in std::fs::read_dir(stack.data_dir().join("log")).expect("logs").flatten() {
            let log = std::fs::read_to_string(entry.path()).unwrap_or_default();
            assert!(!log.contains(&secret), "{}", entry.path().display());
        }
    });
}
