//! The deletion of a small workspace with a thousand others beside it, from the end of its grace to its tombstone: the steward's
//! whole work. Goal: at most 2 s.

use std::time::Instant;

use local::stack::Stack;
use serde_json::json;
use tests::{database, tenant::Workspace, tenant::random_id};

use crate::figure::{percentile, report};

/// Workspaces that are there.
const PRESENT: u32 = 1000;
/// Of them, deleted one after the other.
const DELETED: usize = 10;

pub(crate) async fn delete_a_tenant(stack: &Stack) {
    stack.order(json!({ "do": "refill", "spares": PRESENT })).await.expect("spares");
    let client = database::superuser(stack).await;
    let mut durations = Vec::new();
    for _ in 0..DELETED {
        let workspace = Workspace::claim(stack).await;
        let fence = "update system.tenants set state = 'deleting' where id = $1";
        client.execute(fence, &[&workspace.id]).await.expect("its grace");
        let ask = "insert into system.operations (id, tenant_id, kind, exclusive, requested_by, not_before, created_at)
                   values ($1, $2, 'deletion', true, $3, system.now(), system.now())";
        client.execute(ask, &[&random_id(), &workspace.id, &workspace.user]).await.expect("its deletion");
        let started = Instant::now();
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        durations.push(started.elapsed());
        let gone = "select state from system.tenants where id = $1";
        let state: String = client.query_one(gone, &[&workspace.id]).await.expect("its row").get(0);
        assert_eq!(state, "deleted");
    }
    report("delete_tenant.p50", percentile(&mut durations, 50), "ms");
    report("delete_tenant.p95", percentile(&mut durations, 95), "ms");
}
