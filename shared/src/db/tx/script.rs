//! A transaction that is one script in one message, from `begin` to the commit: the server runs nothing behind a statement that
//! failed, the commit least of all. Migrations only, for the script is text that is built.

use super::{END_COMMIT, END_ROLLBACK, SystemTx};
use crate::error::DbError;

impl SystemTx {
    /// Runs a script as all of this transaction, in one round trip.
    pub(in crate::db) async fn whole(mut self, script: &str) -> Result<(), DbError> {
        let setup = self.0.setup.get_mut().expect("nobody panics with it").take();
        let setup = setup.expect("nothing was run before the whole");
        let text = format!("{setup};\n{script};\n{END_COMMIT}");
        let answer = self.0.heard(self.0.longest, self.0.client().batch_execute(&text)).await;
        let answer = answer.and_then(|answer| answer.map_err(|error| self.0.failed(error)));
        // Of what failed, a confirmed rollback saves the connection.
        if answer.is_ok() || self.0.simple(END_ROLLBACK).await.is_ok() {
            self.0.connection = None;
        }
        answer
    }
}
