//! How many workspaces there are while something is measured: a thousand, or what `WORKSPACES` says.

use std::time::Instant;

use futures_util::future::join_all;
use local::stack::Stack;
use shared::{clock::Clock, db::migrate};
use tests::{database, tenant};

use crate::figure::report;

/// Spares are made by as many connections side by side.
const SIDE_BY_SIDE: u32 = 2;

/// The workspaces that there are to be.
pub(crate) fn workspaces() -> u32 {
    asked().unwrap_or(1000)
}

/// The workspaces that whoever starts the benches wants there for all of them.
#[expect(clippy::disallowed_methods, reason = "the size is asked for by whoever starts the benches")]
pub(crate) fn asked() -> Option<u32> {
    std::env::var("WORKSPACES").ok().and_then(|it| it.parse().ok())
}

/// Makes spares until there are as many as there are to be, quicker than the steward: their commits do not wait for the disk.
pub(crate) async fn fill(stack: &Stack) {
    let client = database::superuser(stack).await;
    let ask = "select count(*) from system.tenants where state = 'spare' and placement = 'schema'";
    let spares: i64 = client.query_one(ask, &[]).await.expect("a count").get(0);
    let missing = workspaces().saturating_sub(u32::try_from(spares).expect("few"));
    let started = Instant::now();
    let login = database::login_of(stack, "steward").await.user;
    let quick = format!("alter role \"{login}\" set synchronous_commit = off");
    client.batch_execute(&quick).await.expect("the steward's login");
    let makers = (0..SIDE_BY_SIDE).map(|maker| async move {
        // While one connection holds what it makes, another looks for a cell.
        let pool = database::of(stack, "steward", 2).await;
        for _ in (maker..missing).step_by(SIDE_BY_SIDE as usize) {
            tenant::spare_at(&pool, Clock::system().new_id(), migrate::tenant_version()).await;
        }
    });
    join_all(makers).await;
    let slow = format!("alter role \"{login}\" reset synchronous_commit");
    client.batch_execute(&slow).await.expect("the steward's login");
    if missing > 0 {
        report("size.made", f64::from(missing) / started.elapsed().as_secs_f64(), "workspaces/s");
    }
}
