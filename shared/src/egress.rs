//! The one outbound HTTP client: everything that leaves for an address somebody typed, and sign-in's provider too.
//!
//! Rules: https only; no redirect is followed; no proxy; no user info in a URL; ports 443 and from 1024 up; a name is
//! resolved once and its *checked* addresses are connected to; a private, loopback, link-local, carrier-grade or otherwise
//! special address is refused, whether it comes from a name or stands in the URL in whatever notation; an answer has a size
//! and a deadline. `SIGNALBOX_EGRESS_ALLOW` names exact origins that are excepted from scheme, port and address, on one
//! machine and in tests.
//!
//! Called by the dispatcher's connectors and vaults and by sign-in. It never retries: whether a request that failed may be
//! sent again is for the caller to say, and [`EgressError::never_left`] is what they go by. Connections are not kept: one
//! that went stale while a function was frozen would turn a plain failure into "may have left", and none is ever shared
//! between tenants.

mod address;
mod allow;
mod error;
mod resolve;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

pub use allow::NotAnOrigin;
pub use error::{EgressError, Rule};
pub use reqwest::{Method, StatusCode, header};
pub use url::Url;

use allow::Origin;
use header::{HeaderMap, HeaderName};
use resolve::{Lookup, NotResolved, Resolver};
use url::Host;

/// A connection must stand within this time. Give requests a longer deadline: a deadline that passes first is a
/// [`EgressError::Timeout`], which cannot say that nothing left.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(4);

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// GET, POST, …
    pub method: Method,
    /// Where to; checked against the rules.
    pub url: Url,
    /// Headers; those that frame the message itself are refused.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// From now to the last byte of the answer.
    pub deadline: Duration,
    /// The longest answer to take, in bytes.
    pub max_body: usize,
}

/// An answer, of any status: a redirect too is handed to the caller as it is.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Vec<u8>,
}

/// The client. Cheap to clone; each kind of connection is set up when it is first used.
#[derive(Clone)]
pub struct Egress {
    inner: Arc<Inner>,
}

struct Inner {
    allowed: BTreeSet<Origin>,
    lookup: Lookup,
    /// To public addresses; to excepted origins over TLS; to excepted origins without. The last one reads no root certificates.
    clients: [OnceLock<Option<reqwest::Client>>; 3],
}

#[derive(Clone, Copy)]
enum Way {
    Public,
    ExceptedTls,
    ExceptedPlain,
}

/// Headers that belong to the connection: a caller who sets one could make two readers see two messages.
const FRAMING: [HeaderName; 10] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
];

impl Egress {
    /// A client with the exceptions of `SIGNALBOX_EGRESS_ALLOW`, if any.
    pub fn new(allow: Option<&str>) -> Result<Self, NotAnOrigin> {
        Self::with_lookup(allow, resolve::system())
    }

    fn with_lookup(allow: Option<&str>, lookup: Lookup) -> Result<Self, NotAnOrigin> {
        let allowed = allow::parse(allow.unwrap_or_default())?;
        Ok(Self { inner: Arc::new(Inner { allowed, lookup, clients: Default::default() }) })
    }

