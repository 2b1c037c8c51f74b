//! The steward's work, one function an order. Each may be killed anywhere and run again.

use lambda_runtime::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    config::Function,
    db::{SystemRole, SystemTx, logins, migrate},
    model::{rollout::Wave, tenant::Placement},
    store::directories,
};

use crate::{
    Steward,
    order::{Onboard, Refill},
};

/// Why nothing can be put into a database of its own.
pub(crate) const NO_DATABASES: &str = "a database of one's own is not offered yet: pooled or schema";

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
}

impl Steward {
    pub(crate) async fn install(&self) -> Result<Value, Error> {
        migrate::install(&self.database).await?;
        logins::ensure_own(&self.database).await?;
        for arn in &self.login_arns {
            let secret: LoginSecret = serde_json::from_slice(self.secrets.read(arn).await?.expose())
                .map_err(|_| "a login's secret is not in its shape")?;
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

    pub(crate) async fn onboard(&self, order: Onboard) -> Result<Value, Error> {
        let name = order.name.trim();
        if name.is_empty() || name.chars().count() > 200 {
            return Err("a directory's name has 1 to 200 characters".into());
        }
        if order.placement == Some(Placement::Dedicated) {
            return Err(NO_DATABASES.into());
        }
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "onboard").await?;
        directories::onboard(&tx, order.directory_id, name, order.first_administrator, order.placement)
            .await?;
        tx.commit().await?;
        if order.placement == Some(Placement::Pooled) {
            self.refill_of(Placement::Pooled, Refill::default()).await?;
        }
        Ok(json!({ "directory_id": order.directory_id }))
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
        // Last: a root that is missing is an error of this tick, and keeps nothing else from being done.
        self.see_roots().await?;
        Ok(json!({ "spares_made": refilled["spares_made"], "sessions_purged": purged, "measured": measured }))
    }
}
