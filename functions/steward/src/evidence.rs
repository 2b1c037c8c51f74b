//! Evidence of isolation. Canary workspaces, which nobody uses, try to reach the others: a few each tick, in turn. Every
//! attempt must be refused; each workspace's Administrators see what came of theirs, and one that succeeds is an alarm.

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{Scope, SystemRole, SystemTx, TenantTx},
    keys::random,
    model::{
        ids::TenantId,
        tenant::{Placement, Route},
    },
    store::isolation::{self, Attempts, Canary},
};
use uuid::Uuid;

use crate::Steward;

/// Workspaces looked at in one tick: with the usual tick every one of 1,000 has its turn within five hours.
const EACH_TICK: i64 = 20;
/// How many canaries have a schema of their own: two, so that each is tried by the other. Each pool has one more.
const CANARIES: usize = 2;

impl Steward {
    /// Looks at the workspaces whose turn it is; says how many attempts were made and how many reached something.
    pub(crate) async fn gather_evidence(&self) -> Result<Value, Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "canaries").await?;
        let mut canaries = isolation::canaries(&tx).await?;
        while of_schemas(&canaries) < CANARIES && isolation::make_canary(&tx).await? {
            canaries = isolation::canaries(&tx).await?;
        }
        while isolation::make_pool_canary(&tx, self.clock.new_id(), &random(32)?).await? {
            canaries = isolation::canaries(&tx).await?;
        }
        let turn = isolation::next_tenants(&tx, EACH_TICK).await?;
        tx.commit().await?;
        let (mut attempts, mut violations) = (0, 0);
        for workspace in &turn {
            let (tried, reached) = self.try_to_reach(&canaries, workspace).await?;
            attempts += tried;
            violations += reached;
        }
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "evidence goes on").await?;
        // A round that is through begins anew, and remembers no workspace meanwhile.
        let is_through = turn.len() < usize::try_from(EACH_TICK)?;
        let last = turn.last().filter(|_| !is_through);
        isolation::go_on(&tx, last.map_or(TenantId::from(Uuid::nil()), |last| last.tenant)).await?;
        tx.commit().await?;
        Ok(json!({ "workspaces": turn.len(), "attempts": attempts, "violations": violations }))
    }

    /// Everything that is tried on one workspace, recorded.
    async fn try_to_reach(&self, canaries: &[Canary], workspace: &Route) -> Result<(i32, i32), Error> {
        let mut checks = Vec::new();
        for canary in canaries.iter().filter(|canary| canary.tries(workspace)) {
            let scope = Scope::Worker(canary.route.clone());
            let tx = TenantTx::begin(&self.database, &scope, "canary").await?;
            let name = match canary.placement {
                Placement::Pooled => "statements of a neighbour in the pool",
                _ => "statements of another workspace",
            };
            checks.push((name, isolation::try_to_cross(tx, workspace).await?));
        }
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "evidence").await?;
        checks.push(("other workspaces' grants", isolation::grants_of_others(&tx, &workspace.schema).await?));
        checks.push(("tables without a fence", isolation::unfenced_tables(&tx, &workspace.schema).await?));
        let attempts = checks.iter().map(|(_, tried)| tried.attempts).sum();
        let violations = checks.iter().map(|(_, tried)| reached(tried)).sum();
        let told: Vec<_> = checks.iter().map(|(name, tried)| told(name, tried)).collect();
        isolation::record(&tx, workspace.tenant, attempts, violations, &json!(told)).await?;
        tx.commit().await?;
        if violations > 0 {
            tracing::error!(event = "isolation_violation", tenant = %workspace.tenant, violations, ?checks, "the fence does not hold");
        }
        Ok((attempts, violations))
    }
}

fn of_schemas(canaries: &[Canary]) -> usize {
    canaries.iter().filter(|canary| canary.placement != Placement::Pooled).count()
}

fn reached(tried: &Attempts) -> i32 {
    i32::try_from(tried.crossed.len()).unwrap_or(i32::MAX)
}

/// What the workspace's own people are told: nothing of who else there is.
fn told(name: &str, tried: &Attempts) -> Value {
    json!({ "name": name, "attempts": tried.attempts, "crossed": tried.crossed.len() })
}
