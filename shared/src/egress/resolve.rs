//! Names to addresses, once per connection: the addresses that were judged are the ones that are connected to.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::is_public;

/// What a look-up gives.
pub(super) type LookedUp = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Asks the system's resolver, or in a test, the test.
pub(super) type Lookup = Arc<dyn Fn(String) -> LookedUp + Send + Sync>;

/// Why a name led nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotResolved {
    /// No such name, or the resolver is out of reach.
    #[error("the name does not resolve")]
    Unknown,
    /// One of its addresses is not public.
    #[error("the name leads to an address that may not be reached")]
    Closed,
}

/// The system's resolver.
pub(super) fn system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// A resolver for the HTTP client.
#[derive(Clone)]
pub(super) struct Resolver {
    lookup: Lookup,
    /// Whether every address must be public; not so for an excepted origin.
    guarded: bool,
}

impl Resolver {
    pub(super) fn new(lookup: Lookup, guarded: bool) -> Self {
        Self { lookup, guarded }
    }

    /// All addresses of a name. One that is closed refuses the name: a mixed answer is an attack or a mistake.
    pub(super) async fn addresses(&self, name: String) -> Result<Vec<IpAddr>, NotResolved> {
        let found = (self.lookup)(name).await.map_err(|_| NotResolved::Unknown)?;
        if found.is_empty() {
            return Err(NotResolved::Unknown);
        }
        if self.guarded && !found.iter().copied().all(is_public) {
            return Err(NotResolved::Closed);
        }
        Ok(found)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = resolver.addresses(name.as_str().to_owned()).await?;
            let sockets: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(sockets)
        })
    }
}
