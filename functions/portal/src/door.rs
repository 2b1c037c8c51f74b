//! Transactions that handlers let go of. A handler that stops before its end drops its transaction; whoever runs the handler
//! then rolls it back, so that its connection goes back to the pool in place of being closed.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use shared::{
    db::{Database, Scope, TenantTx},
    error::DbError,
};

use crate::admission::Admission;

/// What a request leaves behind: what came of its admission, whether the scope was ever entered, and a transaction that a handler
/// let go of.
#[derive(Default)]
pub(crate) struct Door {
    pub(crate) admission: Admission,
    opened: AtomicBool,
    left: Mutex<Option<TenantTx>>,
}

/// A transaction that is rolled back, not torn down, when a handler stops before its end.
pub(crate) struct Held {
    tx: Option<TenantTx>,
    door: Arc<Door>,
}

impl Door {
    /// Begins a transaction that comes back here when it is let go of.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        database: &Database,
        scope: &Scope,
        name: &'static str,
    ) -> Result<Held, DbError> {
        let tx = TenantTx::begin(database, scope, name).await?;
        Ok(Held { tx: Some(tx), door: Arc::clone(self) })
    }

    /// Whether the scope was opened: whether the database has had its say.
    pub(crate) fn was_opened(&self) -> bool {
        self.opened.load(Ordering::Relaxed)
    }

    /// Ends what a handler left open.
    pub(crate) async fn close(&self) {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tx) = left
            && let Err(error) = tx.rollback().await
        {
            tracing::debug!(%error, "a rollback was not confirmed");
        }
    }
}

impl Held {
    /// The transaction, to be ended by its last statement.
    pub(crate) fn into_tx(mut self) -> TenantTx {
        self.door.opened.store(true, Ordering::Relaxed);
        self.tx.take().expect("held until it is let go")
    }
}

impl std::ops::Deref for Held {
    type Target = TenantTx;
    fn deref(&self) -> &TenantTx {
        self.tx.as_ref().expect("held until it is let go")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(tx) = self.tx.take() {
            if tx.entered().is_ok() {
                self.door.opened.store(true, Ordering::Relaxed);
            }
            *self.door.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(tx);
        }
    }
}
