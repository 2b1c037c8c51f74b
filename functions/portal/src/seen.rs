//! API tokens that were let in. When one was last used is kept to the hour: a row update on every request would make reads write.
//! Each process says so at most once an hour for each token, after the answer was made; the database writes at most once an hour
//! whoever says it. And whether a token was let in here before is what admission asks.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use shared::{
    auth::{self, Credential},
    db::{SystemRole, SystemTx},
    store::api_tokens,
};

use crate::App;

const PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// More tokens are not remembered; one that was forgotten is said again.
const AT_ONCE: usize = 1000;

/// What this process has said.
#[derive(Default)]
pub(crate) struct Seen(Mutex<HashMap<[u8; 32], Timestamp>>);

/// Notes the API token that a request was let in with, or forgets it where it was not. A failure costs a line in a list, so it is
/// only logged.
pub(crate) async fn note(app: &App, headers: &HeaderMap, has_let_in: bool) {
    let Ok(principal) = auth::authenticate(headers, &app.session, &app.clock) else { return };
    let Credential::ApiToken(hash) = principal.credential else { return };
    if !has_let_in {
        app.seen.forget(&hash);
        return;
    }
    if !app.seen.is_due(hash, app.clock.now()) {
        return;
    }
    let noted = async {
        let home = app.database.home_of(principal.tenant_id).await?;
        let tx = SystemTx::begin(&home, SystemRole::Portal, "api_tokens.seen").await?;
        api_tokens::seen(tx, &hash).await
    };
    if let Err(error) = noted.await {
        tracing::info!(error = &error as &dyn std::error::Error, "the use of an API token was not noted");
    }
}

impl Seen {
    /// Whether a token was let in by this process within the last hour.
    pub(crate) fn knows(&self, hash: &[u8; 32], now: Timestamp) -> bool {
        self.lock().get(hash).is_some_and(|at| now.duration_since(*at) < PAUSE)
    }

    fn forget(&self, hash: &[u8; 32]) {
        self.lock().remove(hash);
    }

    fn is_due(&self, hash: [u8; 32], now: Timestamp) -> bool {
        if self.knows(&hash, now) {
            return false;
        }
        let mut said = self.lock();
        if said.len() >= AT_ONCE {
            said.clear();
        }
        said.insert(hash, now);
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
