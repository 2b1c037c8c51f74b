//! The root key as a function holds it while it lives: read at cold start, and again when something needs a version that was not
//! there then. So a new version reaches functions that are already warm, and two can be in use at once.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use super::{KeyRing, SecretSource};
use crate::error::{BoxError, chain};

/// What was asked for in vain is not asked for again sooner than this.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The ring of `SIGNALBOX_ROOT_KEY_SECRET_ARN`. Clones share what was read.
#[derive(Clone)]
pub struct RootKey(Arc<Means>);

struct Means {
    source: SecretSource,
    arn: String,
    held: RwLock<Held>,
}

struct Held {
    ring: KeyRing,
    /// When something was last missing although it was read again.
    asked_in_vain: Option<Instant>,
}

impl RootKey {
    /// Reads it.
    pub async fn read(source: &SecretSource, arn: &str) -> Result<Self, BoxError> {
        let held = RwLock::new(Held { ring: source.key_ring(arn).await?, asked_in_vain: None });
        Ok(Self(Arc::new(Means { source: source.clone(), arn: arn.to_owned(), held })))
    }

    /// As it was read last.
    #[must_use]
    pub fn ring(&self) -> KeyRing {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner).ring.clone()
    }

    /// As it is now.
    pub async fn again(&self) -> Result<KeyRing, BoxError> {
        let ring = self.0.source.key_ring(&self.0.arn).await?;
        self.0.held.write().unwrap_or_else(PoisonError::into_inner).ring = ring.clone();
        Ok(ring)
    }

    /// As it was read last, if it has all of these versions; otherwise as it is now. Where one is still missing, what needs it says so.
    pub async fn knowing(&self, versions: impl IntoIterator<Item = u32>) -> KeyRing {
        let versions: Vec<u32> = versions.into_iter().collect();
        let has_all = |ring: &KeyRing| versions.iter().all(|version| ring.key(*version).is_some());
        let ring = self.ring();
        if has_all(&ring) || self.was_asked_in_vain() {
            return ring;
        }
        let ring = self.again().await.unwrap_or_else(|error| {
            tracing::error!(error = chain(error.as_ref()), "the root key cannot be read again");
            ring
        });
        if !has_all(&ring) {
            self.0.held.write().unwrap_or_else(PoisonError::into_inner).asked_in_vain = Some(Instant::now());
        }
        ring
    }

    fn was_asked_in_vain(&self) -> bool {
        let held = self.0.held.read().unwrap_or_else(PoisonError::into_inner);
        held.asked_in_vain.is_some_and(|at| at.elapsed() < AGAIN_AFTER)
    }
}
