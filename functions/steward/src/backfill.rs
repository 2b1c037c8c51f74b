//! Backfills of migrations: whoever owes one has it worked batch by batch in its own scope, in turn with the others. A workspace
//! in which it fails is left aside; where it has failed in several, it stops everywhere until an order resumes it. Killed anywhere
//! it goes on with the next tick, from the batch that was not committed.

use std::time::{Duration, Instant};

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{
        SystemRole, SystemTx,
        backfill::{self, Backfill, Batch},
    },
    error::{DbError, Refusal, chain},
    store::backfills::{self, Turn},
};

use crate::Steward;

/// Rows looked at in one transaction.
const ROWS: i64 = 500;
/// Batches of one workspace before the others have their turn.
const BATCHES: usize = 20;
/// Workspaces looked up at a time.
const TURNS: i64 = 100;
/// Workspaces in which it may fail before it stops everywhere.
const MOST_FAILED: i64 = 10;
/// How long a workspace that is locked, or on the move, is left alone.
const LEFT_ALONE_S: f64 = 30.0;
/// What is left of an order after this long is the ticks'.
const ORDERED_FOR: Duration = Duration::from_secs(200);
/// A tick has more to do.
const TICKED_FOR: Duration = Duration::from_secs(30);

impl Steward {
    /// Works on what is owed; what had failed or stopped only where `resume` says so. Tells how it goes.
    pub(crate) async fn backfill(&self, resume: bool) -> Result<Value, Error> {
        if resume {
            let tx = SystemTx::begin(&self.database, SystemRole::Owner, "resume backfills").await?;
            backfills::resume(&tx).await?;
            tx.commit().await?;
        }
        self.work_backfills(ORDERED_FOR).await?;
        Ok(json!({ "backfills": self.backfills_now().await? }))
    }

    /// Goes on with what is owed, for as long as a tick may.
    pub(crate) async fn go_on_backfilling(&self) -> Result<(), Error> {
        self.work_backfills(TICKED_FOR).await
    }

    /// How they go.
    pub(crate) async fn backfills_now(&self) -> Result<Value, Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "backfills").await?;
        Ok(serde_json::to_value(backfills::status(tx).await?)?)
    }

    async fn work_backfills(&self, long: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + long;
        let versions: Vec<i32> = self.backfills.iter().map(|backfill| backfill.version).collect();
        while !versions.is_empty() {
            let tx = SystemTx::begin(&self.database, SystemRole::Owner, "due backfills").await?;
            let turns = backfills::due(tx, &versions, TURNS).await?;
            let mut has_worked = false;
            for turn in turns {
                if Instant::now() > deadline {
                    return Ok(());
                }
                has_worked |= self.take_turn(&turn, deadline).await?;
            }
            if !has_worked {
                break;
            }
        }
        Ok(())
    }

    /// Some batches in one workspace. Whether there was anything to do for us.
    async fn take_turn(&self, turn: &Turn, deadline: Instant) -> Result<bool, Error> {
        let Some(backfill) = self.backfills.iter().find(|it| it.version == turn.version) else {
            return Ok(false);
        };
        for _ in 0..BATCHES {
            match backfill::batch(&self.database, backfill, &turn.route, ROWS).await {
                Ok(Batch::More) if Instant::now() < deadline => {}
                Ok(Batch::More) => break,
                Ok(Batch::Done) => return Ok(true),
                Ok(Batch::Taken) => return Ok(false),
                Err(error) => return self.not_now(turn, backfill, error).await,
            }
        }
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "put backfill off").await?;
        backfills::put_off(tx, turn, 0.0).await?;
        Ok(true)
    }

    /// A batch did not go: it comes later, or it failed.
    async fn not_now(&self, turn: &Turn, backfill: &Backfill, error: DbError) -> Result<bool, Error> {
        let (version, name, tenant) = (backfill.version, backfill.name, turn.route.tenant);
        match error {
            DbError::Unavailable(_) => return Err(error.into()),
            DbError::Retry(_) | DbError::Refused(Refusal::NoWorkspace) => {
                tracing::info!(version, name, %tenant, %error, "a workspace is locked or on the move; its backfill comes later");
                let tx = SystemTx::begin(&self.database, SystemRole::Owner, "put backfill off").await?;
                backfills::put_off(tx, turn, LEFT_ALONE_S).await?;
            }
            error => {
                let error = chain(&error);
                tracing::error!(version, name, %tenant, error, "a backfill failed in a workspace");
                let tx = SystemTx::begin(&self.database, SystemRole::Owner, "backfill failed").await?;
                backfills::fail(tx, turn, &error, MOST_FAILED).await?;
            }
        }
        Ok(true)
    }
}
