//! The dispatcher: starts, asks about and stops external runs, and advances the graphs they belong to.
//!
//! One batch of the queue `work` in, one answer out that names the messages to be delivered again. It alone reads customers'
//! credentials and calls customers' platforms. It never calls one inside a transaction, and never without a committed intent.

mod batch;
mod connectors;
mod drive;
mod poll;
mod share;
mod tenant;
mod test;
mod vaults;

use connectors::Connectors;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use shared::{
    clock::Clock,
    config::Config,
    db::Database,
    egress::Egress,
    queue::{Queue, Signer},
    secrets::{RootKey, SecretSource},
};

/// Workspaces worked side by side.
const SIDE_BY_SIDE: usize = 4;

/// The function between invocations. It holds nothing of any tenant.
pub struct Dispatcher {
    database: Database,
    queue: Queue,
    clock: Clock,
    root: RootKey,
    connectors: Connectors,
}

impl Dispatcher {
    /// Reads what the function needs; connects to nothing yet.
    pub async fn new(config: &Config, aws: &aws_config::SdkConfig, clock: Clock) -> Result<Self, Error> {
        let secrets = SecretSource::new(aws);
        let root = RootKey::read(&secrets, config.get("SIGNALBOX_ROOT_KEY_SECRET_ARN")).await?;
        let queue_root = secrets.key_ring(config.get("SIGNALBOX_QUEUE_ROOT_SECRET_ARN")).await?;
        let queue = Queue::new(aws, config.get("SIGNALBOX_QUEUE_URL"), Signer::new(queue_root));
        let egress = Egress::new(config.optional("SIGNALBOX_EGRESS_ALLOW"))?;
        let database = Database::open(config.database(), secrets).await?;
        Ok(Self { database, queue, clock, root, connectors: Connectors::new(egress) })
    }

    /// Works a batch: verified, grouped by workspace, workspaces side by side.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
        let deadline =
            i64::try_from(event.context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let deadline = deadline.ok_or("the invocation has no deadline")?;
        let batch = batch::read(event.payload, self.queue.signer());
        let worked = stream::iter(batch.groups)
            .map(|group| async move {
                let failed = share::work(self, &group, deadline).await;
                group.records_of(&failed)
            })
            .buffer_unordered(SIDE_BY_SIDE)
            .collect::<Vec<_>>()
            .await;
        Ok(batch::failures(batch.forged.into_iter().chain(worked.into_iter().flatten())))
    }
}
