//! The dashboard: one statement, each part bounded and on an index, so that it may be asked for every two seconds.

use serde_json::Value;
use uuid::Uuid;

use crate::{db::TenantTx, error::DbError, sql};

row! {
    struct Whole {
        dashboard: Value,
    }
}

/// The dashboard as JSON, and the commit. `since`: the smallest id of the last 24 hours.
pub async fn get(tx: TenantTx, since: Uuid) -> Result<Value, DbError> {
    super::last_one::<Whole>(tx, sql!("dashboard/get.sql"), &[&since]).await.map(|w| w.dashboard)
}
