//! What the fence costs: one read through a person's whole scope (session, membership, role switch, path, row-level
//! security, commit) beside the same read on a bare connection. Goal: at most 1.6 times.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use local::stack::Stack;
use serde_json::Value;
use shared::{
    db::{Scope, TenantTx},
    model::{ids::JobId, role::Permission, tenant::Route},
};
use tests::{
    database,
    tenant::{self, Tenant},
    world::World,
};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::{
    figure::{percentile, report},
    job,
};

const BLOCKS: usize = 20;
const BLOCK: usize = 100;
const READ: &str = "select id, name, version from jobs where id = $1";

pub(crate) async fn read_through_the_scope(stack: &Stack) {
    let tenant = tenant::new(stack).await;
    let job: Uuid = job::chain(&tenant, &World::at_once(), 1).await.parse().expect("an id");
    // On one thread, as a function runs: waking a second one would take longer than what is measured.
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut bare, mut scoped) =
        tokio::task::block_in_place(|| own.block_on(interleaved(stack, &tenant, job)));
    let (bare_p50, scoped_p50) = (percentile(&mut bare, 50), percentile(&mut scoped, 50));
    report("scope.raw_read_p50", bare_p50, "ms");
    report("scope.tenant_read_p50", scoped_p50, "ms");
    report("scope.tenant_over_raw", scoped_p50 / bare_p50, "x");
}

/// The same read, bare and through the scope, in turns.
async fn interleaved(stack: &Stack, tenant: &Tenant, job: Uuid) -> (Vec<Duration>, Vec<Duration>) {
    let scope = scope_of(tenant.administrator.token());
    let pool = database::of(stack, "portal", 1).await;
    let raw = database::superuser(stack).await;
    let qualified = format!("select id, name, version from {}.jobs where id = $1", tenant.schema);
    let (mut bare, mut scoped) = (Vec::new(), Vec::new());
    for _ in 0..BLOCKS {
        for _ in 0..BLOCK {
            let read =
                async { raw.query_typed(&qualified, &[(&job, Type::UUID)]).await.expect("a row").len() };
            bare.push(timed(read).await);
        }
        for _ in 0..BLOCK {
            let read = async {
                let tx = TenantTx::begin(&pool, &scope, "bench").await.expect("a connection");
                tx.last(READ, &[&JobId::from(job)]).await.expect("a row").len()
            };
            scoped.push(timed(read).await);
        }
    }
    (bare, scoped)
}

async fn timed(read: impl Future<Output = usize>) -> Duration {
    let started = Instant::now();
    assert_eq!(read.await, 1, "the job is read");
    started.elapsed()
}

/// The scope that a session's token stands for. The token came from the product itself, so it is read, not verified.
fn scope_of(token: &str) -> Scope {
    let payload = token.split('.').nth(1).expect("a JWT");
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON");
    let id = |name: &str| claims[name].as_str().and_then(|t| t.parse::<Uuid>().ok()).expect("an id");
    Scope::Person {
        session: id("sid").into(),
        user: id("tenant_user_id").into(),
        route: Route {
            tenant: id("tenant_id").into(),
            schema: claims["tenant_schema"].as_str().and_then(|t| t.parse().ok()).expect("a schema"),
        },
        permission: Permission::JobsRead,
    }
}
