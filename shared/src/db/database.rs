//! The databases of a function. The first holds the directories and says where each workspace is; each further one is a whole
//! installation of its own, schema `system` and all, for the workspaces that are in it. What is true of a workspace (who may
//! enter it, what it owes) stands beside its rows, so that no scope asks two databases.
//!
//! A function begins with the handle that finds a workspace wherever it is; the steward and the scheduler take the databases
//! one by one.

use std::{collections::BTreeMap, sync::Arc};

use super::{moved::Moved, pool::LoginPool, tx::look_up};
use crate::{
    config::DatabaseSettings,
    error::{BoxError, DbError},
    model::{
        ids::TenantId,
        tenant::{DatabaseName, Route, SchemaName},
    },
    secrets::SecretSource,
};

/// The function's databases, or one of them.
#[derive(Clone)]
pub struct Database {
    all: Arc<All>,
    /// The one that this handle is bound to; where there is none it finds each workspace.
    bound: Option<Arc<LoginPool>>,
}

struct All {
    first: Arc<LoginPool>,
    further: BTreeMap<DatabaseName, Arc<LoginPool>>,
    moved: Moved,
}

impl Database {
    /// Reads the login of the first database; connects to nothing yet.
    pub async fn open(settings: DatabaseSettings, secrets: SecretSource) -> Result<Self, BoxError> {
        let first = LoginPool::new(None, &settings.secret_arn, &settings, &secrets);
        first.prepare().await?;
        let further = settings.more.iter().map(|(name, secret)| {
            (name.clone(), Arc::new(LoginPool::new(Some(name.clone()), secret, &settings, &secrets)))
        });
        let all = All { first: Arc::new(first), further: further.collect(), moved: Moved::default() };
        Ok(Self { all: Arc::new(all), bound: None })
    }

    /// The first.
    #[must_use]
    pub fn first(&self) -> Self {
        self.bound_to(&self.all.first)
    }

    /// One by its name; none where no such one is set up.
    pub fn named(&self, name: &DatabaseName) -> Option<Self> {
        self.all.further.get(name).map(|one| self.bound_to(one))
    }

    /// Each of them, the first one first.
    pub fn each(&self) -> Vec<Self> {
        std::iter::once(&self.all.first)
            .chain(self.all.further.values())
            .map(|one| self.bound_to(one))
            .collect()
    }

    /// The name of the one that this handle is bound to; none for the first.
    pub fn name(&self) -> Option<&DatabaseName> {
        self.bound.as_ref()?.name.as_ref()
    }

    /// The same as people name it.
    pub fn title(&self) -> &str {
        self.name().map_or(DatabaseName::FIRST, DatabaseName::as_str)
    }

    /// The one in which a workspace is, asked of the first each time: what is done there has no scope that would be refused where
    /// the workspace has moved. Of a workspace that is nowhere, the first.
    pub async fn home_of(&self, tenant: TenantId) -> Result<Self, DbError> {
        if !self.has_to_look() {
            return Ok(self.bound.clone().map_or_else(|| self.first(), |one| self.bound_to(&one)));
        }
        let mut way = self.moved().way(&Route { tenant, schema: SchemaName::of(tenant) }, None);
        look_up(self, &mut way).await?;
        let one = way.database.as_ref().and_then(|name| self.all.further.get(name));
        Ok(self.bound_to(one.unwrap_or(&self.all.first)))
    }

    /// Whether a workspace may be in any of several databases.
    pub(super) fn has_to_look(&self) -> bool {
        self.bound.is_none() && !self.all.further.is_empty()
    }

    /// What this handle knows of where workspaces are.
    pub(super) fn moved(&self) -> &Moved {
        self.bound.as_ref().map_or(&self.all.moved, |one| &one.moved)
    }

    /// The connections of a database: of the one that this handle is bound to, or else by name.
    pub(super) fn connections(&self, name: Option<&DatabaseName>) -> Result<&LoginPool, DbError> {
        match (&self.bound, name) {
            (Some(one), _) => Ok(one),
            (None, None) => Ok(&self.all.first),
            (None, Some(name)) => self.all.further.get(name).map(AsRef::as_ref).ok_or_else(|| {
                DbError::Unavailable(format!("this function has no login for the database {name}").into())
            }),
        }
    }

    fn bound_to(&self, one: &Arc<LoginPool>) -> Self {
        Self { all: Arc::clone(&self.all), bound: Some(Arc::clone(one)) }
    }
}
