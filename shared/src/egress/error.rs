//! What can go wrong on the way out, told apart by the one thing that a caller must know: can the request have arrived?

use std::error::Error as StdError;

use reqwest::StatusCode;

use super::resolve::NotResolved;

/// Which rule refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Not https.
    Scheme,
    /// No host, or not one.
    Host,
    /// A user name or password in the URL.
    UserInfo,
    /// A port below 1024 other than 443.
    Port,
    /// An address that is not on the public internet.
    Address,
    /// A header that frames the message.
    Header,
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Scheme => {
                "only https (or TLS) is spoken outside, save where the installation excepts an address"
            }
            Self::Host => "it names no host",
            Self::UserInfo => "it holds a user name or a password",
            Self::Port => "of the ports below 1024 only 443 is open",
            Self::Address => "it is not on the public internet, and the installation does not except it",
            Self::Header => "a header would frame the message",
        })
    }
}

/// A request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// A rule forbids it; nothing left.
    #[error("the address may not be reached: {0}")]
    Refused(Rule),
    /// The name does not resolve; nothing left.
    #[error("the host name does not resolve")]
    Dns,
    /// No connection; nothing left.
    #[error("the host does not accept a connection")]
    Connect,
    /// No TLS session, or a certificate that does not hold; nothing left.
    #[error("the host's certificate or TLS is not acceptable")]
    Tls,
    /// The deadline passed; the request may have arrived.
    #[error("no answer within the deadline")]
    Timeout,
    /// The connection broke, or the answer is not HTTP; the request may have arrived.
    #[error("the connection broke before the whole answer was there")]
    Broken,
    /// The request was answered, with more than was asked for.
    #[error("the answer is longer than allowed")]
    TooLarge {
        /// The status of the answer.
        status: StatusCode,
    },
}

impl EgressError {
    /// Whether the request provably never left: it may be sent again without a second effect.
    pub const fn never_left(self) -> bool {
        matches!(self, Self::Refused(_) | Self::Dns | Self::Connect | Self::Tls)
    }
}

/// The client's error as one of ours. What it says of a connection that never stood is the only thing believed.
pub(super) fn classify(error: reqwest::Error) -> EgressError {
    if !error.is_connect() {
        return if error.is_timeout() { EgressError::Timeout } else { EgressError::Broken };
    }
    let mut cause = error.source();
    while let Some(this) = cause {
        if let Some(told) = told_by(this) {
            return told;
        }
        cause = this.source();
    }
    EgressError::Connect
}

fn told_by(cause: &(dyn StdError + 'static)) -> Option<EgressError> {
    if let Some(name) = cause.downcast_ref::<NotResolved>() {
        return Some(match name {
            NotResolved::Unknown => EgressError::Dns,
            NotResolved::Closed => EgressError::Refused(super::Rule::Address),
        });
    }
    if cause.is::<rustls::Error>() {
        return Some(EgressError::Tls);
    }
    // An I/O error does not name what it wraps as its source.
    let within = cause.downcast_ref::<std::io::Error>()?.get_ref()?;
    told_by(within)
}
