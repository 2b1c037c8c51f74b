//! Starts the portal: reads its configuration and secrets, builds the router, and answers the runtime's events.

use portal::{App, AppQueues, AppSecrets, AppSettings, router};
use shared::{
    archive::Archive,
    clock::Clock,
    config::{self, Config, Function},
    db::Database,
    error::BoxError,
    queue::{Queue, Signer, StewardQueue},
    secrets::{RootKey, SecretSource},
    telemetry,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let config = Config::from_env(Function::Portal)?;
    telemetry::start(config.log());
    let aws = config::aws().await;
    let secrets = SecretSource::new(&aws);
    let (database, root, queue_root, session) = futures_util::try_join!(
        Database::open(config.database(), secrets.clone()),
        RootKey::read(&secrets, config.get("SIGNALBOX_ROOT_KEY_SECRET_ARN")),
        secrets.key_ring(config.get("SIGNALBOX_QUEUE_ROOT_SECRET_ARN")),
        secrets.key_ring(config.get("SIGNALBOX_SESSION_KEY_SECRET_ARN")),
    )?;
    let queues = AppQueues {
        work: Queue::new(&aws, config.get("SIGNALBOX_QUEUE_URL"), Signer::new(queue_root)),
        steward: StewardQueue::new(&aws, config.get("SIGNALBOX_PROVISION_QUEUE_URL")),
    };
    let settings = AppSettings {
        public_url: config.get("SIGNALBOX_PUBLIC_URL").parse()?,
        shortest_grace_s: config
            .get("SIGNALBOX_SHORTEST_GRACE_S")
            .parse()
            .map_err(|_| "SIGNALBOX_SHORTEST_GRACE_S is no number of seconds")?,
        archive: Archive::open(config.get("SIGNALBOX_ARCHIVE_URL"))?,
    };
    let app = App::new(database, queues, AppSecrets { root, session }, settings, Clock::system());
    lambda_http::run(router(app)).await
}
