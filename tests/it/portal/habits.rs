//! The habits of the API: keys that make a repeated request act once, tags that keep two people from undoing each other, lists
//! by page, and problems that say enough and no more.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    caller::{Answer, Caller, send},
    stack, tenant,
    work::{self, fresh},
    world::World,
};

async fn with_key(by: &Caller, path: &str, key: &str, body: &Value) -> Answer {
    send(by.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

async fn if_match(by: &Caller, method: Method, path: &str, tag: &str, body: &Value) -> Answer {
    send(by.request(method, path).header("if-match", tag).json(body)).await
}

#[test]
fn a_repeated_request_with_its_key_acts_once_and_is_answered_alike() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        let by = &tenant.administrator;
        work::connection(by, "c", &world).await;
        let job = work::job(by, "j", &work::chain("c", 1)).await;
        let runs = format!("/jobs/{}/runs", work::id(&job));
        for (path, list, body) in [
            ("/vaults", "/vaults", json!({ "name": "v", "kind": "managed" })),
            ("/concurrency-profiles", "/concurrency-profiles", json!({ "name": "p", "limit": 1 })),
            (runs.as_str(), "/runs", json!({ "parameters": {} })),
        ] {
            let key = fresh("key");
            let first = with_key(by, path, &key, &body).await;
            first.expect(201);
            for _ in 0..3 {
                let again = with_key(by, path, &key, &body).await;
                assert_eq!((again.status, &again.body), (first.status, &first.body), "{path}");
                assert_eq!(again.header("location"), first.header("location"), "{path}");
                assert_eq!(again.header("etag"), first.header("etag"), "{path}");
            }
            assert_eq!(work::all(by, list).await.len(), 1, "{path} acted once");
            let mut other = body.clone();
            match path {
                "/vaults" | "/concurrency-profiles" => other["name"] = json!("another"),
                _ => other["parameters"] = json!({ "day": 2 }),
            }
            with_key(by, path, &key, &other).await.problem(409, "idempotency_conflict");
            with_key(by, "/vaults", &key, &json!({ "name": "w", "kind": "managed" }))
                .await
                .problem(409, "idempotency_conflict");
        }
        let entries = work::all(by, "/audit").await;
        let of = |action: &str| entries.iter().filter(|entry| entry["action"] == action).count();
        assert_eq!(of("vault.create"), 1, "a replay is not an action");
    });
}

#[test]
fn a_key_used_by_many_at_once_acts_once() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        for round in 0..5 {
            let (key, body) = (fresh("key"), json!({ "name": format!("v{round}"), "kind": "managed" }));
            let answers =
                futures_util::future::join_all((0..8).map(|_| with_key(by, "/vaults", &key, &body))).await;
            let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
            assert!(!made.is_empty());
            assert!(made.iter().all(|answer| answer.body == made[0].body), "one answer for all");
            let others = answers.iter().filter(|answer| answer.status != 201);
            for other in others {
                assert!([409, 503].contains(&other.status), "{}", other.text());
            }
            assert_eq!(work::all(by, "/vaults").await.len(), round + 1);
        }
    });
}

#[test]
fn a_key_is_its_persons_own_and_is_a_proper_text() {
    stack::with(async |stack| {
        let (ours, theirs) = (tenant::new(stack).await, tenant::new(stack).await);
        let body = json!({ "name": "v", "kind": "managed" });
        let first = with_key(&ours.administrator, "/vaults", "one key", &body).await.expect(201);
        let other = with_key(&theirs.administrator, "/vaults", "one key", &body).await.expect(201);
        assert_ne!(first["id"], other["id"], "another tenant's key is another key");
        for bad in ["", &"k".repeat(256)] {
            let refused =
                with_key(&ours.administrator, "/vaults", bad, &json!({ "name": "w", "kind": "managed" }))
                    .await;
            assert_eq!(refused.status, 400, "{}", refused.text());
        }
        // A request that was refused leaves its key free.
        let refused =
            with_key(&ours.administrator, "/vaults", "again", &json!({ "name": "", "kind": "managed" }))
                .await;
        assert_eq!(refused.status, 400);
        with_key(&ours.administrator, "/vaults", "again", &json!({ "name": "w", "kind": "managed" }))
            .await
            .expect(201);
    });
}

