//! Graphs that cannot run are refused when they are saved.

use serde_json::{Value, json};
use tests::{stack, tenant, work, world::World};

fn task(name: &str, depends_on: &[&str]) -> Value {
    json!({ "name": name, "connection": "c", "depends_on": depends_on, "start": { "path": "/x" } })
}

#[test]
fn a_graph_that_cannot_run_is_refused_by_its_pointer() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "c", &world).await;
        let unknown = json!({ "name": "a", "connection": "nowhere", "start": { "path": "/x" } });
        let template = |text: &str| json!({ "name": "b", "connection": "c", "start": { "path": "/x", "body": { "v": text } } });
        let wrong: Vec<(&str, Vec<Value>, &str)> = vec![
            ("itself", vec![task("a", &["a"])], "/tasks/0/depends_on"),
            ("two in a ring", vec![task("a", &["b"]), task("b", &["a"])], "/tasks"),
            (
                "a ring behind",
                vec![task("a", &[]), task("b", &["a", "d"]), task("c", &["b"]), task("d", &["c"])],
                "/tasks",
            ),
            ("nobody", vec![task("a", &["x"])], "/tasks/0/depends_on/0"),
            ("twice", vec![task("a", &[]), task("b", &["a", "a"])], "/tasks/1/depends_on"),
            ("one name for two", vec![task("a", &[]), task("a", &[])], "/tasks/1/name"),
            ("no name", vec![task("", &[])], "/tasks/0/name"),
            ("a name that is no word", vec![task("a b", &[])], "/tasks/0/name"),
            ("no connection of ours", vec![unknown], "/tasks/0/connection"),
            ("outputs of nobody", vec![template("{{ tasks.x.outputs.rows }}")], "/tasks/0/start"),
            (
                "outputs of one it does not wait for",
                vec![task("a", &[]), template("{{ tasks.a.outputs.rows }}")],
                "/tasks/1/start",
            ),
            ("a template that is none", vec![template("{{ params. }}")], "/tasks/0/start"),
        ];
        for (what, tasks, pointer) in wrong {
            let refused = tenant.administrator.post("/jobs", &json!({ "name": "j", "tasks": tasks })).await;
            assert_eq!(refused.status, 400, "{what}: {}", refused.text());
            let pointers = refused.pointers();
            assert!(pointers.iter().any(|at| at.starts_with(pointer)), "{what}: {}", refused.text());
        }
        assert_eq!(work::all(&tenant.administrator, "/jobs").await, Vec::<Value>::new(), "nothing was saved");
        let audit = work::all(&tenant.administrator, "/audit").await;
        assert!(audit.iter().all(|entry| entry["action"] != "job.create"));
    });
}

#[test]
fn a_connection_that_a_job_names_cannot_go() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        let connection = work::connection(&tenant.administrator, "c", &world).await;
        work::job(&tenant.administrator, "j", &[task("a", &[])]).await;
        let path = format!("/connections/{}", work::id(&connection));
        tenant.administrator.delete(&path).await.problem(409, "in_use");
        tenant.administrator.get(&path).await.expect(200);
    });
}

#[test]
fn settings_that_lead_inside_are_refused() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        for url in [
            "",
            "x",
            "ftp://example.com",
            "http://user:pw@example.com/",
            "https://",
            "file:///etc/passwd",
            "//example.com",
        ] {
            let body = json!({ "name": "c", "kind": "http", "settings": { "base_url": url } });
            let refused = tenant.administrator.post("/connections", &body).await;
            assert_eq!(refused.status, 400, "{url}: {}", refused.text());
            assert_eq!(refused.pointers(), ["/settings/base_url"], "{url}: {}", refused.text());
        }
        for kind in ["", "HTTP", "oracle", "http "] {
            let body =
                json!({ "name": "c", "kind": kind, "settings": { "base_url": "https://example.com" } });
            assert_eq!(tenant.administrator.post("/connections", &body).await.status, 400, "{kind:?}");
        }
        let vault = tenant::random_id();
        let body = json!({
            "name": "c", "kind": "http", "settings": { "base_url": "https://example.com", "auth": { "type": "bearer" } },
            "credential": { "vault": vault, "name": "x" },
        });
        let refused = tenant.administrator.post("/connections", &body).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(refused.pointers()[0].starts_with("/credential"), "{}", refused.text());
    });
}
