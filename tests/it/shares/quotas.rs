//! How many of each: the last one goes in, the one past it does not, and of many at once not one too many.

use futures_util::future::join_all;
use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    archive,
    caller::Answer,
    database, stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::World,
};

async fn with(stack: &Stack, limits: Value) -> (Tenant, World) {
    let (tenant, world) = (tenant::new(stack).await, World::at_once());
    tenant::limit(stack, tenant.id, limits).await;
    (tenant, world)
}

#[track_caller]
fn is_over(answer: &Answer, quota: &str, most: &str) {
    let problem = answer.problem(409, "quota_exceeded");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(&format!("`{quota}`")) && detail.contains(most), "{detail}");
}

/// Makes many of something at once under a quota of three.
async fn many(make: impl AsyncFn(usize) -> Answer, quota: &str) {
    let answers = join_all((0..9).map(|n| make(n))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 3, "{quota}: {:?}", answers.iter().map(Answer::text).collect::<Vec<_>>());
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        is_over(refused, quota, "3");
    }
}

#[test]
fn jobs_schedules_and_connections_end_at_their_quota_however_many_come_at_once() {
    stack::with(async |stack| {
        let limits = json!({ "connections": 3, "jobs": 3, "schedules": 3 });
        let (tenant, world) = with(stack, limits).await;
        let by = &tenant.administrator;
        let connection = |n: usize| json!({ "name": format!("c{n}"), "kind": "http", "settings": { "base_url": world.url() } });
        many(async |n| by.post("/connections", &connection(n)).await, "connections").await;
        let connections = work::all(by, "/connections").await;
        let name = connections[0]["name"].as_str().expect("a name").to_owned();
        let job = |n: usize| json!({ "name": format!("j{n}"), "tasks": work::chain(&name, 1) });
        many(async |n| by.post("/jobs", &job(n)).await, "jobs").await;
        let jobs = work::all(by, "/jobs").await;
        let rule = |n: usize| json!({ "name": format!("s{n}"), "job_id": work::id(&jobs[0]), "cron": "0 0 1 1 *", "time_zone": "UTC" });
        many(async |n| by.post("/schedules", &rule(n)).await, "schedules").await;
        // One goes, one may come.
        let gone = by.delete(&format!("/jobs/{}", work::id(&jobs[1]))).await;
        assert_eq!(gone.status, 204, "{}", gone.text());
        by.post("/jobs", &job(10)).await.expect(201);
        is_over(&by.post("/jobs", &job(11)).await, "jobs", "3");
        // Another workspace has its own.
        let (other, _) = with(stack, json!({ "jobs": 3 })).await;
        work::connection(&other.administrator, &name, &world).await;
        other.administrator.post("/jobs", &job(1)).await.expect(201);
    });
}

#[test]
fn members_end_at_their_quota() {
    stack::with(async |stack| {
        let (tenant, _) = with(stack, json!({ "users": 3 })).await;
        let person = || json!({ "directory_id": tenant.directory.id, "object_id": tenant::random_id(), "role": "operator" });
        let people = [person(), person(), person(), person()];
        let answers = join_all(people.iter().map(|p| tenant.administrator.post("/users", p))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "two are there already");
        is_over(&tenant.administrator.post("/users", &person()).await, "users", "3");
    });
}

#[test]
fn runs_by_hand_end_at_the_days_quota() {
    stack::with(async |stack| {
        let (tenant, world) = with(stack, json!({ "runs_per_day": 4 })).await;
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "j", &work::chain("platform", 2)).await;
        for _ in 0..4 {
            work::run(&tenant.operator, &job).await;
        }
        let path = format!("/jobs/{}/runs", work::id(&job));
        is_over(&tenant.operator.post(&path, &json!({})).await, "runs_per_day", "4");
        assert_eq!(work::all(&tenant.operator, "/runs").await.len(), 4, "nothing is left of the refused one");
        let usage = tenant.administrator.get("/workspace/usage").await.expect(200);
        let sum = |name: &str| -> i64 {
            usage["items"].as_array().into_iter().flatten().filter_map(|day| day[name].as_i64()).sum()
        };
        assert_eq!((sum("runs"), sum("task_runs")), (4, 8), "{usage:#}");
        tenant::limit(stack, tenant.id, json!({ "runs_per_day": 5 })).await;
        work::run(&tenant.operator, &job).await;
        is_over(&tenant.operator.post(&path, &json!({})).await, "runs_per_day", "5");
    });
}

#[test]
fn runs_at_once_pass_the_days_quota_by_no_more_than_came_together() {
    stack::with(async |stack| {
        let (tenant, world) = with(stack, json!({ "runs_per_day": 5 })).await;
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "j", &work::chain("platform", 1)).await;
        let (path, nothing) = (format!("/jobs/{}/runs", work::id(&job)), json!({}));
        let answers = join_all((0..24).map(|_| tenant.operator.post(&path, &nothing))).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        // Four instances, so at most four transactions saw the last place free.
        assert!((5..=8).contains(&made), "{made} runs");
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            is_over(refused, "runs_per_day", "5");
        }
    });
}

