//! Sealing: each minute, the audit and event rows of every workspace that wrote some.
//!
//! Commit order is not the order of transaction ids, so a seal covers only rows of transactions below the oldest one that is
//! still under way: no row can appear in its range any more. A workspace's seals are numbered, and a number is taken once:
//! two sealings at once, or one that was killed, make no gap and no double. What wakes it is a `seal` row of the due index;
//! `shared/sql/owner/rest_delete.sql` says when that may go.

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{Scope, SystemRole, SystemTx, TenantTx},
    error::{DbError, chain},
    model::tenant::Route,
    seal::{MOST_ROWS, Position},
    store::seals::{self, Range},
};
use tokio::time::{Duration, Instant};

use crate::Steward;

/// Due rows claimed at once.
const BATCH: i64 = 100;
/// Claims stop after this; the next minute goes on.
const LONGEST: Duration = Duration::from_secs(45);

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    seals: usize,
    rows: usize,
}

impl Steward {
    pub(crate) async fn seal(&self) -> Result<Value, Error> {
        let started = Instant::now();
        let (mut workspaces, mut failed, mut done) = (0, 0, Done::default());
        while started.elapsed() < LONGEST {
            let tx = SystemTx::begin(&self.database, SystemRole::Owner, "claim seals").await?;
            let claimed = seals::claim(&tx, BATCH).await?;
            tx.commit().await?;
            if claimed.is_empty() {
                break;
            }
            for route in claimed {
                workspaces += 1;
                if let Err(error) = self.seal_workspace(&route, &mut done).await {
                    // Its due rows stay, with a lease: it is tried again, and holds up nobody else.
                    failed += 1;
                    tracing::error!(tenant = %route.tenant, cause = chain(&error), "a workspace was not sealed");
                }
            }
        }
        // An alarm stands on it: whoever holds up the sealing, here or in another database of the server, is heard of.
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "unsealed").await?;
        let oldest_s = seals::unsealed_for(tx).await?;
        tracing::info!(unsealed_s = oldest_s, "sealed");
        Ok(json!({
            "workspaces": workspaces, "seals": done.seals, "rows": done.rows, "failed": failed, "unsealed_s": oldest_s,
        }))
    }

    async fn seal_workspace(&self, route: &Route, done: &mut Done) -> Result<(), DbError> {
        loop {
            match self.seal_once(route).await {
                Ok(0) => return Ok(()),
                Ok(rows) => {
                    done.seals += 1;
                    done.rows += rows;
                    if rows < MOST_ROWS {
                        return Ok(());
                    }
                }
                // Another sealing took the number, and goes on from there.
                Err(DbError::Taken { .. }) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// One seal, if there is anything to seal; how many rows it covers.
    async fn seal_once(&self, route: &Route) -> Result<usize, DbError> {
        let tx = TenantTx::begin(&self.database, &Scope::Owner(route.clone()), "seal").await?;
        let look = seals::look(&tx).await?;
        let end = seals::end(&tx, route.tenant).await?;
        let range =
            Range { epoch: 0, after: end.last(), through: Position::below(look.below), limit: MOST_ROWS + 1 };
        let batch = seals::batch(&tx, range).await?;
        if batch.rows() > 0 {
            seals::insert(&tx, &end.next(&batch, look.now.clone())).await?;
        }
        if batch.rows() < MOST_ROWS {
            seals::rest(&tx, route.tenant, &look).await?;
        }
        tx.commit().await?;
        Ok(batch.rows())
    }
}
