//! What the seals cost and give: verification through the API (goal: at least 50,000 rows a second), sealing, and what the
//! trigger adds to each statement that writes to a log.

use std::time::Instant;

use local::stack::Stack;
use tests::{
    audit, database,
    tenant::{self, Tenant},
};
use tokio_postgres::Client;

use crate::figure::report;

const ROWS: u32 = 100_000;
const WRITES: u32 = 2_000;

/// A connection to the tables of a workspace whose audit log is given so many rows.
pub(crate) async fn fill(stack: &Stack, tenant: &Tenant, rows: u32) -> Client {
    let client = database::superuser(stack).await;
    let enter = format!("set search_path = \"{}\"; set app.tenant_id = '{}'", tenant.schema, tenant.id);
    client.batch_execute(&enter).await.expect("the workspace");
    let insert = "insert into audit (id, at, actor_kind, actor_id, actor_name, action, target_kind, target_id, before_digest,
                                     after_digest, request_id, source_address)
                  select gen_random_uuid(), now(), 'user', gen_random_uuid(), 'Somebody', 'job.update', 'job', gen_random_uuid(),
                         sha256('a'), sha256('b'), gen_random_uuid()::text, '192.0.2.1' from generate_series(1, $1)";
    let rows = i32::try_from(rows).expect("small");
    client.execute(insert, &[&rows]).await.expect("rows");
    client
}

pub(crate) async fn rows_per_second(stack: &Stack) {
    let tenant = tenant::new(stack).await;
    let client = fill(stack, &tenant, ROWS).await;
    let started = Instant::now();
    audit::seal(stack, tenant.id).await;
    report("audit.seal", f64::from(ROWS) / started.elapsed().as_secs_f64(), "rows/s");
    let started = Instant::now();
    let found = audit::verify(&tenant.administrator, None).await;
    assert_eq!(found["verified"], true, "{found}");
    report("audit.verify", f64::from(ROWS) / started.elapsed().as_secs_f64(), "rows/s");

    // One statement a row, all on the server; the quickest round of each, interleaved.
    let writes = format!(
        "do $$ begin for n in 1..{WRITES} loop
             insert into audit (id, at, actor_kind, action, target_kind) values (gen_random_uuid(), now(), 'user', 'x', 'x');
         end loop; end $$"
    );
    let mut took = [f64::MAX; 2];
    for round in 0..10 {
        let with = round % 2;
        let switch = ["disable", "enable"][with];
        client
            .batch_execute(&format!("alter table audit {switch} trigger note_unsealed"))
            .await
            .expect("ours");
        let started = Instant::now();
        client.batch_execute(&writes).await.expect("rows");
        took[with] = took[with].min(started.elapsed().as_secs_f64());
    }
    report("audit.trigger", (took[1] - took[0]) / f64::from(WRITES) * 1e6, "us/statement");
}
