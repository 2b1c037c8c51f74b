//! Backups by a schedule: made while nobody asks, so many kept, and nobody else's touched.

use std::time::Duration;

use local::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    archive,
    caller::send,
    database, stack,
    steps::Gate,
    tenant::{self, Tenant},
    work::{self, SOON},
};

const PATH: &str = "/workspace/backup-schedule";
const HOUR: Duration = Duration::from_secs(3600);

/// The scheduled backups of a workspace, newest first: state, and whether they are gone.
async fn made(stack: &Stack, tenant: &Tenant) -> Vec<(String, bool)> {
    let ask = "select state, coalesce(result, '{}') ? 'purged_at' from system.operations
               where tenant_id = $1 and kind = 'backup' and request ->> 'scheduled' = 'true' order by created_at desc, id desc";
    let client = database::superuser(stack).await;
    let rows = client.query(ask, &[&tenant.id]).await.expect("the operations");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn works(stack: &Stack) {
    stack.order(json!({ "do": "operate" })).await.expect("the steward works");
}

/// Waits until so many were made, of which so many are there.
async fn are(stack: &Stack, tenant: &Tenant, all: usize, kept: usize) {
    work::until("the backups are made, and the oldest gone", SOON, async || {
        works(stack).await;
        let made = made(stack, tenant).await;
        let are_done = made.iter().all(|(state, _)| state == "succeeded");
        made.len() == all && are_done && made.iter().filter(|(_, is_gone)| !is_gone).count() == kept
    })
    .await;
}

#[test]
fn backups_are_made_by_the_schedule_and_so_many_are_kept() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let (tenant, other) = (tenant::new(&stack).await, tenant::new(&stack).await);
        let by = &tenant.administrator;
        let own = archive::done(by, "/workspace/backups", &json!({})).await;
        let set = by.put(PATH, &json!({ "every_hours": 6, "keep": 2 })).await.expect(200);
        assert_eq!(set["every_hours"], 6);
        are(&stack, &tenant, 1, 1).await;
        works(&stack).await;
        assert_eq!(made(&stack, &tenant).await.len(), 1, "the next one is six hours away");
        let shown = by.get(PATH).await.expect(200);
        assert!(shown["last_at"].is_string() && shown["next_at"].is_string(), "{shown}");
        for (turn, kept) in [(2, 2), (3, 2), (4, 2)] {
            stack.advance(6 * HOUR).await.expect("time passes");
            are(&stack, &tenant, turn, kept).await;
        }
        let gone: Vec<bool> = made(&stack, &tenant).await.into_iter().map(|(_, is_gone)| is_gone).collect();
        assert_eq!(gone, [false, false, true, true], "the oldest went");
        let by = &tenant::signed_in(&stack, &tenant.administrator_account).await;
        let shelf = archive::shelf(&stack, tenant.id, "backup", &own);
        assert!(!archive::files(&shelf).is_empty(), "what somebody asked for stays");
        let folder = shelf.parent().expect("a folder").to_owned();
        let archives = |folder: &std::path::Path| {
            let found = archive::files(folder);
            let shelves: std::collections::BTreeSet<_> =
                found.iter().map(|(path, _)| path.parent().expect("a shelf").to_owned()).collect();
            shelves.len()
        };
        assert_eq!(archives(&folder), 3);
        // One that was made so is one like any other.
        let listed = work::all(by, "/workspace/backups").await;
        let newest =
            listed.iter().find(|backup| backup["request"]["scheduled"] == true).expect("it is listed");
        let body = json!({ "backup_id": newest["id"], "into": "sandbox" });
        archive::done(by, "/workspace/restores", &body).await;
        let told = work::all(by, "/audit").await;
        let told = told
            .iter()
            .filter(|entry| entry["action"] == "backup.create" && entry["detail"]["scheduled"] == true);
        assert_eq!(told.count(), 4, "the log tells of each");
        assert_eq!(made(&stack, &other).await, []);

        // A long absence is made up for by one.
        stack.advance(100 * HOUR).await.expect("time passes");
        are(&stack, &tenant, 5, 2).await;
        works(&stack).await;
        assert_eq!(made(&stack, &tenant).await.len(), 5);
        let by = &tenant::signed_in(&stack, &tenant.administrator_account).await;
        by.put(PATH, &json!({ "every_hours": null, "keep": 2 })).await.expect(200);
        assert!(by.get(PATH).await.expect(200)["next_at"].is_null());
        stack.advance(24 * HOUR).await.expect("time passes");
        works(&stack).await;
        assert_eq!(made(&stack, &tenant).await.len(), 5, "none is made any more");
        stack.stop().await;
    });
}

