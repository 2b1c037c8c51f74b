//! The steward: what happens to tenants as a whole. It alone holds the DDL login.
//!
//! One event in, one answer out. Events: a direct invocation `{"do": …}` (each minute `seal`), the five-minute tick, and messages
//! of the queue `provision` (sign-in found no spare workspace; the portal asked for an operation). Every step may run again.

mod backfill;
mod dismissal;
mod evidence;
mod life;
mod operations;
mod order;
mod rollout;
mod roots;
mod seal;
mod shares;
mod spares;
mod sweep;
mod work;

use std::time::Duration;

use futures_util::{StreamExt, stream};
use lambda_runtime::Error;
use serde_json::Value;
use shared::{
    archive::Archive,
    clock::Clock,
    config::Config,
    db::{
        Database,
        backfill::{BACKFILLS, Backfill},
    },
    error::chain,
    queue::StewardQueue,
    secrets::{RootKey, SecretSource},
    signing::Signing,
};

use life::Life;
use order::Order;

/// The function's state between invocations. What it does it does in one database; [`Steward::at`] is the same in another.
#[derive(Clone)]
pub struct Steward {
    database: Database,
    secrets: SecretSource,
    /// The secrets of the other functions' logins in the first database.
    login_arns: Vec<String>,
    /// What stands before a further database's name in those of their logins there.
    login_prefixes: Vec<String>,
    queue: StewardQueue,
    archive: Archive,
    /// Root of the workspaces' keys: backups are sealed and opened here, credentials sealed anew.
    root: RootKey,
    clock: Clock,
    /// For how many days snapshots of the whole database are kept.
    snapshot_days: i64,
    /// What migrations owe the rows that were there before them.
    backfills: &'static [Backfill],
    /// How long this invocation lives.
    life: Option<Life>,
}

impl Steward {
    /// Prepares the pool; connects to nothing yet.
    pub async fn new(config: &Config, aws: &aws_config::SdkConfig, clock: Clock) -> Result<Self, Error> {
        let secrets = SecretSource::new(aws);
        let root = RootKey::read(&secrets, config.get("SIGNALBOX_ROOT_KEY_SECRET_ARN")).await?;
        Ok(Self {
            database: Database::open(config.database(), secrets.clone()).await?,
            secrets,
            queue: StewardQueue::new(aws, config.get("SIGNALBOX_PROVISION_QUEUE_URL")),
            login_arns: listed(config.get("SIGNALBOX_LOGIN_SECRET_ARNS")),
            login_prefixes: listed(config.optional("SIGNALBOX_LOGIN_SECRET_PREFIXES").unwrap_or_default()),
            archive: Archive::open(config.get("SIGNALBOX_ARCHIVE_URL"))?,
            root,
            clock,
            snapshot_days: config
                .get("SIGNALBOX_SNAPSHOT_DAYS")
                .parse()
                .map_err(|_| "SIGNALBOX_SNAPSHOT_DAYS is no number of days")?,
            backfills: BACKFILLS,
            life: None,
        })
    }

    /// The same with other backfills than this release's: for tests, which cannot wait for a release that has some.
    #[must_use]
    pub fn with_backfills(mut self, backfills: &'static [Backfill]) -> Self {
        self.backfills = backfills;
        self
    }

    /// The same for an invocation that is killed after so long.
    #[must_use]
    pub fn living_for(&self, left: Duration) -> Self {
        Self { life: Some(Life::of(left)), ..self.clone() }
    }

    /// Signs, and checks what was signed, with the root as it was read last.
    fn signing(&self) -> Signing {
        Signing::new(self.root.ring())
    }

    /// Carries out what an event asks for. A failure is told with its causes.
    pub async fn answer(&self, event: Value) -> Result<Value, Error> {
        self.carry_out(event).await.map_err(|error| chain(error.as_ref()).into())
    }

    async fn carry_out(&self, event: Value) -> Result<Value, Error> {
        let order = Order::read(event)?;
        match order.tenant() {
            Some(tenant) => self.at(self.database.home_of(tenant).await?).work(order).await,
            None if matches!(order, Order::Onboard(_)) => self.at(self.database.first()).work(order).await,
            None => self.work_each(&order).await,
        }
    }

    /// What every database needs, side by side: one that fails holds up none of the others. The answer is the first one's; those
    /// of others stand in it by their names.
    async fn work_each(&self, order: &Order) -> Result<Value, Error> {
        let databases = self.database.each();
        let works = databases.iter().map(|database| async {
            let answer = self.at(database.clone()).work(order.clone()).await;
            answer.map_err(|error| {
                let (database, error) = (database.title(), chain(error.as_ref()));
                tracing::error!(database, error, "an order failed in a database");
                Error::from(format!("{database}: {error}"))
            })
        });
        // A server that holds several of them has roles that they share: those are made once.
        let side_by_side = if *order == Order::Install { 1 } else { databases.len() };
        let answers: Vec<_> = stream::iter(works).buffered(side_by_side).collect().await;
        let mut told = Value::Null;
        for (database, answer) in databases.iter().zip(answers) {
            match database.name() {
                None => told = answer?,
                Some(name) => told["databases"][name.as_str()] = answer?,
            }
        }
        Ok(told)
    }

    async fn work(&self, order: Order) -> Result<Value, Error> {
        match order {
            Order::Install => self.install().await,
            Order::Migrate { until, resume } => self.migrate(until, resume).await,
            Order::Backfill { resume } => self.backfill(resume).await,
            Order::Onboard(onboard) => self.onboard(onboard).await,
            Order::Refill(refill) => self.refill(refill).await,
            Order::Move(order) => self.ask_move(order).await,
            Order::GatherEvidence => self.gather_evidence().await,
            Order::Operate => self.operate().await,
            Order::Woken { refill, operate } => self.woken(refill, operate).await,
            Order::Limits(limits) => self.limits(limits).await,
            Order::Measure { tenant_id } => self.measure(tenant_id.into()).await,
            Order::EndOperatorSessions { object_id } => self.end_operator_sessions(object_id).await,
            Order::Seal => self.seal().await,
            Order::Sweep => self.sweep().await,
            Order::RotateRoot => self.rotate_root().await,
            Order::Roots => self.roots().await,
            Order::Certificate { tenant_id } => self.certificate(tenant_id).await,
            Order::Tick => self.tick().await,
        }
    }

    /// The steward of another database.
    pub(crate) fn at(&self, database: Database) -> Self {
        Self { database, ..self.clone() }
    }
}

/// The parts of a list with commas.
fn listed(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}
