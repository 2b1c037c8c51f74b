//! Exports, backups and restores, from being asked for to their end as the operation has it. Goals: backup of a small workspace
//! at most 1 s, its restore at most 5 s, an export at least 10,000 rows a second.

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{archive, database, tenant, work, world::World};

use crate::figure::report;

/// Rows of the large workspace.
const ROWS: u32 = 100_000;

pub(crate) async fn small_and_large(stack: &Stack) {
    let (small, world) = (tenant::new(stack).await, World::at_once());
    let by = &small.administrator;
    work::connection(by, "platform", &world).await;
    let job = work::job(by, "job", &work::chain("platform", 3)).await;
    for _ in 0..10 {
        let run = work::run(&small.operator, &job).await;
        work::wait_for_run(&small.operator, &run, "succeeded", work::SOON).await;
    }
    let kept = archive::done(by, "/workspace/backups", &json!({})).await;
    report("archives.backup_small", seconds(stack, &kept).await * 1e3, "ms");
    let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
    let restored = archive::done(by, "/workspace/restores", &body).await;
    report("archives.restore_small", seconds(stack, &restored).await * 1e3, "ms");

    let large = tenant::new(stack).await;
    let client = database::superuser(stack).await;
    let fill = format!(
        "insert into \"{}\".audit (tenant_id, id, at, actor_kind, actor_name, action, target_kind, request_id)
         select $1, gen_random_uuid(), now(), 'system', repeat('n', 60), 'plant.row', 'plant', md5(n::text)
         from generate_series(1, {ROWS}) n",
        large.schema
    );
    client.execute(&fill, &[&large.id]).await.expect("rows");
    let by = &large.administrator;
    for (path, name) in [("/workspace/exports", "export"), ("/workspace/backups", "backup")] {
        let made = archive::done(by, path, &json!({})).await;
        let rate = f64::from(ROWS) / seconds(stack, &made).await;
        report(&format!("archives.{name}_large"), rate, "rows/s");
    }
}

/// How long an operation took, from being asked for.
async fn seconds(stack: &Stack, operation: &Value) -> f64 {
    let ask = "select extract(epoch from finished_at - created_at)::float8 from system.operations where id = $1::text::uuid";
    let client = database::superuser(stack).await;
    client.query_one(ask, &[&work::id(operation)]).await.expect("the operation").get(0)
}
