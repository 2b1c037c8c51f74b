//! The database's share of time travel: `system.now()` is replaced by its owner with one that adds an offset.
//!
//! The offset is nowhere but in the function, so a stack that starts again goes on at the hour it had reached.

use std::time::Duration;

use jiff::SignedDuration;

use super::StackError;
use crate::postgres::{Login, connect};

/// The role that owns the schema `system`; the steward's login may take it on.
const OWNER: &str = "signalbox_owner";

/// Moves the database's time forward by this much more.
pub async fn advance(steward: &Login, by: Duration) -> Result<(), StackError> {
    let client = connect(&steward.url()).await.map_err(StackError::Time)?;
    let by_us = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    // The new body states the whole offset, which the old one is asked for. Plain text, since DDL takes no parameters.
    let replace = format!(
        "begin;
        set local role {OWNER};
        do $do$ begin
            execute format('create or replace function system.now() returns timestamptz
                language sql stable parallel safe set search_path = pg_catalog, pg_temp
                as $$ select statement_timestamp() + interval %L $$',
                system.now() - statement_timestamp() + interval '{by_us} microseconds');
        end $do$;
        commit"
    );
    client.batch_execute(&replace).await.map_err(StackError::Time)
}

/// How far the database's time is ahead; nothing in a database without our schema.
pub(super) async fn kept(steward: &Login) -> Result<SignedDuration, StackError> {
    let client = connect(&steward.url()).await.map_err(StackError::Time)?;
    let known = client.query_opt("select from pg_namespace where nspname = 'system'", &[]).await;
    if known.map_err(StackError::Time)?.is_none() {
        return Ok(SignedDuration::ZERO);
    }
    let ask = format!(
        "set role {OWNER}; select (extract(epoch from system.now() - statement_timestamp()) * 1000)::bigint as ms"
    );
    let answer = client.simple_query(&ask).await.map_err(StackError::Time)?;
    let ms = answer.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get("ms")?.parse().ok(),
        _ => None,
    });
    Ok(SignedDuration::from_millis(ms.unwrap_or_default()))
}
