//! The job that benches run: a chain of tasks on a world, under a concurrency profile wide enough not to be the limit.

use serde_json::json;
use tests::{tenant::Tenant, work, world::World};

/// Makes it and answers its id.
pub(crate) async fn chain(tenant: &Tenant, world: &World, tasks: usize) -> String {
    let by = &tenant.administrator;
    let profile =
        by.post("/concurrency-profiles", &json!({ "name": "wide", "limit": 400 })).await.expect(201);
    let connection = json!({
        "name": "platform", "kind": "http", "settings": { "base_url": world.url() }, "concurrency_profile_id": work::id(&profile),
    });
    by.post("/connections", &connection).await.expect(201);
    let job = json!({ "name": "chain", "tasks": work::chain("platform", tasks) });
    work::id(&by.post("/jobs", &job).await.expect(201))
}
