//! What every request needs: made once at start, cheap to clone. It holds nothing of any workspace.

use std::sync::Arc;

use shared::{
    archive::Archive,
    auth::SessionKeys,
    clock::Clock,
    db::Database,
    limiter::Limiter,
    queue::{Queue, StewardQueue},
    secrets::{KeyRing, RootKey},
};
use url::Url;

use crate::{crossing::Crossings, refusals::Refusals, seen::Seen};

/// The portal's means.
#[derive(Clone)]
pub struct App(Arc<Means>);

/// See [`App`].
pub struct Means {
    /// The database.
    pub database: Database,
    /// The calls that workspaces may make.
    pub limiter: Limiter,
    /// Lines about refused tokens.
    pub(crate) refusals: Refusals,
    /// The queue `work`.
    pub queue: Queue,
    /// The queue that wakes the steward.
    pub steward: StewardQueue,
    /// Root of the workspaces' keys.
    pub root: RootKey,
    /// Where exports are read from.
    pub archive: Archive,
    /// Verifies and signs session tokens.
    pub session: SessionKeys,
    /// Where browsers find us: what an `Origin` must be.
    pub public_url: Url,
    /// API tokens that the database had.
    pub(crate) seen: Seen,
    /// Who missed how much lately.
    pub crossings: Crossings,
    /// Fresh ids; instants are the database's.
    pub clock: Clock,
    /// The shortest grace of a workspace's deletion, in seconds.
    pub shortest_grace_s: i64,
}

/// The queues the portal sends to.
pub struct AppQueues {
    /// The queue `work`.
    pub work: Queue,
    /// The queue that wakes the steward.
    pub steward: StewardQueue,
}

/// What the portal is told that is neither a queue nor a secret.
pub struct AppSettings {
    /// Where browsers find us: what an `Origin` must be.
    pub public_url: Url,
    /// Exports are read from here.
    pub archive: Archive,
    /// The shortest grace of a workspace's deletion, in seconds.
    pub shortest_grace_s: i64,
}

/// The two key rings of the portal.
pub struct AppSecrets {
    /// Root of the workspaces' keys.
    pub root: RootKey,
    /// Signs session tokens.
    pub session: KeyRing,
}

impl App {
    /// Puts the means together.
    #[must_use]
    pub fn new(
        database: Database,
        queues: AppQueues,
        secrets: AppSecrets,
        settings: AppSettings,
        clock: Clock,
    ) -> Self {
        let AppQueues { work: queue, steward } = queues;
        let AppSecrets { root, session } = secrets;
        let AppSettings { public_url, archive, shortest_grace_s } = settings;
        let session = SessionKeys::new(session);
        let limiter = Limiter::new(database.clone());
        Self(Arc::new(Means {
            database,
            limiter,
            refusals: Refusals::default(),
            queue,
            steward,
            root,
            archive,
            session,
            public_url,
            seen: Seen::default(),
            crossings: Crossings::default(),
            clock,
            shortest_grace_s,
        }))
    }
}

impl std::ops::Deref for App {
    type Target = Means;
    fn deref(&self) -> &Means {
        &self.0
    }
}
