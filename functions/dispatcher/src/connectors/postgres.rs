//! SQL on a customer's PostgreSQL, exactly once: the statement runs in one transaction with a row of `signalbox.attempts` that
//! bears the attempt's id, so a second call of the same attempt finds the row and answers what the first one did. The
//! statement runs inside the call; nothing is polled. The table's DDL is in `docs/connections/postgres.md`.

mod args;
mod connect;
mod rows;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use shared::{
    egress::Egress,
    engine::Outcome,
    model::{
        connection::postgres::{Settings, Start},
        ids::{AttemptId, Id},
        state::Failure,
    },
    secrets::Secret,
};
use tokio_postgres::{
    Client, Error, SimpleQueryMessage, Statement, Transaction, error::SqlState, types::ToSql,
};

use super::{InFlight, Polled, Target, answer};

/// Kept back from the call's time for the answer to come home.
const RESERVE: Duration = Duration::from_secs(2);

pub(super) async fn start(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
    attempt: AttemptId,
    start: &Start,
) -> Outcome {
    let committing = AtomicBool::new(false);
    let work = async {
        let mut client = connect::open(egress, settings, target).await?;
        run(&mut client, attempt, start, target, &committing).await
    };
    match tokio::time::timeout(target.left(), work).await {
        Ok(Ok(outputs)) => Outcome::Succeeded {
            outputs,
            external_id: Some(attempt.to_string()),
            platform_state: None,
            warning: None,
        },
        Ok(Err(outcome)) => outcome,
        Err(_) if committing.load(Ordering::Relaxed) => in_doubt(),
        Err(_) => Outcome::TimedOut {
            message: "The database did not answer within the call's time.".to_owned(),
            platform_state: None,
        },
    }
}

/// A statement ends inside its call, so there is nothing to ask about.
pub(super) fn poll<'a>(runs: &[InFlight<'a>]) -> Polled<'a> {
    Polled { outcomes: runs.iter().map(|run| (*run, Outcome::Missing)).collect(), retry_after_s: None }
}

pub(super) async fn test(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
) -> Result<String, String> {
    let work = async {
        let mut client = connect::open(egress, settings, target).await.map_err(said)?;
        let version: String =
            client.query_one("show server_version", &[]).await.map_err(|e| said(failure(&e, None)))?.get(0);
        let transaction = begin(&mut client).await.map_err(|e| said(failure(&e, None)))?;
        let attempt = AttemptId::from(uuid::Uuid::nil());
        let marked = mark(&transaction, attempt).await;
        marked.map_err(|e| said(marker_failure(&e, target.credential)))?;
        transaction.rollback().await.map_err(|e| said(failure(&e, None)))?;
        Ok(format!("PostgreSQL {version} answers, and signalbox.attempts can be written."))
    };
    let answer = tokio::time::timeout(target.left(), work).await;
    answer.unwrap_or_else(|_| Err("The database did not answer in time.".to_owned()))
}

/// One transaction: the mark, the statement, its outputs beside the mark.
async fn run(
    client: &mut Client,
    attempt: AttemptId,
    start: &Start,
    target: &Target<'_>,
    committing: &AtomicBool,
) -> Result<Option<Value>, Outcome> {
    let secret = target.credential;
    let fail = |error: Error| failure(&error, secret);
    let limit = Duration::from_secs(start.timeout_s.into()).min(target.left().saturating_sub(RESERVE));
    client
        .batch_execute(&format!("set statement_timeout = {}", limit.as_millis().max(1)))
        .await
        .map_err(fail)?;
    let prepared = prepare(client, start, secret).await?;
    let transaction = begin(client).await.map_err(fail)?;
    if !mark(&transaction, attempt).await.map_err(|e| marker_failure(&e, secret))? {
        let done = "select outputs from signalbox.attempts where attempt_id = $1";
        return Ok(transaction.query_one(done, &[&attempt.uuid()]).await.map_err(fail)?.get(0));
    }
    let ours = "select pg_current_xact_id()::text";
    let before: String = transaction.query_one(ours, &[]).await.map_err(fail)?.get(0);
    let outputs = execute(&transaction, prepared.as_ref(), start, secret).await?;
    let after: String = transaction.query_one(ours, &[]).await.map_err(fail)?.get(0);
    if before != after {
        return Err(answer::permanent("The SQL ended its transaction: it must not hold commit or rollback."));
    }
    let keep =
        "update signalbox.attempts set outputs = $2, finished_at = clock_timestamp() where attempt_id = $1";
    transaction.execute(keep, &[&attempt.uuid(), &outputs]).await.map_err(fail)?;
    committing.store(true, Ordering::Relaxed);
    match transaction.commit().await {
        Ok(()) => Ok(Some(outputs)),
        Err(error) if error.as_db_error().is_some() => Err(failure(&error, secret)),
        Err(_) => Err(in_doubt()),
    }
}

