//! What the fence costs: one read through a person's whole scope (session, membership, role switch, path, row-level
//! security, commit) beside the same read on a bare connection. Goal: at most 1.6 times. On loopback, where a statement takes
//! some forty microseconds, waking the client for the answers of `begin` and `commit` alone takes more than that: so the read
//! stands beside a bare statement and beside a bare transaction.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join;
use local::stack::Stack;
use serde_json::Value;
use shared::{
    db::{Database, Scope, TenantTx},
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
    let reads = tokio::task::block_in_place(|| {
        let own = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        own.block_on(interleaved(stack, &tenant, job))
    });
    let [statement, transaction, worker, person] = reads.map(|mut took| percentile(&mut took, 50));
    report("scope.bare_statement_p50", statement, "ms");
    report("scope.bare_transaction_p50", transaction, "ms");
    report("scope.worker_read_p50", worker, "ms");
    report("scope.person_read_p50", person, "ms");
    report("scope.worker_over_bare_transaction", worker / transaction, "x");
    report("scope.person_over_bare_transaction", person / transaction, "x");
    report("scope.person_over_bare_statement", person / statement, "x");
}

/// The same read in turns: as a bare statement, in a bare transaction in one round trip, through a worker's scope and through
/// a person's, whose session, membership and role are read too.
async fn interleaved(stack: &Stack, tenant: &Tenant, job: Uuid) -> [Vec<Duration>; 4] {
    let person = scope_of(tenant.administrator.token());
    let Scope::Person { route, .. } = &person else { unreachable!("it is a person's") };
    let worker = Scope::Worker(route.clone());
    let (portal, dispatcher) =
        (database::of(stack, "portal", 1).await, database::of(stack, "dispatcher", 1).await);
    let bare = database::superuser(stack).await;
    let sql = format!("select id, name, version from {}.jobs where id = $1", tenant.schema);
    let statement = async || bare.query_typed(&sql, &[(&job, Type::UUID)]).await.expect("a row").len();
    let transaction = async || {
        let ends = join(statement(), bare.simple_query("commit"));
        let (began, (rows, ended)) = join(bare.simple_query("begin"), ends).await;
        began.and(ended).map(|_| rows).expect("a transaction")
    };
    let scoped = async |pool: &Database, scope: &Scope| {
        let tx = TenantTx::begin(pool, scope, "bench").await.expect("a connection");
        tx.last(READ, &[&JobId::from(job)]).await.expect("a row").len()
    };
    let mut took: [Vec<Duration>; 4] = Default::default();
    for _ in 0..BLOCKS {
        for _ in 0..BLOCK {
            took[0].push(timed(statement()).await);
        }
        for _ in 0..BLOCK {
            took[1].push(timed(transaction()).await);
        }
        for _ in 0..BLOCK {
            took[2].push(timed(scoped(&dispatcher, &worker)).await);
        }
        for _ in 0..BLOCK {
            took[3].push(timed(scoped(&portal, &person)).await);
        }
    }
    took
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
        permission: Some(Permission::JobsRead),
    }
}
