//! Names that look like SQL, like paths or like nothing at all come back as they were sent, and do nothing.

use serde_json::{Value, json};
use tests::{database, stack, tenant, work, world::World};

const NAMES: [&str; 16] = [
    "'; drop table vaults; --",
    "\" or 1=1 --",
    "$1",
    "$$; select 1; $$",
    "%s %d {0} {{ params.x }}",
    "../../etc/passwd",
    "a/b?c#d&e=f",
    "<script>alert(1)</script>",
    "Ωμέγα 漢字 한국어 العربية",
    "e\u{301} and \u{e9}",
    "right \u{202e}left",
    "zero\u{200b}width",
    "🏳️‍🌈👩‍👩‍👧‍👧",
    "null",
    "pg_catalog",
    "\\u0000 \\' \\\"",
];

#[test]
fn a_name_comes_back_as_it_was_sent() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        let by = &tenant.administrator;
        work::connection(by, "c", &world).await;
        let mut refused = Vec::new();
        for name in NAMES {
            let tasks = work::chain("c", 1);
            let bodies = [
                ("/vaults", json!({ "name": name, "kind": "managed" })),
                ("/concurrency-profiles", json!({ "name": name, "limit": 1 })),
                (
                    "/connections",
                    json!({ "name": name, "kind": "http", "settings": { "base_url": world.url() } }),
                ),
                ("/jobs", json!({ "name": name, "tasks": tasks })),
            ];
            for (path, body) in bodies {
                let answer = by.post(path, &body).await;
                if answer.status == 400 {
                    // A name may be refused, by its pointer; it may not come back as another.
                    assert_eq!(answer.pointers(), ["/name"], "{path} {name:?}: {}", answer.text());
                    refused.push((path, name));
                    continue;
                }
                let made = answer.expect(201);
                assert_eq!(made["name"], name, "{path}");
                let read = by.get(&format!("{path}/{}", work::id(&made))).await.expect(200);
                assert_eq!(read["name"], name, "{path}");
                let listed = work::all(by, path).await;
                assert!(listed.iter().any(|item| item["name"] == name), "{path}: {name:?}");
                assert_eq!(by.post(path, &body).await.status, 409, "{path}: {name:?} is taken now");
            }
        }
        assert!(refused.len() <= 12, "only what cannot be shown may be refused: {refused:?}");
        let client = database::superuser(stack).await;
        let tables = "select count(*) from pg_tables where schemaname = $1";
        let tables: i64 = client.query_one(tables, &[&tenant.schema]).await.expect("a count").get(0);
        assert_eq!(tables, 19, "every table is there");
    });
}

#[test]
fn a_name_that_is_no_name_is_refused_by_its_pointer() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "c", &world).await;
        for name in ["", " ", " leading", "trailing ", "line\nbreak", "tab\tbed", "bell\u{7}"] {
            for (path, mut body) in [
                ("/vaults", json!({ "kind": "managed" })),
                ("/concurrency-profiles", json!({ "limit": 1 })),
                ("/connections", json!({ "kind": "http", "settings": { "base_url": world.url() } })),
                ("/jobs", json!({ "tasks": work::chain("c", 1) })),
            ] {
                body["name"] = Value::from(name);
                let refused = tenant.administrator.post(path, &body).await;
                assert_eq!(refused.status, 400, "{path} {name:?}: {}", refused.text());
                assert_eq!(refused.pointers(), ["/name"], "{path} {name:?}");
            }
        }
    });
}

#[test]
fn two_tenants_may_use_one_name() {
    stack::with(async |stack| {
        let (ours, theirs) = (tenant::new(stack).await, tenant::new(stack).await);
        for tenant in [&ours, &theirs] {
            work::vault(&tenant.administrator, "the same").await;
        }
        let again =
            ours.administrator.post("/vaults", &json!({ "name": "the same", "kind": "managed" })).await;
        again.problem(409, "name_taken");
    });
}

#[test]
fn a_credentials_name_in_a_path_is_one_step_and_nothing_else() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let vault = work::vault(&tenant.administrator, "v").await;
        let path = |name: &str| format!("/vaults/{}/credentials/{name}", work::id(&vault));
        for name in ["a%2Fb", "%27%3B--", "..%2F..", "%E6%BC%A2"] {
            let answer = tenant.administrator.put(&path(name), &json!({ "value": "x" })).await;
            assert!(answer.status < 500, "{name}: {}", answer.text());
        }
        let nul = tenant.administrator.put(&path("%00"), &json!({ "value": "x" })).await;
        assert!([400, 404].contains(&nul.status), "{}: {}", nul.status, nul.text());
        let shown = tenant.administrator.get(&format!("/vaults/{}", work::id(&vault))).await.expect(200);
        assert!(!shown.to_string().contains("\"value\""), "{shown}");
        for (bytes, status) in [(65_536, 204), (65_537, 400), (0, 400)] {
            let answer =
                tenant.administrator.put(&path("size"), &json!({ "value": "x".repeat(bytes) })).await;
            let fits = answer.status == status || status == 204 && (200..300).contains(&answer.status);
            assert!(fits, "{bytes} bytes: {} {}", answer.status, answer.text());
        }
    });
}
