//! What forced row-level security adds to a point read in a workspace's own schema, as the workspace's role, everything else the
//! same: a prepared statement on one connection. Goal: at most 15 %.

use std::time::Instant;

use local::stack::Stack;
use tests::{database, tenant, world::World};
use uuid::Uuid;

use crate::{
    figure::{percentile, report},
    job,
};

const BLOCKS: usize = 40;
const BLOCK: usize = 250;

pub(crate) async fn forced_row_level_security(stack: &Stack) {
    let tenant = tenant::new(stack).await;
    let job: Uuid = job::chain(&tenant, &World::at_once(), 1).await.parse().expect("an id");
    let (inside, owner) = (database::superuser(stack).await, database::superuser(stack).await);
    let enter = format!(
        "set role \"{0}\"; set search_path = \"{0}\"; set app.tenant_id = '{1}'",
        tenant.schema, tenant.id
    );
    inside.batch_execute(&enter).await.expect("the workspace's role");
    let mut took = [Vec::new(), Vec::new()];
    for block in 0..BLOCKS {
        let fenced = block % 2;
        let switch = ["no force row level security, disable", "force row level security, enable"][fenced];
        let alter = format!("alter table \"{}\".jobs {switch} row level security", tenant.schema);
        owner.batch_execute(&alter).await.expect("the fence");
        // The plan follows the fence: prepared anew.
        let read = inside
            .prepare("select id, name, version from jobs where tenant_id = $1 and id = $2")
            .await
            .expect("a statement");
        for _ in 0..BLOCK {
            let started = Instant::now();
            inside.query_one(&read, &[&tenant.id, &job]).await.expect("the job");
            took[fenced].push(started.elapsed());
        }
    }
    let [bare, fenced] = took.map(|mut took| percentile(&mut took, 50));
    report("fence.bare_read_p50", bare, "ms");
    report("fence.fenced_read_p50", fenced, "ms");
    report("fence.fenced_over_bare", fenced / bare, "x");
}
