//! The scheduler: turns what is due into messages, and sends again what was owed and never taken on.
//!
//! One tick in, a count out. The tick is a hint: what is due is read from the database, so a tick lost, doubled or late
//! loses and doubles nothing. It reads two indexed lists and no tenant's rows: its cost follows the work due, not the
//! number of workspaces. It enters no workspace and knows no schedule's rule; the dispatcher checks and fires.

use futures_util::future::join_all;
use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    config::Config,
    db::{Database, SystemRole, SystemTx, retrying},
    error::{DbError, chain},
    queue::{Queue, Signer},
    secrets::SecretSource,
    store::sweep::{self, Owed},
};
use tokio::time::{Duration, Instant};

/// A tick stops claiming after this, well within the function's 50 seconds; the next tick goes on.
const LONGEST_TICK: Duration = Duration::from_secs(20);

/// The function's state between invocations.
pub struct Scheduler {
    database: Database,
    queue: Queue,
}

impl Scheduler {
    /// Reads the queue root and prepares the pool; connects to nothing yet.
    pub async fn new(config: &Config, aws: &aws_config::SdkConfig) -> Result<Self, Error> {
        let secrets = SecretSource::new(aws);
        let signer = Signer::new(secrets.key_ring(config.get("SIGNALBOX_QUEUE_ROOT_SECRET_ARN")).await?);
        Ok(Self {
            database: Database::open(config.database(), secrets).await?,
            queue: Queue::new(aws, config.get("SIGNALBOX_QUEUE_URL"), signer),
        })
    }

    /// Sends what is due and what is owed, in all databases side by side: one that is out of reach holds up none of the others,
    /// and is told.
    pub async fn tick(&self) -> Result<Value, Error> {
        let databases = self.database.each();
        let sent = join_all(databases.iter().map(|database| self.send_what_is_due(database))).await;
        let (mut due, mut resent, mut failed) = (0, 0, Vec::new());
        for (database, sent) in databases.iter().zip(&sent) {
            match sent {
                Ok((d, r)) => (due, resent) = (due + d, resent + r),
                Err(error) => {
                    let (database, error) = (database.title(), chain(error));
                    tracing::error!(database, error, "what is due in a database is not sent");
                    failed.push(format!("{database}: {error}"));
                }
            }
        }
        if failed.is_empty() {
            Ok(json!({ "due": due, "resent": resent }))
        } else {
            Err(failed.join("; ").into())
        }
    }

    /// Fifty rows a transaction, until both lists are short or time is up. Says how many were due, and owed.
    async fn send_what_is_due(&self, database: &Database) -> Result<(usize, usize), DbError> {
        let started = Instant::now();
        let (mut due, mut resent) = (0, 0);
        loop {
            let claimed = retrying(|| claim(database)).await?;
            due += claimed.due;
            resent += claimed.resent;
            self.queue.send(&claimed.messages).await;
            if !claimed.is_full || started.elapsed() > LONGEST_TICK {
                return Ok((due, resent));
            }
        }
    }
}

/// One batch of both lists. Each row's instant is pushed forward as its lease before its message leaves.
async fn claim(database: &Database) -> Result<Claimed, DbError> {
    let tx = SystemTx::begin(database, SystemRole::Scheduler, "tick").await?;
    let (due, owed) = futures_util::try_join!(sweep::due(&tx), sweep::owed(&tx))?;
    tx.commit().await?;
    Ok(Claimed {
        due: due.len(),
        resent: owed.len(),
        is_full: due.len() == sweep::BATCH || owed.len() == sweep::BATCH,
        messages: due.into_iter().chain(owed).filter_map(Owed::message).collect(),
    })
}

struct Claimed {
    due: usize,
    resent: usize,
    is_full: bool,
    messages: Vec<(shared::queue::Message, i32)>,
}
