//! Idempotency keys: an answer is kept in the transaction of its effect, so that a repeated request acts once. Kept for 24 hours.

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::future::try_join;
use serde_json::Value;

use crate::{db::TenantTx, error::DbError, model::ids::UserId, sql};

row! {
    /// What is kept under a key. Status 0 is this transaction's own reservation.
    #[derive(Clone, Debug)]
    pub struct Kept {
        /// Method and path.
        operation: String,
        /// SHA-256 of the body.
        body_hash: Vec<u8>,
        /// The answer's status.
        status: i32,
        /// The answer's headers.
        headers: Value,
        /// The answer's body as text, byte for byte.
        answer: Option<Value>,
    }
}

/// A key and what it stands for.
#[derive(Clone, Debug)]
pub struct Key {
    /// The caller's text.
    pub key: String,
    /// Method and path.
    pub operation: String,
    /// SHA-256 of the body.
    pub body_hash: Vec<u8>,
}

/// An answer to keep.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: i32,
    /// Its headers, an object of texts.
    pub headers: Value,
    /// Its body as text.
    pub body: Value,
}

/// Reserves a key, waiting for a request with the same key that is under way, and says what is kept under it now.
pub async fn reserve(tx: &TenantTx, user: UserId, key: &Key) -> Result<Kept, DbError> {
    let reserve = sql!("idempotency_keys/reserve.sql");
    let (_, kept) = try_join(
        tx.execute(reserve, &[&user, &key.key, &key.operation, &key.body_hash]),
        tx.one(sql!("idempotency_keys/get.sql"), &[&user, &key.key]),
    )
    .await?;
    Ok(kept)
}

/// Keeps the answer under a key that this transaction reserved.
pub async fn finish(tx: &TenantTx, user: UserId, key: &str, answer: &Answer) -> Result<(), DbError> {
    let sql = sql!("idempotency_keys/finish.sql");
    tx.execute_one(
        "idempotency_keys/finish",
        sql,
        &[&user, &key, &answer.status, &answer.headers, &answer.body],
    )
    .await
}

/// SHA-256 of a body.
#[must_use]
pub fn hash(body: &[u8]) -> Vec<u8> {
    digest(&SHA256, body).as_ref().to_vec()
}