/// The statement, understood by the server; none for a script of several, which can bear no values.
async fn prepare(
    client: &Client,
    start: &Start,
    secret: Option<&Secret>,
) -> Result<Option<Statement>, Outcome> {
    match client.prepare(&start.sql).await {
        Ok(statement) if statement.params().len() == start.args.len() => Ok(Some(statement)),
        Ok(statement) => Err(answer::permanent(format!(
            "The SQL takes {} values and args has {}.",
            statement.params().len(),
            start.args.len()
        ))),
        Err(error) if start.args.is_empty() && is_script(&error) => Ok(None),
        Err(error) if is_script(&error) => Err(answer::permanent("SQL with args must be one statement.")),
        Err(error) => Err(failure(&error, secret)),
    }
}

/// "cannot insert multiple commands into a prepared statement", in whatever language the server speaks: what is no SQL at all is
/// refused elsewhere, by its scanner or grammar.
fn is_script(error: &Error) -> bool {
    error
        .as_db_error()
        .is_some_and(|e| *e.code() == SqlState::SYNTAX_ERROR && e.routine() == Some("exec_parse_message"))
}

async fn execute(
    transaction: &Transaction<'_>,
    prepared: Option<&Statement>,
    start: &Start,
    secret: Option<&Secret>,
) -> Result<Value, Outcome> {
    let Some(statement) = prepared else {
        let answers = transaction.simple_query(&start.sql).await.map_err(|e| failure(&e, secret))?;
        let moved = answers.iter().rev().find_map(|a| match a {
            SimpleQueryMessage::CommandComplete(count) => Some(*count),
            _ => None,
        });
        return Ok(json!({ "row_count": moved.unwrap_or(0) }));
    };
    let args: Vec<args::Text> = start.args.iter().map(args::Text::of).collect();
    let args: Vec<&(dyn ToSql + Sync)> = args.iter().map(|a| a as &(dyn ToSql + Sync)).collect();
    if statement.columns().is_empty() {
        let moved = transaction.execute(statement, &args).await.map_err(|e| failure(&e, secret))?;
        return Ok(json!({ "row_count": moved }));
    }
    let rows = transaction.query_raw(statement, args).await.map_err(|e| failure(&e, secret))?;
    rows::outputs(rows).await.map_err(|e| failure(&e, secret))
}

/// Writes the attempt's mark. False: it is there, and what it did with it. A first call still under way is waited for.
async fn mark(transaction: &Transaction<'_>, attempt: AttemptId) -> Result<bool, Error> {
    let sql = "insert into signalbox.attempts (attempt_id, finished_at) values ($1, clock_timestamp()) on conflict do nothing";
    Ok(transaction.execute(sql, &[&attempt.uuid()]).await? == 1)
}

#[expect(clippy::disallowed_methods, reason = "a transaction in the customer's database, not in ours")]
async fn begin(client: &mut Client) -> Result<Transaction<'_>, Error> {
    client.transaction().await
}

/// Whether the commit arrived is not known; the next call of the same attempt finds the mark, or does the work.
fn in_doubt() -> Outcome {
    Outcome::Unknown { message: "The connection broke while the transaction was being committed.".to_owned() }
}

fn marker_failure(error: &Error, secret: Option<&Secret>) -> Outcome {
    match error.code() {
        Some(
            &SqlState::UNDEFINED_TABLE | &SqlState::INVALID_SCHEMA_NAME | &SqlState::INSUFFICIENT_PRIVILEGE,
        ) => answer::permanent(
            "The table signalbox.attempts is missing or may not be written; make it as the page on PostgreSQL connections says.",
        ),
        _ => failure(error, secret),
    }
}

/// An error by its SQLSTATE. Before the commit nothing has happened, so a broken connection is a plain failure.
fn failure(error: &Error, secret: Option<&Secret>) -> Outcome {
    let Some(db) = error.as_db_error() else {
        return answer::failed(
            Failure::Transient,
            "The connection to the database broke; nothing was changed.",
        );
    };
    if *db.code() == SqlState::QUERY_CANCELED {
        let message =
            "The statement ran longer than its timeout_s and was stopped; nothing was changed.".to_owned();
        return Outcome::TimedOut { message, platform_state: None };
    }
    let message = format!("{} (SQLSTATE {})", answer::redact(db.message(), secret), db.code().code());
    answer::failed(class_of(db.code().code()), message)
}

fn class_of(code: &str) -> Failure {
    match code {
        "55P03" => Failure::Transient,
        _ if code.starts_with("28") => Failure::Auth,
        _ if ["08", "40", "57", "53"].iter().any(|class| code.starts_with(class)) => Failure::Transient,
        _ => Failure::Permanent,
    }
}

fn said(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed { message, .. }
        | Outcome::TimedOut { message, .. }
        | Outcome::Unknown { message } => message,
        _ => "The database did not answer as it should.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlstate_has_a_class() {
        assert_eq!(
            ["40001", "40P01", "55P03", "57P01", "53300", "08006"].map(class_of),
            [Failure::Transient; 6]
        );
        assert_eq!(["28P01", "28000"].map(class_of), [Failure::Auth; 2]);
        assert_eq!(["42601", "23505", "22012", "P0001"].map(class_of), [Failure::Permanent; 4]);
    }
}
