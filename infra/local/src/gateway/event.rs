//! A request as a payload 2.0 event.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Version, header, uri::Authority};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::route::Hit;
use crate::clock::{random_id, real_now};

/// One request on its way to a function.
pub(super) struct Call<'a> {
    pub(super) parts: &'a Parts,
    pub(super) path: &'a str,
    pub(super) body: &'a [u8],
    pub(super) peer: SocketAddr,
    pub(super) hit: &'a Hit<'a>,
    pub(super) account: &'a str,
}

/// HTTP APIs decode the path before they match and forward it, and cut it at a decoded `?` (seen in captured events;
/// the query stays as it was sent).
pub(super) fn decoded_path(path: &str) -> String {
    let path = percent_decode_str(path).decode_utf8_lossy();
    path.split('?').next().unwrap_or_default().to_owned()
}

impl Call<'_> {
    /// The event, or `None` when the request names no host: AWS could not have routed it here.
    pub(super) fn event(&self) -> Option<Bytes> {
        let authority = self.authority()?;
        let query = self.parts.uri.query().unwrap_or_default();
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.hit.key,
            "rawPath": self.path,
            "rawQueryString": query,
            "headers": self.headers(&authority),
            "requestContext": self.context(&authority),
            "isBase64Encoded": false,
        });
        let cookies = self.cookies();
        if !cookies.is_empty() {
            event["cookies"] = cookies.into();
        }
        if !query.is_empty() {
            event["queryStringParameters"] = json!(query_parameters(query));
        }
        if !self.hit.parameters.is_empty() {
            event["pathParameters"] = json!(self.hit.parameters);
        }
        if !self.body.is_empty() {
            let text = is_text(&self.parts.headers).then(|| std::str::from_utf8(self.body).ok()).flatten();
            event["isBase64Encoded"] = text.is_none().into();
            event["body"] = text.map_or_else(|| STANDARD.encode(self.body), str::to_owned).into();
        }
        Some(event.to_string().into())
    }

    fn authority(&self) -> Option<Authority> {
        let named = self.parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = match named {
            Some(host) => host.parse().ok()?,
            None => self.parts.uri.authority()?.clone(),
        };
        // A host with user information is none that a browser or AWS would send.
        (!authority.host().is_empty() && !authority.as_str().contains('@')).then_some(authority)
    }

    fn context(&self, authority: &Authority) -> Value {
        let now = real_now();
        let domain = authority.host();
        json!({
            "accountId": self.account,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": domain.split('.').next(),
            "http": {
                "method": self.parts.method.as_str(),
                "path": self.path,
                "protocol": if self.parts.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
                "sourceIp": self.peer.ip(),
                "userAgent": self.parts.headers.get(header::USER_AGENT).map(|agent| text(agent.as_bytes())),
            },
            "requestId": random_id().simple().to_string(),
            "routeKey": self.hit.key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        })
    }

    /// Lower-case names; values of one name joined by commas; cookies have a field of their own. The gateway adds who
    /// called, and how: a caller's own `x-forwarded-for` stays in front, as behind any proxy.
    fn headers(&self, authority: &Authority) -> Map<String, Value> {
        let mut headers = BTreeMap::<&str, String>::new();
        for (name, value) in self.parts.headers.iter().filter(|(name, _)| *name != header::COOKIE) {
            let value = text(value.as_bytes());
            headers.entry(name.as_str()).and_modify(|all| *all = format!("{all},{value}")).or_insert(value);
        }
        let peer = self.peer.ip().to_string();
        headers.entry("host").or_insert_with(|| authority.to_string());
        headers.entry("x-forwarded-for").and_modify(|all| *all = format!("{all}, {peer}")).or_insert(peer);
        headers.insert("x-forwarded-proto", "http".to_owned());
        headers.insert("x-forwarded-port", authority.port_u16().unwrap_or(80).to_string());
        headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }

    fn cookies(&self) -> Vec<String> {
        let lines = self.parts.headers.get_all(header::COOKIE).iter().map(|line| text(line.as_bytes()));
        let cookies =
            lines.flat_map(|line| line.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>());
        cookies.filter(|cookie| !cookie.is_empty()).collect()
    }
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        let all = parameters.entry(name.into_owned());
        all.and_modify(|all| *all = format!("{all},{value}")).or_insert(value);
    }
    parameters
}

/// Everything but text comes in base64.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || ["application/json", "application/xml", "application/javascript"].contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
