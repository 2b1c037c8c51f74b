//! One tick: what falls due becomes messages, and messages that nobody took on are sent again.
//!
//! It reads one index of instants and one of messages owed, so a tick costs what is due, however many workspaces there are.
//! It enters no workspace, reads nothing of a tenant but its route, and decides nothing: whoever takes a message re-checks.

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    config::Config,
    db::{Database, SystemRole, SystemTx, retrying},
    error::DbError,
    queue::{Kind, Message, Queue, Signer},
    secrets::SecretSource,
    store::due::{self, Due},
};

/// Rows claimed by one transaction.
const BATCH: i64 = 50;

/// A tick takes no new batch after this; the next one goes on.
const LONGEST_S: i64 = 20;

/// The scheduler function.
pub struct Scheduler {
    database: Database,
    queue: Queue,
    clock: Clock,
}

impl Scheduler {
    /// Reads what the function needs; connects to nothing yet.
    pub async fn new(config: &Config, aws: &aws_config::SdkConfig, clock: Clock) -> Result<Self, Error> {
        let secrets = SecretSource::new(aws);
        let root = secrets.key_ring(config.get("SIGNALBOX_QUEUE_ROOT_SECRET_ARN")).await?;
        let queue = Queue::new(aws, config.get("SIGNALBOX_QUEUE_URL"), Signer::new(root));
        let database = Database::open(config.database(), secrets).await?;
        Ok(Self { database, queue, clock })
    }

    /// One tick; how much was sent.
    pub async fn tick(&self) -> Result<Value, Error> {
        let until = self.clock.now().checked_add(SignedDuration::from_secs(LONGEST_S))?;
        let due = self.drain(Source::Due, until).await?;
        let owed = self.drain(Source::Outbox, until).await?;
        if due + owed > 0 {
            tracing::info!(due, owed, "messages sent");
        }
        Ok(json!({ "due": due, "owed": owed }))
    }

    /// Claims and sends batches until one is short or the time is up.
    async fn drain(&self, source: Source, until: Timestamp) -> Result<usize, DbError> {
        let mut sent = 0;
        while self.clock.now() < until {
            let claimed = retrying(|| self.claim(source)).await?;
            let messages: Vec<_> = claimed.iter().filter(|due| may_go(due)).map(delayed).collect();
            self.queue.send(&messages).await;
            sent += messages.len();
            if (claimed.len() as i64) < BATCH {
                break;
            }
        }
        Ok(sent)
    }

    async fn claim(&self, source: Source) -> Result<Vec<Due>, DbError> {
        let tx = SystemTx::begin(&self.database, SystemRole::Scheduler, "tick").await?;
        match source {
            Source::Due => due::claim(tx, BATCH).await,
            Source::Outbox => due::sweep(tx, BATCH).await,
        }
    }
}

#[derive(Clone, Copy)]
enum Source {
    Due,
    Outbox,
}

/// A workspace that is not active fires nothing; what it has in flight is followed to its end.
fn may_go(due: &Due) -> bool {
    match due.state.as_str() {
        "active" => true,
        "suspending" | "suspended" | "deleting" => due.message.kind != Kind::Fire,
        _ => false,
    }
}

/// With the seconds left to its instant, rounded up.
fn delayed(due: &Due) -> (Message, i32) {
    let ms = due.at.duration_since(due.now).as_millis().max(0);
    (due.message.clone(), i32::try_from((ms + 999) / 1000).unwrap_or(i32::MAX))
}
