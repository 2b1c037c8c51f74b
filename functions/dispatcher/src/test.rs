//! A connection is tested: its credential opened, its platform reached and asked something harmless.

use futures_util::future::try_join;
use shared::{
    engine::{self, Connection, Known},
    error::DbError,
    model::ids::ConnectionTestId,
    queue::Message,
    store::{connection_tests, outbox},
};
use tokio::time::{Duration, Instant};

use crate::{
    connectors::Target,
    tenant::{Tenant, again},
    vaults,
};

const WITHIN: Duration = Duration::from_secs(20);

/// Runs one test and records what came of it.
pub(crate) async fn run(tenant: &Tenant<'_>, message: &Message) -> Result<(), DbError> {
    let id: ConnectionTestId = message.id.into();
    let (connection, known) = again(|| async {
        let mut known = Known::default();
        let tx = tenant.begin("begin a test").await?;
        let connection = engine::connection_of_test(tenant.within(&tx), id, &mut known).await?;
        tx.commit().await.map(|()| (connection, known))
    })
    .await?;
    let result = match connection {
        Some(connection) => look(tenant, &connection, &known).await,
        None => Err("The connection is gone.".to_owned()),
    };
    let (state, text) = match &result {
        Ok(text) => ("succeeded", text),
        Err(text) => ("failed", text),
    };
    let text: String = text.chars().take(1900).collect();
    let done: Vec<_> = message.outbox.into_iter().collect();
    let tx = tenant.begin("end a test").await?;
    try_join(connection_tests::finish(&tx, id, state, &text), outbox::done(&tx, &done)).await?;
    tx.commit().await
}

async fn look(tenant: &Tenant<'_>, connection: &Connection, known: &Known) -> Result<String, String> {
    let root = &tenant.dispatcher.root;
    let secret = vaults::open(tenant.route.tenant, connection, root, known.salts.clone())
        .await
        .map_err(|r| r.to_string())?;
    let unreadable = "The connection's settings cannot be read by this release.";
    let settings = connection.settings.as_ref().ok_or(unreadable)?;
    let target = Target { settings, credential: secret.as_ref(), deadline: Instant::now() + WITHIN };
    tenant.dispatcher.connectors.test(&target).await
}
