//! What an operator's answers hold: of no workspace anything that its members wrote, until a grant is open; and never a secret.

use serde_json::{Value, json};
use tests::{
    caller::Answer,
    database,
    operator::{self, API},
    stack,
    tenant::{self, Tenant, random_id},
    work,
    world::World,
};

use super::walk::{self, Places};

/// What only the workspace's members may read, in every place that holds text of theirs.
const CANARY: &str = "canary-7f3a";
const SECRET: &str = "canary-secret-91bc";

/// One of everything, with the canary in it. The run that came of it.
async fn plant(tenant: &Tenant, world: &World) -> Value {
    let by = &tenant.administrator;
    let named = |what: &str| work::fresh(&format!("{CANARY}-{what}"));
    let vault = work::vault(by, &named("vault")).await;
    work::credential(by, &vault, &named("credential"), SECRET).await;
    let connection = work::connection(by, &named("connection"), world).await;
    let name = connection["name"].as_str().expect("a name").to_owned();
    let parameters =
        json!({ "type": "object", "properties": { "why": { "type": "string", "default": CANARY } } });
    let body = json!({ "name": named("job"), "tasks": work::chain(&name, 1), "parameters": parameters });
    let job = by.post("/jobs", &body).await.expect(201);
    let schedule =
        json!({ "name": named("schedule"), "job_id": job["id"], "cron": "0 6 1 1 *", "time_zone": "UTC" });
    by.post("/schedules", &schedule).await.expect(201);
    let run = work::run(by, &job).await;
    work::wait_for_run(by, &run, "succeeded", work::SOON).await
}

fn same(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    body["request_id"] = json!("");
    (answer.status, body)
}

#[test]
fn no_answer_holds_content_until_a_grant_is_open_and_none_a_secret() {
    stack::with(async |stack| {
        let world = World::new(|_, _| tests::world::Answer::Json(200, json!({ "said": CANARY })));
        let (operator, tenant) = (operator::new(stack).await, tenant::new(stack).await);
        let run = plant(&tenant, &world).await;
        let places = Places { workspace: tenant.id, run: work::id(&run), grant: random_id().to_string() };
        let absent = Places { workspace: random_id(), ..places.clone() };
        let operations = walk::operations(&operator).await;
        let reads: Vec<_> = operations
            .iter()
            .filter(|it| it.access != "public" && it.method == reqwest::Method::GET)
            .collect();
        for operation in &reads {
            let answer = operation.send(&operator, &places).await;
            assert!(!answer.text().contains("canary-"), "{}: {}", operation.path, answer.text());
            if operation.access == "grant" {
                answer.problem(403, "no_grant");
                assert_eq!(
                    same(&answer),
                    same(&operation.send(&operator, &absent).await),
                    "{}",
                    operation.path
                );
            }
        }
        operator::grant(&operator, tenant.id).await;
        let mut shown = 0;
        for operation in reads {
            let answer = operation.send(&operator, &places).await;
            answer.expect(200);
            assert!(!answer.text().contains(SECRET), "{}", operation.path);
            let holds = answer.text().contains(CANARY);
            assert!(!holds || operation.access == "grant", "{}: {}", operation.path, answer.text());
            shown += usize::from(holds);
        }
        assert_eq!(shown, 5, "runs, one run, jobs, schedules, connections");
        let client = database::superuser(stack).await;
        let ask = "select encode(salt, 'base64') from system.tenant_keys where tenant_id = $1";
        let salt: String = client.query_one(ask, &[&tenant.id]).await.expect("a salt").get(0);
        let connections = operator.get(&format!("{API}/workspaces/{}/connections", tenant.id)).await;
        assert!(!connections.text().contains(&salt));
    });
}

/// Foreign is absent, also under a grant for another workspace.
#[test]
fn a_grant_shows_nothing_of_another_workspace() {
    stack::with(async |stack| {
        let world = World::at_once();
        let (operator, ours, theirs) =
            (operator::new(stack).await, tenant::new(stack).await, tenant::new(stack).await);
        let run = plant(&theirs, &world).await;
        operator::grant(&operator, ours.id).await;
        let at = |workspace: uuid::Uuid, run: &str| format!("{API}/workspaces/{workspace}/runs/{run}");
        let foreign = operator.get(&at(ours.id, &work::id(&run))).await;
        foreign.problem(404, "not_found");
        for never in [random_id().to_string(), "x".to_owned(), work::id(&run).to_uppercase()] {
            assert_eq!(same(&operator.get(&at(ours.id, &never)).await), same(&foreign), "{never}");
        }
        operator.get(&at(theirs.id, &work::id(&run))).await.problem(403, "no_grant");
        let list = operator.get(&format!("{API}/workspaces/{}/runs", ours.id)).await.expect(200);
        assert_eq!(list, json!({ "items": [], "next_cursor": null }));
    });
}