#[test]
fn a_scheduled_run_past_the_days_quota_is_seen_to_fail() {
    stack::with(async |stack| {
        let (tenant, world) = with(stack, json!({ "runs_per_day": 1 })).await;
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "j", &work::chain("platform", 1)).await;
        let first = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &first, "succeeded", SOON).await;
        let rule =
            json!({ "name": "s", "job_id": work::id(&job), "cron": "*/10 * * * * *", "time_zone": "UTC" });
        tenant.administrator.post("/schedules", &rule).await.expect(201);
        work::until("it fired", SOON, async || {
            !work::all(&tenant.operator, "/runs?trigger=schedule").await.is_empty()
        })
        .await;
        let runs = work::all(&tenant.operator, "/runs?trigger=schedule").await;
        let run = runs.last().expect("a run");
        assert_eq!(
            (run["state"].as_str(), run["reason"].as_str()),
            (Some("failed"), Some("quota_exceeded")),
            "{run:#}"
        );
        let events = work::all(&tenant.operator, &format!("/runs/{}/events", work::id(run))).await;
        let told = events.iter().any(|event| event.to_string().contains("runs_per_day"));
        assert!(told, "its event names the quota: {events:#?}");
        assert_eq!(world.len(), 1, "nothing was started for it");
    });
}

#[test]
fn a_full_workspace_takes_no_more_but_can_be_read_and_emptied() {
    stack::with(async |stack| {
        let (tenant, world) = with(stack, json!({ "stored_bytes": 1_048_576 })).await;
        let connection = work::connection(&tenant.administrator, "platform", &world).await;
        let job = work::job(&tenant.administrator, "j", &work::chain("platform", 1)).await;
        let client = database::superuser(stack).await;
        let measured = async |bytes: i64| {
            stack.order(json!({ "do": "measure", "tenant_id": tenant.id })).await.expect("it is measured");
            let set = "update system.tenant_metrics set bytes = $2 where tenant_id = $1";
            assert_eq!(client.execute(set, &[&tenant.id, &bytes]).await.expect("a measurement"), 1);
        };
        measured(1_048_575).await;
        work::run(&tenant.operator, &job).await;
        measured(1_048_576).await;
        let path = format!("/jobs/{}/runs", work::id(&job));
        is_over(&tenant.operator.post(&path, &json!({})).await, "stored_bytes", "1048576");
        let other = json!({ "name": "k", "tasks": work::chain("platform", 1) });
        is_over(&tenant.administrator.post("/jobs", &other).await, "stored_bytes", "1048576");
        tenant.operator.get(&format!("/connections/{}", work::id(&connection))).await.expect(200);
        let gone = tenant.administrator.delete(&format!("/jobs/{}", work::id(&job))).await;
        assert!(gone.status < 300 || gone.status == 409, "{}", gone.text());
        assert!(!gone.text().contains("quota"), "{}", gone.text());
    });
}

#[test]
fn exports_backups_and_sandboxes_end_at_their_quota_and_make_room_as_they_go() {
    stack::with(async |stack| {
        let (tenant, _) = with(stack, json!({ "exports": 1, "backups": 2, "sandboxes": 1 })).await;
        let by = &tenant.administrator;
        let ask = async |path: &str, body: &Value| by.post(path, body).await;
        let nothing = json!({});
        archive::done(by, "/workspace/exports", &nothing).await;
        is_over(&ask("/workspace/exports", &nothing).await, "exports", "1");
        let kept = archive::done(by, "/workspace/backups", &nothing).await;
        let other = archive::done(by, "/workspace/backups", &nothing).await;
        is_over(&ask("/workspace/backups", &nothing).await, "backups", "2");
        let into = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let made = archive::done(by, "/workspace/restores", &into).await;
        is_over(&ask("/workspace/restores", &into).await, "sandboxes", "1");
        let gone = by.delete(&format!("/workspace/backups/{}", work::id(&other))).await.expect(202);
        assert_eq!(archive::wait(by, &gone).await["state"], "succeeded");
        ask("/workspace/backups", &nothing).await.expect(202);
        let client = database::superuser(stack).await;
        let delete =
            "update system.tenants set state = $2 where id = $1::text::uuid and name like '%(sandbox %'";
        let sandbox = made["result"]["workspace_id"].as_str().expect("an id");
        assert_eq!(client.execute(delete, &[&sandbox, &"purging"]).await.expect("a state"), 1);
        ask("/workspace/restores", &into).await.expect(202);
        client.execute(delete, &[&sandbox, &"suspended"]).await.expect("a state");
    });
}
