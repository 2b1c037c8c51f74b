//! Migrations of workspaces, in waves. Each schema is a transaction under `lock_timeout`, and one round trip; the first error
//! stops the rollout, and an order resumes it. Killed anywhere it goes on with the next tick, for what is behind says so itself.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx, migrate},
    error::{DbError, Refusal, chain},
    model::rollout::{Home, Wave},
    store::{backfills, rollouts},
};

use crate::Steward;

/// Schemas migrated side by side.
const SIDE_BY_SIDE: usize = 4;
/// Schemas counted at a time.
const BATCH: usize = 200;
/// Schemas looked up in one invocation; what is beyond is the next tick's.
const MOST: i64 = 50_000;
/// How often a schema that is locked is tried in one invocation.
const TRIES: u32 = 3;
/// What is left after this long is the next tick's.
const WORK_FOR: Duration = Duration::from_secs(200);

/// What became of one schema.
enum Outcome {
    /// It has the version: by us, or by another meanwhile.
    There,
    /// Somebody holds a lock; it is left for the next tick.
    Busy,
    Failed(Home, DbError),
}

/// What a wave came to.
#[derive(Default)]
struct Worked {
    migrated: i32,
    /// Some could not be had.
    is_busy: bool,
    /// The next wave must not follow now.
    is_over: bool,
}

impl Steward {
    /// Brings workspaces up to date, as far as `until`; one that was stopped goes on only where `resume` says so.
    pub(crate) async fn migrate(&self, until: Wave, resume: bool) -> Result<Value, Error> {
        let version = migrate::tenant_version();
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "open rollout").await?;
        // Before anybody is migrated: whoever is owes them.
        backfills::register(&tx, self.backfills).await?;
        let runs = rollouts::open(&tx, version, until, resume).await?;
        tx.commit().await?;
        let migrated = if runs { self.roll_out(version, until).await? } else { 0 };
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "rollout").await?;
        let rollout = rollouts::finish(tx, version).await?;
        let backfills = self.backfills_now().await?;
        Ok(json!({ "migrated": migrated, "rollout": rollout, "backfills": backfills }))
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
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "behind").await?;
        let mut homes = rollouts::behind(tx, version, MOST).await?;
        let mut migrated = 0;
        for wave in Wave::ALL.iter().copied().filter(|wave| *wave <= until) {
            let worked = self.work_wave(version, wave, &mut homes, deadline).await?;
            migrated += worked.migrated;
            if worked.is_over {
                break;
            }
            tracing::info!(version, wave = wave.as_str(), migrated, "a wave of the rollout is through");
        }
        Ok(migrated)
    }

    async fn work_wave(
        &self,
        version: i32,
        wave: Wave,
        homes: &mut Vec<Home>,
        deadline: Instant,
    ) -> Result<Worked, Error> {
        let mut worked = Worked::default();
        while !worked.is_over {
            let ahead = self.ahead(version, wave).await?;
            let mut next = wave.take(homes, ahead, BATCH);
            let is_first_step = wave == Wave::One && ahead == 0;
            if next.is_empty() && is_first_step && !worked.is_busy {
                // There are pools alone: the smallest is the first step.
                next.extend(homes.drain(..homes.len().min(1)));
            }
            if next.is_empty() {
                // Whoever should have been first could not be had: nobody follows.
                worked.is_over = is_first_step && worked.is_busy;
                break;
            }
            self.bring_all(version, next, &mut worked).await?;
            worked.is_over |= Instant::now() > deadline;
        }
        Ok(worked)
    }

    /// Some schemas, side by side; counts them, and stops the rollout where one failed.
    async fn bring_all(&self, version: i32, homes: Vec<Home>, worked: &mut Worked) -> Result<(), Error> {
        let outcomes = stream::iter(homes).map(|home| self.bring(home));
        let outcomes: Vec<_> = outcomes.buffer_unordered(SIDE_BY_SIDE).collect().await;
        let there = i32::try_from(outcomes.iter().filter(|o| matches!(o, Outcome::There)).count())?;
        worked.migrated += there;
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "count migrated").await?;
        rollouts::count(tx, version, there).await?;
        for outcome in outcomes {
            match outcome {
                Outcome::There => {}
                Outcome::Busy => worked.is_busy = true,
                Outcome::Failed(home, error) => {
                    worked.is_over = true;
                    self.stop(version, &home, &error).await?;
                }
            }
        }
        Ok(())
    }

    /// How many workspaces with people have the version, as far as a wave wants to know.
    async fn ahead(&self, version: i32, wave: Wave) -> Result<i64, Error> {
        let Some(reach) = wave.reach().filter(|reach| *reach > 0) else { return Ok(0) };
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "ahead").await?;
        let ahead = rollouts::ahead(&tx, version, reach).await?;
        tx.commit().await?;
        Ok(ahead)
    }

    async fn bring(&self, home: Home) -> Outcome {
        for _ in 0..TRIES {
            match migrate::bring(&self.database, &home, migrate::TENANT).await {
                Ok(()) | Err(DbError::Refused(Refusal::WorkspaceState)) => return Outcome::There,
                Err(error) if error.is_retryable() => {
                    tracing::info!(schema = %home.schema, %error, "a schema is locked; it is tried again");
                }
                Err(error) => return Outcome::Failed(home, error),
            }
        }
        Outcome::Busy
    }

    async fn stop(&self, version: i32, home: &Home, error: &DbError) -> Result<(), Error> {
        let error = chain(error);
        tracing::error!(version, schema = %home.schema, error, "a migration failed; the rollout is stopped");
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "stop rollout").await?;
        Ok(rollouts::fail(tx, version, home, &error).await?)
    }
}