    /// Sends one request and reads its whole answer.
    pub async fn send(&self, request: Request) -> Result<Response, EgressError> {
        let way = self.check(&request.url)?;
        if let Some(name) = request.headers.keys().find(|name| FRAMING.contains(name)) {
            tracing::debug!(header = name.as_str(), "a header that frames the message was refused");
            return Err(EgressError::Refused(Rule::Header));
        }
        let client = self.inner.client(way).ok_or(EgressError::Tls)?;
        match tokio::time::timeout(request.deadline, exchange(&client, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(EgressError::Timeout),
        }
    }

    /// Whether a URL may be asked at all: every rule but what its name resolves to. Good for checking settings early.
    pub fn check_url(&self, url: &Url) -> Result<(), EgressError> {
        self.check(url).map(|_| ())
    }

    /// The address to connect to for a protocol that is not HTTP (`postgres`), under the same rules: without TLS only where an
    /// exception names the origin.
    pub async fn check_tcp(
        &self,
        (scheme, is_tls): (&str, bool),
        host: &str,
        port: u16,
    ) -> Result<SocketAddr, EgressError> {
        let host = parse_host(host).ok_or(EgressError::Refused(Rule::Host))?;
        let excepted = self.inner.allowed.contains(&Origin::new(scheme, &host, port));
        if !excepted {
            if !is_tls {
                return Err(EgressError::Refused(Rule::Scheme));
            }
            check_port(port)?;
            check_literal(&host)?;
        }
        let name = match host {
            Host::Ipv4(it) => return Ok(SocketAddr::new(it.into(), port)),
            Host::Ipv6(it) => return Ok(SocketAddr::new(it.into(), port)),
            Host::Domain(name) => name,
        };
        let resolver = Resolver::new(self.inner.lookup.clone(), !excepted);
        let found = tokio::time::timeout(CONNECT_WITHIN, resolver.addresses(name)).await;
        match found.unwrap_or(Err(NotResolved::Unknown)) {
            Ok(addresses) => addresses.first().map(|it| SocketAddr::new(*it, port)).ok_or(EgressError::Dns),
            Err(NotResolved::Unknown) => Err(EgressError::Dns),
            Err(NotResolved::Closed) => Err(EgressError::Refused(Rule::Address)),
        }
    }

    fn check(&self, url: &Url) -> Result<Way, EgressError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressError::Refused(Rule::UserInfo));
        }
        let host = url.host().ok_or(EgressError::Refused(Rule::Host))?;
        let port = url.port_or_known_default().ok_or(EgressError::Refused(Rule::Port))?;
        let excepted = self.inner.allowed.contains(&Origin::new(url.scheme(), &host, port));
        match (url.scheme(), excepted) {
            ("https", true) => Ok(Way::ExceptedTls),
            ("http", true) => Ok(Way::ExceptedPlain),
            ("https", false) => {
                check_port(port)?;
                check_literal(&host)?;
                Ok(Way::Public)
            }
            _ => Err(EgressError::Refused(Rule::Scheme)),
        }
    }
}

impl Inner {
    fn client(&self, way: Way) -> Option<reqwest::Client> {
        self.clients[way as usize].get_or_init(|| build(way, &self.lookup)).clone()
    }
}

fn build(way: Way, lookup: &Lookup) -> Option<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent("signalbox")
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_WITHIN)
        .pool_max_idle_per_host(0)
        .dns_resolver(Resolver::new(lookup.clone(), matches!(way, Way::Public)));
    let builder = match way {
        Way::ExceptedPlain => builder.tls_certs_only([]),
        Way::Public | Way::ExceptedTls => builder.https_only(true),
    };
    let built = builder.build();
    built.inspect_err(|error| tracing::error!(?error, "the HTTP client cannot be built")).ok()
}

async fn exchange(client: &reqwest::Client, request: Request) -> Result<Response, EgressError> {
    let Request { method, url, headers, body, max_body, deadline: _ } = request;
    let mut sent = client.request(method, url).headers(headers);
    if !body.is_empty() {
        sent = sent.body(body);
    }
    let mut answer = sent.send().await.map_err(error::classify)?;
    let too_large = EgressError::TooLarge { status: answer.status() };
    let promised = answer.content_length().and_then(|length| usize::try_from(length).ok());
    if promised.is_some_and(|length| length > max_body) {
        return Err(too_large);
    }
    let mut body = Vec::with_capacity(promised.unwrap_or(0));
    while let Some(part) = answer.chunk().await.map_err(|_| EgressError::Broken)? {
        if body.len() + part.len() > max_body {
            return Err(too_large);
        }
        body.extend_from_slice(&part);
    }
    Ok(Response { status: answer.status(), headers: std::mem::take(answer.headers_mut()), body })
}

/// An address may stand bare (`::1`), as in settings that are not URLs.
fn parse_host(text: &str) -> Option<Host<String>> {
    if let Ok(it) = text.parse() {
        return Some(Host::Ipv6(it));
    }
    Host::parse(text).ok()
}

fn check_port(port: u16) -> Result<(), EgressError> {
    if port == 443 || port >= 1024 { Ok(()) } else { Err(EgressError::Refused(Rule::Port)) }
}

/// A literal never meets the resolver, so it is judged here.
fn check_literal(host: &Host<impl AsRef<str>>) -> Result<(), EgressError> {
    let address = match host {
        Host::Ipv4(it) => (*it).into(),
        Host::Ipv6(it) => (*it).into(),
        Host::Domain(_) => return Ok(()),
    };
    if address::is_public(address) { Ok(()) } else { Err(EgressError::Refused(Rule::Address)) }
}

#[cfg(test)]
mod tests;
