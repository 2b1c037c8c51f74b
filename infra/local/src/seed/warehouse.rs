//! The demo customer's own platform: a database with a real data set, loaded as it came.

use bytes::Bytes;
use futures_util::SinkExt;
use std::pin::pin;

use crate::postgres::{Login, connect};

/// Tables, functions, and signalbox's table of attempts.
const TABLES: &str = include_str!("../../demo/warehouse.sql");
/// Daily weather of two cities (`demo/README.md`: source and licence).
const WEATHER: &[u8] = include_bytes!("../../demo/weather.csv");

/// Fills the warehouse, unless it is filled: all of it or nothing.
pub async fn prepare(owner: &Login) -> Result<(), tokio_postgres::Error> {
    let client = connect(&owner.url()).await?;
    let filled = client.query_opt("select from pg_namespace where nspname = 'raw'", &[]).await?;
    if filled.is_some() {
        return Ok(());
    }
    // A connection that is lost before the commit leaves nothing behind.
    client.batch_execute("begin").await?;
    client.batch_execute(TABLES).await?;
    let mut rows = pin!(client.copy_in("copy raw.weather from stdin (format csv, header true)").await?);
    rows.send(Bytes::from_static(WEATHER)).await?;
    rows.finish().await?;
    client.batch_execute("commit").await
}
