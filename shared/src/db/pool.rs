//! The pool of one function in one database: direct connections, few, under the function's own login. The login can execute
//! `system.authorize` and nothing else, so a bare connection reads nothing. Only `tx.rs` borrows from here.

use std::{path::Path, sync::Arc, time::Instant};

use deadpool::managed::{Pool, PoolError, TimeoutType};
use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod, Runtime};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde::Deserialize;
use tokio::sync::RwLock;
use tokio_postgres::{NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    connection::{Connections, OpenError, Pooled},
    moved::Moved,
    patience::{FIRST_ANSWER, Patience},
};
use crate::{
    config::DatabaseSettings,
    error::{BoxError, DbError},
    model::tenant::DatabaseName,
    secrets::{Secret, SecretSource},
};

/// One database under one login: a pool, prepared when it is first needed, and rebuilt when its login was refused, or led to another
/// database, and its secret has changed.
pub(super) struct LoginPool {
    /// Its name, unless it is the first.
    pub(super) name: Option<DatabaseName>,
    secret: String,
    settings: DatabaseSettings,
    secrets: SecretSource,
    pool: RwLock<Option<Pool<Connections>>>,
    /// Where workspaces were found, as seen from this database alone.
    pub(super) moved: Moved,
    /// Whether it gives answers.
    pub(super) patience: Patience,
}

/// The login's secret. The password is held by the driver's own configuration for the pool's life.
#[derive(Deserialize)]
struct Login {
    host: String,
    port: u16,
    dbname: String,
    username: String,
    password: String,
}

impl LoginPool {
    /// Nothing is read or connected to yet.
    pub(super) fn new(
        name: Option<DatabaseName>,
        secret: &str,
        settings: &DatabaseSettings,
        secrets: &SecretSource,
    ) -> Self {
        let (settings, secrets) = (settings.clone(), secrets.clone());
        Self {
            name,
            secret: secret.to_owned(),
            settings,
            secrets,
            pool: RwLock::default(),
            moved: Moved::default(),
            patience: Patience::default(),
        }
    }

    /// Reads the login and prepares the pool; connects to nothing yet.
    pub(super) async fn prepare(&self) -> Result<Pool<Connections>, BoxError> {
        let pool = build(self.name.as_ref(), &self.settings, &self.secrets.read(&self.secret).await?)?;
        *self.pool.write().await = Some(pool.clone());
        Ok(pool)
    }

    /// Borrows a connection. A login that was refused, or led astray, is looked up again once: its secret may have changed.
    pub(super) async fn connection(&self) -> Result<Pooled, DbError> {
        self.patience.lasts()?;
        let pool = self.pool.read().await.clone();
        if let Some(pool) = pool {
            match self.borrow(&pool).await {
                Ok(connection) => return Ok(connection),
                Err(error) if !is_for_its_secret(&error) => return Err(DbError::Unavailable(error)),
                Err(_) => {}
            }
        }
        let pool = self.prepare().await.map_err(DbError::Unavailable)?;
        self.borrow(&pool).await.map_err(DbError::Unavailable)
    }

    #[expect(clippy::disallowed_methods, reason = "the one borrow; db/tx.rs is its only caller")]
    async fn borrow(&self, pool: &Pool<Connections>) -> Result<Pooled, BoxError> {
        let asked_at = Instant::now();
        let lent = pool.get().await;
        match &lent {
            Err(PoolError::Timeout(TimeoutType::Create)) => self.patience.ends(asked_at),
            // It said no.
            Err(PoolError::Backend(_)) => self.patience.hears(),
            _ => {}
        }
        Ok(lent?)
    }
}

/// `Fast` recycling asks the server nothing: a connection whose transaction was not confirmed never comes back.
fn build(
    name: Option<&DatabaseName>,
    settings: &DatabaseSettings,
    secret: &Secret,
) -> Result<Pool<Connections>, BoxError> {
    let login: Login = serde_json::from_slice(secret.expose())?;
    let mut config = tokio_postgres::Config::new();
    config
        .host(&login.host)
        .port(login.port)
        .dbname(&login.dbname)
        .user(&login.username)
        .password(&login.password)
        .application_name("signalbox");
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match &settings.ca_file {
        Some(file) => {
            config.ssl_mode(SslMode::Require);
            Manager::from_config(config, trusting(file)?, recycling)
        }
        None if is_loopback(&login.host) => Manager::from_config(config, NoTls, recycling),
        None => return Err("SIGNALBOX_DATABASE_CA_FILE is needed for a database on another machine".into()),
    };
    Ok(Pool::builder(Connections::of(manager, name))
        .max_size(settings.max_connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(settings.wait))
        .create_timeout(Some(FIRST_ANSWER))
        .build()?)
}

fn trusting(ca_file: &Path) -> Result<MakeRustlsConnect, BoxError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.starts_with('/')
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_for_its_secret(error: &BoxError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
    while let Some(error) = cause {
        if let Some(OpenError::Astray { .. }) = error.downcast_ref() {
            return true;
        }
        if let Some(code) = error.downcast_ref::<tokio_postgres::Error>().and_then(|e| e.code()) {
            return code.code() == "28P01" || code.code() == "28000";
        }
        cause = error.source();
    }
    false
}