#[test]
fn a_change_that_names_an_old_version_is_refused() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        let by = &tenant.administrator;
        let connection = json!({ "name": "c", "kind": "http", "settings": { "base_url": world.url() } });
        work::connection(by, "used", &world).await;
        let job = json!({ "name": "j", "tasks": work::chain("used", 1) });
        let job_id = work::id(&work::job(by, "scheduled", &work::chain("used", 1)).await);
        let schedule = json!({ "name": "s", "job_id": job_id, "cron": "0 6 * * *", "time_zone": "UTC" });
        for (list, body) in [
            ("/vaults", json!({ "name": "v", "kind": "managed" })),
            ("/concurrency-profiles", json!({ "name": "p", "limit": 1 })),
            ("/connections", connection),
            ("/jobs", job),
            ("/schedules", schedule),
        ] {
            let made = by.post(list, &body).await;
            let path = format!("{list}/{}", work::id(&made.expect(201)));
            let read = by.get(&path).await;
            let tag = read.header("etag").to_owned();
            assert!(tag.starts_with('"') || tag.starts_with("W/\""), "{path}: {tag}");
            let mut changed = body.clone();
            changed["name"] = json!(fresh("renamed"));
            if list == "/connections" {
                changed["name"] = body["name"].clone();
                changed["state"] = json!("paused");
            }
            let put = if_match(by, Method::PUT, &path, &tag, &changed).await;
            put.expect(200);
            let next = by.get(&path).await.header("etag").to_owned();
            assert_ne!(next, tag, "{path}");
            for method in [Method::PUT, Method::DELETE] {
                if_match(by, method, &path, &tag, &changed).await.problem(412, "precondition_failed");
            }
            if_match(by, Method::DELETE, &path, "\"no such\"", &changed)
                .await
                .problem(412, "precondition_failed");
            by.get(&path).await.expect(200);
            let removed = if_match(by, Method::DELETE, &path, &next, &changed).await;
            assert_eq!(removed.status, 204, "{path}: {}", removed.text());
            by.get(&path).await.problem(404, "not_found");
            by.delete(&path).await.problem(404, "not_found");
        }
    });
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        for path in ["/dashboard", "/me", "/jobs", "/connection-kinds"] {
            let first = tenant.operator.get(path).await;
            first.expect(200);
            let tag = first.header("etag").to_owned();
            assert!(!tag.is_empty(), "{path}");
            let request = tenant.operator.request(Method::GET, path).header("if-none-match", &tag);
            let second = send(request).await;
            assert_eq!((second.status, second.body.len()), (304, 0), "{path}");
        }
    });
}

#[test]
fn a_list_is_walked_page_by_page_while_it_grows() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        for n in 0..7 {
            work::vault(by, &format!("v{n}")).await;
        }
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = by.get(&format!("/vaults?limit=3{cursor}")).await.expect(200);
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= 3);
            seen.extend(items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()));
            pages += 1;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            work::vault(by, &format!("new{pages}")).await;
        }
        assert_eq!(
            seen,
            ["v6", "v5", "v4", "v3", "v2", "v1", "v0"],
            "each once, newest first, whatever comes in"
        );
        let empty = tenant.administrator.get("/jobs").await.expect(200);
        assert_eq!(empty, json!({ "items": [], "next_cursor": null }));
    });
}

#[test]
fn a_cursor_of_another_tenant_shows_nothing_of_it() {
    stack::with(async |stack| {
        let (ours, theirs) = (tenant::new(stack).await, tenant::new(stack).await);
        work::vault(&ours.administrator, "ours").await;
        for n in 0..3 {
            work::vault(&theirs.administrator, &format!("theirs {n}")).await;
        }
        let page = theirs.administrator.get("/vaults?limit=1").await.expect(200);
        let cursor = page["next_cursor"].as_str().expect("more").to_owned();
        let seen = ours.administrator.get(&format!("/vaults?cursor={cursor}")).await.expect(200);
        assert!(!seen.to_string().contains("theirs"), "{seen}");
    });
}

#[test]
fn a_404_is_the_same_bytes_for_whatever_is_not_there() {
    stack::with(async |stack| {
        let (ours, theirs) = (tenant::new(stack).await, tenant::new(stack).await);
        let foreign = work::id(&work::vault(&theirs.administrator, "v").await);
        let deleted = work::id(&work::vault(&ours.administrator, "v").await);
        ours.administrator.delete(&format!("/vaults/{deleted}")).await;
        let bytes = async |id: &str| {
            let mut problem =
                ours.administrator.get(&format!("/vaults/{id}")).await.problem(404, "not_found");
            problem["request_id"] = json!("");
            problem.to_string()
        };
        let absent = bytes(&tenant::random_id().to_string()).await;
        for id in [foreign.as_str(), &deleted, "x", "0", "%27", &foreign.to_uppercase(), "null"] {
            assert_eq!(bytes(id).await, absent, "{id}");
        }
        assert!(!absent.contains(&ours.schema) && !absent.to_lowercase().contains("sql"));
    });
}
