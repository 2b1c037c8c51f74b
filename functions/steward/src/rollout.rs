//! Migrations of workspaces, in waves. Each workspace is a transaction under `lock_timeout`; the first error stops the
//! rollout, and an order resumes it. Killed anywhere it goes on with the next tick, for what is behind says so itself.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx, migrate},
    error::{DbError, chain},
    model::rollout::Wave,
    store::rollouts::{self, Behind},
};
use uuid::Uuid;

use crate::Steward;

/// Workspaces migrated side by side.
const SIDE_BY_SIDE: usize = 4;
/// Workspaces looked up at a time.
const BATCH: i64 = 200;
/// How often a workspace that is locked is tried in one invocation.
const TRIES: u32 = 3;
/// What is left after this long is the next tick's.
const WORK_FOR: Duration = Duration::from_secs(200);

/// What became of one workspace.
enum Outcome {
    Migrated,
    /// Somebody holds a lock; it is left for the next tick.
    Busy,
    Failed(Behind, DbError),
}

impl Steward {
    /// Brings workspaces up to date, as far as `until`; one that was stopped goes on only where `resume` says so.
    pub(crate) async fn migrate(&self, until: Wave, resume: bool) -> Result<Value, Error> {
        let version = migrate::tenant_version();
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "open rollout").await?;
        let runs = rollouts::open(&tx, version, until, resume).await?;
        tx.commit().await?;
        let migrated = if runs { self.roll_out(version, until).await? } else { 0 };
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "rollout").await?;
        let rollout = rollouts::finish(tx, version).await?;
        Ok(json!({ "migrated": migrated, "rollout": rollout }))
    }

    /// Goes on with a rollout that was cut short.
    pub(crate) async fn go_on_migrating(&self) -> Result<(), Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "running rollout").await?;
        if let Some(until) = rollouts::running(tx, migrate::tenant_version()).await? {
            self.migrate(until, false).await?;
        }
        Ok(())
    }

    async fn roll_out(&self, version: i32, until: Wave) -> Result<i32, Error> {
        let deadline = Instant::now() + WORK_FOR;
        let mut migrated = 0;
        for wave in Wave::ALL.iter().copied().filter(|wave| *wave <= until) {
            let (count, went_well) = self.work_wave(version, wave, deadline).await?;
            migrated += count;
            if !went_well {
                break;
            }
            tracing::info!(version, wave = wave.as_str(), migrated, "a wave of the rollout is through");
        }
        Ok(migrated)
    }

    /// One wave; says how many it migrated and whether the next may follow.
    async fn work_wave(&self, version: i32, wave: Wave, deadline: Instant) -> Result<(i32, bool), Error> {
        let (mut after, mut migrated) = (Uuid::nil(), 0);
        loop {
            let room = self.room(version, wave).await?;
            let tx = SystemTx::begin(&self.database, SystemRole::Owner, "behind").await?;
            let behind = rollouts::behind(tx, version, wave == Wave::Spares, after, room).await?;
            let Some(last) = behind.last() else { return Ok((migrated, true)) };
            after = shared::model::ids::Id::uuid(last.id);
            let outcomes = stream::iter(behind).map(|workspace| self.bring(workspace));
            let outcomes: Vec<_> = outcomes.buffer_unordered(SIDE_BY_SIDE).collect().await;
            let done = outcomes.iter().filter(|o| matches!(o, Outcome::Migrated)).count();
            let done = i32::try_from(done)?;
            migrated += done;
            let tx = SystemTx::begin(&self.database, SystemRole::Owner, "count migrated").await?;
            rollouts::count(tx, version, done).await?;
            let mut has_failed = false;
            for outcome in outcomes {
                if let Outcome::Failed(workspace, error) = outcome {
                    has_failed = true;
                    self.stop(version, workspace, &error).await?;
                }
            }
            if has_failed || Instant::now() > deadline {
                return Ok((migrated, false));
            }
        }
    }

    /// How many workspaces may be taken on next in a wave.
    async fn room(&self, version: i32, wave: Wave) -> Result<i64, Error> {
        let Some(reach) = wave.reach().filter(|_| wave != Wave::Spares) else { return Ok(BATCH) };
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "ahead").await?;
        let ahead = rollouts::ahead(&tx, version, reach).await?;
        tx.commit().await?;
        Ok(reach - ahead)
    }

    async fn bring(&self, workspace: Behind) -> Outcome {
        for _ in 0..TRIES {
            match migrate::migrate(&self.database, workspace.id, workspace.schema_version).await {
                Ok(_) => return Outcome::Migrated,
                Err(error) if error.is_retryable() => {
                    tracing::info!(tenant = %workspace.id, %error, "a workspace is locked; it is tried again");
                }
                Err(error) => return Outcome::Failed(workspace, error),
            }
        }
        Outcome::Busy
    }

    async fn stop(&self, version: i32, workspace: Behind, error: &DbError) -> Result<(), Error> {
        let error = chain(error);
        tracing::error!(version, tenant = %workspace.id, error, "a migration failed; the rollout is stopped");
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "stop rollout").await?;
        Ok(rollouts::fail(tx, version, workspace.id, &error).await?)
    }
}
