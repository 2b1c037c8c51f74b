//! An operator who is one no more. The directory lets nobody in again whose role it took away, and tells nobody: sessions that are
//! open would last for the rest of their hour. This order ends them at once; grants are worth nothing without one.

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx},
    store::operators,
};
use uuid::Uuid;

use crate::Steward;

impl Steward {
    /// Ends every session of whoever has this id in the directory; says how many there were.
    pub(crate) async fn end_operator_sessions(&self, object_id: Uuid) -> Result<Value, Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "end operator sessions").await?;
        let ended = operators::end_sessions(tx, object_id, self.clock.new_id()).await?;
        Ok(json!({ "object_id": object_id, "sessions_ended": ended }))
    }
}
