//! The sign-in provider's metadata and keys, fetched and kept.
//!
//! Kept for 24 h at the longest and read anew, on use, once an hour old. A key id that is not known makes for a fetch at once,
//! but for one in five minutes at most, however many tokens name however many ids. One fetch is under way at a time. When
//! a fetch fails, what is there goes on to serve until it is 24 h old: an outage never widens what is accepted.
//!
//! Called by sign-in. A token never says where keys come from; the configuration does.

mod document;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use url::Url;

use super::token::{Rejected, RsaKey};
use crate::{
    egress::{Egress, Method, Request, header::HeaderMap},
    error::BoxError,
};

pub(super) use document::fill;

/// Older keys are not used.
const KEEP: SignedDuration = SignedDuration::from_hours(24);
/// Older keys are read anew when they are used next.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// A fetch because of an unknown key id, or after one that failed, comes no sooner than this after the last.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// Without any keys nobody can sign in, so the pause is short.
const PAUSE_WITHOUT_KEYS: SignedDuration = SignedDuration::from_secs(1);
/// Longer documents are not read.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// How a document is fetched.
pub type Fetch =
    Arc<dyn Fn(Url) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, BoxError>> + Send>> + Send + Sync>;

/// What a provider says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The issuer; with many directories a template that holds `{tenantid}`.
    pub issuer: String,
    /// Where a browser is sent.
    pub authorization_endpoint: Url,
    /// Where a code is redeemed.
    pub token_endpoint: Url,
    pub(super) jwks_uri: Url,
}

/// A key that tokens are signed with.
#[derive(Clone)]
pub struct SigningKey {
    pub(super) id: String,
    /// The issuer it is good for, as a template.
    pub(super) issuer: String,
    pub(super) key: RsaKey,
}

/// The provider could not tell.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// No metadata or keys to be had: try again later.
    #[error("the sign-in provider is out of reach")]
    Unavailable,
    /// There are keys, and none has this id.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

/// One provider.
#[derive(Clone)]
pub struct Issuer {
    authority: Url,
    fetch: Fetch,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    good: Option<Arc<Snapshot>>,
    /// The last fetch that was not the first: it failed, or was because of an unknown key id.
    paused_at: Option<Timestamp>,
}

struct Snapshot {
    metadata: Metadata,
    keys: Vec<SigningKey>,
    fetched_at: Timestamp,
}

impl Issuer {
    /// A provider by its authority, as `SIGNALBOX_OIDC_AUTHORITY` writes it, asked through the egress client.
    pub fn new(authority: Url, egress: Egress) -> Self {
        Self::with_fetch(authority, Arc::new(move |url| Box::pin(get(egress.clone(), url))))
    }

    /// The same with another way to fetch.
    pub fn with_fetch(authority: Url, fetch: Fetch) -> Self {
        Self { authority, fetch, state: Arc::default() }
    }

    /// What the provider says about itself.
    pub async fn metadata(&self, now: Timestamp) -> Result<Metadata, IssuerError> {
        let mut state = self.state.lock().await;
        self.current(&mut state, now).await.map(|snapshot| snapshot.metadata.clone())
    }

    /// The key of an id, with the metadata it was published under.
    pub async fn key(&self, id: &str, now: Timestamp) -> Result<(SigningKey, Metadata), IssuerError> {
        let mut state = self.state.lock().await;
        let mut snapshot = self.current(&mut state, now).await?;
        if snapshot.find(id).is_none() && state.may_ask(now, PAUSE) {
            state.paused_at = Some(now);
            snapshot = self.refresh(&mut state, now).await.unwrap_or(snapshot);
        }
        let key = snapshot.find(id).ok_or(Rejected::UnknownKey)?;
        Ok((key.clone(), snapshot.metadata.clone()))
    }

    /// What is kept, read anew where its age asks for it.
    async fn current(&self, state: &mut State, now: Timestamp) -> Result<Arc<Snapshot>, IssuerError> {
        let age = |kept: &Arc<Snapshot>| now.duration_since(kept.fetched_at);
        let kept = state.good.clone().filter(|kept| age(kept) < KEEP);
        let pause = if kept.is_some() { PAUSE } else { PAUSE_WITHOUT_KEYS };
        if kept.as_ref().is_some_and(|kept| age(kept) < FRESH) || !state.may_ask(now, pause) {
            return kept.ok_or(IssuerError::Unavailable);
        }
        match self.refresh(state, now).await {
            Some(fresh) => Ok(fresh),
            None => kept.ok_or(IssuerError::Unavailable),
        }
    }

    /// Fetches both documents. A failure changes nothing but the pause.
    async fn refresh(&self, state: &mut State, now: Timestamp) -> Option<Arc<Snapshot>> {
        match self.read(now).await {
            Ok(snapshot) => {
                let fresh = Arc::new(snapshot);
                state.good = Some(fresh.clone());
                Some(fresh)
            }
            Err(error) => {
                tracing::warn!(error, "the sign-in provider's keys could not be read");
                state.paused_at = Some(now);
                None
            }
        }
    }

    async fn read(&self, now: Timestamp) -> Result<Snapshot, BoxError> {
        let address =
            format!("{}/.well-known/openid-configuration", self.authority.as_str().trim_end_matches('/'));
        let metadata = document::metadata(&(self.fetch)(Url::parse(&address)?).await?, &self.authority)?;
        let keys = document::keys(&(self.fetch)(metadata.jwks_uri.clone()).await?, &metadata.issuer)?;
        Ok(Snapshot { metadata, keys, fetched_at: now })
    }
}

impl State {
    fn may_ask(&self, now: Timestamp, pause: SignedDuration) -> bool {
        self.paused_at.is_none_or(|last| now.duration_since(last) >= pause)
    }
}

impl Snapshot {
    fn find(&self, id: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

async fn get(egress: Egress, url: Url) -> Result<Vec<u8>, BoxError> {
    let request = Request {
        method: Method::GET,
        url,
        headers: HeaderMap::new(),
        body: Vec::new(),
        deadline: Duration::from_secs(5),
        max_body: MAX_DOCUMENT_BYTES,
    };
    let answer = egress.send(request).await?;
    if !answer.status.is_success() {
        return Err(format!("answered {}", answer.status).into());
    }
    Ok(answer.body)
}

#[cfg(test)]
mod tests;

/// Metadata and keys as if they had been fetched.
#[cfg(test)]
pub(super) fn published(issuer: &str, keys: &[serde_json::Value]) -> (Metadata, Vec<SigningKey>) {
    let address = |path: &str| Url::parse(&format!("https://login.example/{path}")).expect("an address");
    let metadata = Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: address("authorize"),
        token_endpoint: address("token"),
        jwks_uri: address("keys"),
    };
    let set = serde_json::json!({ "keys": keys }).to_string();
    (metadata, document::keys(set.as_bytes(), issuer).expect("a key set"))
}
