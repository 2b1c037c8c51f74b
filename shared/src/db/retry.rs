//! Trying a transaction again where Postgres says it may be.

use std::future::Future;

use crate::error::DbError;

/// Runs a whole transaction again, a few times, where Postgres says it may be: serialisation, deadlock, lock timeout.
/// The closure must have no effect outside its transaction.
pub async fn retrying<T, F: Future<Output = Result<T, DbError>>>(
    mut work: impl FnMut() -> F,
) -> Result<T, DbError> {
    for pause_ms in [5, 25, 100] {
        match work().await {
            Err(error) if error.is_retryable() => {
                tracing::debug!(%error, "trying the transaction again");
                tokio::time::sleep(std::time::Duration::from_millis(pause_ms)).await;
            }
            done => return done,
        }
    }
    work().await
}
