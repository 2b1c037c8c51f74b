//! What is left of workspaces that are gone, and of nobody. Looked for by the steward's sweep, which only tells.

use serde::Serialize;

use crate::{db::SystemTx, error::DbError, sql};

row! {
    /// Something that should not be there.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Leftover {
        /// `schema`, `role`, `rows`, …
        kind: String,
        /// Which: a name or an id.
        what: String,
        /// How many.
        total: i64,
    }
}

/// Everything that is left, at most 200.
pub async fn list(tx: &SystemTx) -> Result<Vec<Leftover>, DbError> {
    tx.all(sql!("system/leftovers.sql"), &[]).await
}
