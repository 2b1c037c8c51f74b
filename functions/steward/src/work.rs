//! The steward's work, one function an order. Each may be killed anywhere and run again.

use lambda_runtime::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    config::Function,
    db::{Database, SystemRole, SystemTx, logins, migrate},
    model::{
        rollout::Wave,
        tenant::{DatabaseName, Placement},
    },
    store::{directories, transfers},
};

use crate::{
    Steward,
    order::{Onboard, Refill},
};

/// The tick's own pace, and how often it looks for leftovers: that walks the catalogs.
const TICK_S: i64 = 300;
const SWEEP_EVERY_S: i64 = 3600;

/// A login's secret, in the shape RDS keeps it.
#[derive(Deserialize)]
struct LoginSecret {
    username: String,
    password: String,
    /// Which function's it is.
    function: String,
    /// In which database, where it says so: one of another is refused.
    #[serde(default)]
    database: Option<DatabaseName>,
}

impl Steward {
    pub(crate) async fn install(&self) -> Result<Value, Error> {
        migrate::install(&self.database).await?;
        logins::ensure_own(&self.database).await?;
        for id in self.login_secrets() {
            let secret: LoginSecret = serde_json::from_slice(self.secrets.read(&id).await?.expose())
                .map_err(|_| "a login's secret is not in its shape")?;
            if secret.database.is_some() && secret.database.as_ref() != self.database.name() {
                return Err(format!("the login's secret {id} says that it is of another database").into());
            }
            let function: Function =
                secret.function.parse().map_err(|()| "a login's secret names no function of ours")?;
            let login = logins::Login { function, name: &secret.username, password: &secret.password };
            logins::ensure(&self.database, &login).await?;
        }
        let migrated = self.migrate(Wave::All, false).await?;
        self.see_roots().await?;
        let refilled = self.refill(Refill::default()).await?;
        Ok(
            json!({ "installed": true, "migrated": migrated["migrated"], "spares_made": refilled["spares_made"] }),
        )
    }

    /// The ids of the secrets of the other functions' logins in this database.
    fn login_secrets(&self) -> Vec<String> {
        match self.database.name() {
            None => self.login_arns.clone(),
            Some(name) => self.login_prefixes.iter().map(|prefix| format!("{prefix}{name}")).collect(),
        }
    }

    pub(crate) async fn onboard(&self, order: Onboard) -> Result<Value, Error> {
        let name = order.name.trim();
        if name.is_empty() || name.chars().count() > 200 {
            return Err("a directory's name has 1 to 200 characters".into());
        }
        let database = self.own_database(&order)?;
        if let Some(there) = &database {
            let tx = SystemTx::begin(there, SystemRole::Owner, "is free").await?;
            let is_free = transfers::is_free_for(&tx, order.directory_id).await?;
            tx.commit().await?;
            if !is_free {
                return Err("the database is another workspace's".into());
            }
        }
        self.listed(order.database.as_ref(), &order, name).await?;
        if let Some(there) = database {
            self.at(there).listed(None, &order, name).await?;
        }
        if order.placement == Some(Placement::Pooled) {
            self.refill_of(Placement::Pooled, Refill::default()).await?;
        }
        Ok(json!({ "directory_id": order.directory_id }))
    }

    /// The database that an order gives a directory for its own.
    fn own_database(&self, order: &Onboard) -> Result<Option<Database>, Error> {
        let is_dedicated = order.placement == Some(Placement::Dedicated);
        match &order.database {
            None if is_dedicated => Err("the placement dedicated needs the name of a database".into()),
            Some(_) if !is_dedicated => Err("a database is only named with the placement dedicated".into()),
            Some(name) => Ok(Some(self.database.named(name).ok_or("there is no such database")?)),
            None => Ok(None),
        }
    }

    /// Lists a directory here, with the name of the database in which it is if that is another.
    async fn listed(
        &self,
        elsewhere: Option<&DatabaseName>,
        order: &Onboard,
        name: &str,
    ) -> Result<(), Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "onboard").await?;
        let listing = directories::Listing {
            directory: order.directory_id,
            name,
            first_administrator: order.first_administrator,
            placement: order.placement,
            elsewhere,
        };
        directories::onboard(&tx, &listing).await?;
        Ok(tx.commit().await?)
    }

    pub(crate) async fn woken(&self, refill: bool, operate: bool) -> Result<Value, Error> {
        if refill {
            self.refill(Refill::default()).await?;
        }
        if operate {
            self.operate().await?;
        }
        Ok(json!({}))
    }

    pub(crate) async fn tick(&self) -> Result<Value, Error> {
        let refilled = self.refill(Refill::default()).await?;
        self.go_on_migrating().await?;
        self.operate().await?;
        if self.clock.now().as_second().rem_euclid(SWEEP_EVERY_S) < TICK_S {
            self.sweep().await?;
        }
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "purge sessions").await?;
        let purged = directories::purge_sessions(&tx).await?;
        tx.commit().await?;
        self.gather_evidence().await?;
        let measured = self.measure_next().await?;
        self.go_on_backfilling().await?;
        // Last: a root that is missing is an error of this tick, and keeps nothing else from being done.
        self.see_roots().await?;
        Ok(json!({ "spares_made": refilled["spares_made"], "sessions_purged": purged, "measured": measured }))
    }
}
