//! A sign-in provider for one machine: the endpoints, tokens and errors of Microsoft Entra ID v2.0, with people one clicks on.
//!
//! `stack` starts it, the signin function is configured with its authority and cannot tell it from the real one
//! (authorization code, PKCE with S256, state, nonce, one issuer per directory, rotating RS256 keys). Tests add people,
//! rotate keys, make it fail, and have it sign tokens of any shape ([`Provider::mint`]). It listens on loopback only,
//! asks nobody for a password, and is no part of a deployment.
//!
//! Protocol: the Microsoft identity platform's pages on the authorization code flow, ID token claims and key rollover.

mod directory;
mod flow;
mod keys;
mod page;
mod routes;
mod tokens;

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use uuid::Uuid;

pub use directory::{Account, Application, Registration};
use flow::Codes;
pub use keys::SigningKey;
pub use tokens::Signature;

/// How the provider is started.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Loopback port; 0 for any.
    pub port: u16,
    /// Signing keys kept from the last start (PKCS#8, base64), the current one first. Without any, one is made.
    pub keys: Vec<String>,
    /// The application that people sign in with.
    pub client_id: Uuid,
    /// Its secret.
    pub client_secret: String,
}

/// What went wrong while the provider was started.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The port is taken.
    #[error("the sign-in provider cannot listen on port {port}")]
    Listen {
        /// The port asked for.
        port: u16,
        /// The system's reason.
        source: io::Error,
    },
    /// A kept key cannot be read.
    #[error("a signing key of the sign-in provider is damaged; start again with --fresh")]
    Key,
}

/// A running provider. Cheap to clone; it goes on until [`Provider::stop`].
#[derive(Clone, Debug)]
pub struct Provider {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    base: String,
    client_id: Uuid,
    client_secret: String,
    state: Mutex<State>,
    down: AtomicBool,
    key_reads: AtomicU64,
    server: OnceLock<AbortHandle>,
}

#[derive(Debug, Default)]
struct State {
    keys: Vec<SigningKey>,
    directories: Vec<(Uuid, String)>,
    accounts: Vec<Account>,
    redirect_uris: Vec<String>,
    registrations: Vec<Registration>,
    applications: Vec<Application>,
    /// Application, person, role.
    roles: Vec<(Uuid, Uuid, String)>,
    codes: Codes,
}

