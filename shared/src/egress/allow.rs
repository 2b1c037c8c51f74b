//! The exceptions: exact origins, for one machine and for tests. A deployment has none.

use std::collections::BTreeSet;

use url::{Host, Url};

/// A scheme, a host as the URL standard writes it, and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    pub(super) fn new(scheme: &str, host: &Host<impl AsRef<str>>, port: u16) -> Self {
        let host = match host {
            Host::Domain(name) => name.as_ref().to_owned(),
            Host::Ipv4(it) => it.to_string(),
            Host::Ipv6(it) => format!("[{it}]"),
        };
        Self { scheme: scheme.to_owned(), host, port }
    }
}

/// A list of exceptions cannot be read: the entry that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SIGNALBOX_EGRESS_ALLOW: {0:?} is not scheme://host:port")]
pub struct NotAnOrigin(pub String);

/// Reads `scheme://host:port, …`. Nothing may follow the port, and it must be written.
pub(super) fn parse(list: &str) -> Result<BTreeSet<Origin>, NotAnOrigin> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| origin(entry).ok_or_else(|| NotAnOrigin(entry.to_owned()))).collect()
}

fn origin(entry: &str) -> Option<Origin> {
    let (scheme, rest) = entry.split_once("://")?;
    let (_, port) = rest.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    if !matches!(scheme, "http" | "https" | "postgres") || !rest.bytes().all(plain) {
        return None;
    }
    // The host is read by the rules of the web in every scheme, so that one address has one spelling.
    Some(Origin::new(scheme, &Url::parse(&format!("https://{rest}/")).ok()?.host()?, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_one_exact_origin() {
        assert_eq!(
            parse("http://127.0.0.1:9000, postgres://localhost:5432,https://[::1]:8443,").unwrap().len(),
            3
        );
        assert_eq!(parse("").unwrap().len(), 0);
        for bad in [
            "127.0.0.1:80",
            "http://127.0.0.1",
            "http://127.0.0.1:0",
            "http://*:80",
            "http://a:80/x",
            "http://u@a:80",
            "ftp://a:21",
            "http://a:80?x",
            "http://:80",
            "http://a:99999",
            "http://a b:80",
            "*",
        ] {
            assert_eq!(parse(bad), Err(NotAnOrigin(bad.to_owned())), "{bad}");
        }
    }
}
