//! Asking several databases at once. Each is a whole installation with sessions, grants and a log of its own; one that is out of
//! reach, or takes too long, holds up none of the others and is told.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::{
    db::{Database, SystemRole, SystemTx},
    error::{DbError, Refusal as Because, chain},
};

use crate::{answer::Refusal, call::Call};

/// How long one of them may take: less than the function has for an answer, and longer than it may be silent.
const PATIENCE: Duration = Duration::from_secs(9);

/// What one of them answered.
pub(crate) struct Told<T> {
    /// Its name.
    pub(crate) name: String,
    pub(crate) answer: Result<T, DbError>,
}

/// Asks these of the databases side by side, and keeps their order. What one of them cannot do is in the log.
pub(crate) async fn ask<T, F>(
    call: &Call,
    databases: Vec<Database>,
    ask: impl Fn(SystemTx) -> F,
) -> Vec<Told<T>>
where
    F: Future<Output = Result<T, DbError>>,
{
    let ask = &ask;
    let asked = databases.into_iter().map(|database| async move {
        let one = async { ask(SystemTx::begin(&database, SystemRole::Operators, call.name).await?).await };
        let late = || DbError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()).into());
        let answer = tokio::time::timeout(PATIENCE, one).await.unwrap_or_else(|_| Err(late()));
        let name = database.title().to_owned();
        if let Err(error) = &answer
            && !matches!(error, DbError::Refused(_))
        {
            let operation = call.name;
            tracing::error!(database = name, operation, cause = chain(error), "a database is out of reach");
        }
        Told { name, answer }
    });
    join_all(asked).await
}

/// Asks all of them. The first one's word on who is asking holds; beyond that one answer is enough.
pub(crate) async fn ask_each<T, F>(
    call: &Call,
    asked: impl Fn(SystemTx) -> F,
) -> Result<Vec<Told<T>>, Refusal>
where
    F: Future<Output = Result<T, DbError>>,
{
    let mut all = ask(call, call.parts().database.each(), asked).await;
    let is_answered = all.iter().any(|told| told.answer.is_ok());
    match all.first().map(|first| &first.answer) {
        Some(Err(DbError::Refused(_))) => {}
        _ if is_answered => return Ok(all),
        _ => {}
    }
    Err(all.swap_remove(0).answer.err().map_or_else(Refusal::unavailable, Refusal::from))
}

impl<T> Told<T> {
    /// Which it is, whether it answered, and whether the session holds there.
    pub(crate) fn shape(&self) -> Value {
        let is_refused = matches!(self.answer, Err(DbError::Refused(Because::NoSession)));
        json!({
            "database": self.name,
            "reachable": self.answer.is_ok() || is_refused,
            "signed_in": self.answer.is_ok(),
        })
    }
}