impl Provider {
    /// Starts to listen and to answer.
    pub async fn start(settings: ProviderSettings) -> Result<Self, OidcError> {
        let port = settings.port;
        let listen = |source| OidcError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let mut keys = Vec::new();
        for kept in &settings.keys {
            keys.push(SigningKey::read(kept).ok_or(OidcError::Key)?);
        }
        if keys.is_empty() {
            keys.push(SigningKey::generate());
        }
        let provider = Self {
            inner: Arc::new(Inner {
                base: format!("http://{address}"),
                client_id: settings.client_id,
                client_secret: settings.client_secret,
                state: Mutex::new(State { keys, ..State::default() }),
                down: AtomicBool::new(false),
                key_reads: AtomicU64::new(0),
                server: OnceLock::new(),
            }),
        };
        let routes = routes::router(provider.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await });
        provider.inner.server.get_or_init(|| server.abort_handle());
        Ok(provider)
    }

    /// Stops listening, soon.
    pub fn close(&self) {
        if let Some(server) = self.inner.server.get() {
            server.abort();
        }
    }

    /// Stops listening; the port is free when this returns.
    pub async fn stop(&self) {
        self.close();
        while self.inner.server.get().is_some_and(|server| !server.is_finished()) {
            tokio::task::yield_now().await;
        }
    }

    /// Its origin: `http://127.0.0.1:PORT`.
    pub fn base(&self) -> &str {
        &self.inner.base
    }

    /// What a multi-tenant application is configured with.
    pub fn authority(&self) -> String {
        format!("{}/organizations/v2.0", self.inner.base)
    }

    /// The issuer of a directory's tokens.
    pub fn issuer(&self, directory_id: Uuid) -> String {
        format!("{}/{directory_id}/v2.0", self.inner.base)
    }

    /// The application that people sign in with.
    pub fn client_id(&self) -> Uuid {
        self.inner.client_id
    }

    /// Registers an address that sign-ins may return to.
    pub fn allow_redirect(&self, uri: impl Into<String>) {
        self.state().redirect_uris.push(uri.into());
    }

    /// Registers another application of ours.
    pub fn register(&self, registration: Registration) {
        self.state().registrations.push(registration);
    }

    /// Gives somebody a role in an application; it stands in their tokens for it.
    pub fn assign(&self, client_id: Uuid, object_id: Uuid, role: impl Into<String>) {
        self.state().roles.push((client_id, object_id, role.into()));
    }

    /// Takes somebody's roles in an application.
    pub fn unassign(&self, client_id: Uuid, object_id: Uuid) {
        self.state().roles.retain(|(client, person, _)| (*client, *person) != (client_id, object_id));
    }

    /// Makes a directory known, with or without people.
    pub fn add_directory(&self, id: Uuid, name: impl Into<String>) {
        let mut state = self.state();
        state.directories.retain(|(known, _)| *known != id);
        state.directories.push((id, name.into()));
    }

    /// Adds somebody, and their directory if it was unknown.
    pub fn add_person(&self, account: Account) {
        let mut state = self.state();
        if !state.directories.iter().any(|(known, _)| *known == account.directory_id) {
            state.directories.push((account.directory_id, account.directory_id.to_string()));
        }
        state.accounts.retain(|known| known.user_name != account.user_name);
        state.accounts.push(account);
    }

    /// Adds an application, in place of one of the same registration and directory.
    pub fn add_application(&self, application: Application) {
        let same = |known: &Application| {
            (known.client_id, known.directory_id) == (application.client_id, application.directory_id)
        };
        let mut state = self.state();
        state.applications.retain(|known| !same(known));
        state.applications.push(application);
    }

    /// Signs with a new key from now on. The old ones stay published until [`Self::retire_keys`].
    pub fn rotate_key(&self) -> String {
        let key = SigningKey::generate();
        let id = key.id().to_owned();
        self.state().keys.insert(0, key);
        id
    }

    /// Stops publishing every key but the current one.
    pub fn retire_keys(&self) {
        self.state().keys.truncate(1);
    }

    /// The keys as [`ProviderSettings::keys`] takes them back.
    pub fn keys(&self) -> Vec<String> {
        self.state().keys.iter().map(SigningKey::write).collect()
    }

    /// From now on every request is answered with 503, or no longer.
    pub fn set_down(&self, down: bool) {
        self.inner.down.store(down, Ordering::Relaxed);
    }

    /// How often the published keys were read.
    pub fn key_reads(&self) -> u64 {
        self.inner.key_reads.load(Ordering::Relaxed)
    }

    /// The claims of a proper ID token for this person, to be changed and [minted](Self::mint).
    pub fn claims(&self, account: &Account, nonce: &str) -> Map<String, Value> {
        self.claims_for(self.client_id(), account, nonce)
    }

    /// The same, for another application.
    pub fn claims_for(&self, client_id: Uuid, account: &Account, nonce: &str) -> Map<String, Value> {
        tokens::id_claims(self, client_id, account, ("openid profile email", nonce))
    }

    /// The claims of a proper access token of an application for our API, to be changed and [minted](Self::mint).
    pub fn application_claims(&self, application: &Application) -> Map<String, Value> {
        tokens::application_claims(self, application)
    }

    /// A token with exactly these claims, signed with the current key. Fields of `header` replace those of
    /// `{"alg": "RS256", "typ": "JWT", "kid": …}`; a null takes one away.
    pub fn mint(&self, claims: &Map<String, Value>, header: &Map<String, Value>) -> String {
        self.mint_with(claims, header, &Signature::Current)
    }

    /// The same with another signature.
    pub fn mint_with(
        &self,
        claims: &Map<String, Value>,
        header: &Map<String, Value>,
        by: &Signature,
    ) -> String {
        tokens::mint(&self.state().keys, claims, header, by)
    }

    /// The current key's public half as DER (SubjectPublicKeyInfo's inner RSAPublicKey), for confused-key attacks.
    pub fn public_key(&self) -> Vec<u8> {
        self.state().keys.first().map(SigningKey::public).unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