#[test]
fn a_scheduled_backup_waits_for_what_is_exclusive() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let tenant = tenant::new(&stack).await;
        let by = &tenant.administrator;
        let gate = Gate::at_record(&stack, "suspend", "end").await;
        by.post("/workspace/suspend", &json!({})).await.expect(202);
        work::until("it is being suspended", SOON, async || gate.is_reached().await).await;
        by.put(PATH, &json!({ "every_hours": 1, "keep": 1 })).await.expect(200);
        works(&stack).await;
        assert_eq!(made(&stack, &tenant).await, []);
        gate.open().await;
        are(&stack, &tenant, 1, 1).await;
        // Nor is one made of a workspace that is being deleted, until that was taken back.
        let deletion = json!({ "name": tenant.directory.name, "grace_s": 86_400 });
        by.post("/workspace/deletion", &deletion).await.expect(202);
        stack.advance(HOUR).await.expect("time passes");
        works(&stack).await;
        assert_eq!(made(&stack, &tenant).await.len(), 1);
        by.delete("/workspace/deletion").await.expect(200);
        are(&stack, &tenant, 2, 1).await;
        stack.stop().await;
    });
}

#[test]
fn a_schedule_is_set_within_its_bounds_by_administrators_and_seen_by_nobody_else() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let by = &tenant.administrator;
        let none = by.get(PATH).await.expect(200);
        assert_eq!(
            none,
            json!({ "every_hours": null, "keep": 7, "version": 0, "last_at": null, "next_at": null })
        );
        for (body, pointer) in [
            (json!({ "every_hours": 0, "keep": 1 }), "/every_hours"),
            (json!({ "every_hours": 169, "keep": 1 }), "/every_hours"),
            (json!({ "every_hours": 1, "keep": 0 }), "/keep"),
            (json!({ "every_hours": 1, "keep": 31 }), "/keep"),
            (json!({ "keep": 1 }), ""),
            (json!({ "every_hours": 1 }), ""),
            (json!({ "every_hours": 1.5, "keep": 1 }), ""),
            (json!({ "every_hours": 1, "keep": 1, "tenant_id": other.id }), ""),
        ] {
            let refused = by.put(PATH, &body).await.expect(400);
            assert!(pointer.is_empty() || refused["errors"][0]["pointer"] == pointer, "{body} {refused}");
        }
        assert_eq!(by.get(PATH).await.expect(200), none, "nothing has changed");
        tenant.operator.put(PATH, &json!({ "every_hours": 1, "keep": 1 })).await.problem(403, "forbidden");
        tenant.operator.get(PATH).await.problem(403, "forbidden");
        let with =
            |body: Value, tag: &str| send(by.request(Method::PUT, PATH).header("if-match", tag).json(&body));
        with(json!({ "every_hours": 168, "keep": 30 }), "\"1\"").await.problem(412, "precondition_failed");
        let set = with(json!({ "every_hours": 168, "keep": 30 }), "\"0\"").await.expect(200);
        assert_eq!((&set["version"], &set["keep"]), (&json!(1), &json!(30)));
        by.put(PATH, &json!({ "every_hours": 1, "keep": 1 })).await.expect(200);
        with(json!({ "every_hours": 24, "keep": 7 }), "\"1\"").await.problem(412, "precondition_failed");
        let told = work::all(by, "/audit").await;
        let told = told.iter().filter(|entry| entry["action"] == "backup_schedule.update").count();
        assert_eq!(told, 2, "once for each change");
        assert_eq!(other.administrator.get(PATH).await.expect(200), none);
    });
}
