//! Answers: [`Reply`] is bytes, [`Answer`] a reply whose status and body type are known, for the document.

use std::marker::PhantomData;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use shared::store::idempotency;

/// An answer as bytes. It can be kept and given again.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

/// A reply of a status with a body of a type.
#[derive(Clone, Debug)]
pub(crate) struct Answer<const STATUS: u16, T> {
    reply: Reply,
    of: PhantomData<fn() -> T>,
}

/// 200.
pub(crate) type Found<T> = Answer<200, T>;
/// 201.
pub(crate) type Created<T> = Answer<201, T>;
/// 202.
pub(crate) type Accepted<T> = Answer<202, T>;
/// 204.
pub(crate) type Done = Answer<204, ()>;

impl Reply {
    /// A JSON body. Serialising our own types does not fail.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body = Bytes::from(serde_json::to_vec(body).expect("our own types have JSON forms"));
        Self { status, headers: Vec::new(), body }.header("content-type", "application/json")
    }

    /// Sets a header. A value that cannot stand in one is left out.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let name = HeaderName::from_static(name);
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.retain(|(it, _)| *it != name);
            self.headers.push((name, value));
        }
        self
    }

    /// The value of a header.
    pub(crate) fn get(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value)
    }

    /// The first eight bytes of the body's SHA-256, in hex.
    pub(crate) fn hash(&self) -> String {
        idempotency::hash(&self.body).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The reply as it is kept under an idempotency key: the body as text, byte for byte.
    pub(crate) fn keep(&self) -> idempotency::Answer {
        let text = |v: &HeaderValue| Value::from(v.to_str().unwrap_or_default());
        let headers: Map<_, _> = self.headers.iter().map(|(n, v)| (n.as_str().to_owned(), text(v))).collect();
        let body = Value::from(String::from_utf8_lossy(&self.body));
        idempotency::Answer { status: i32::from(self.status.as_u16()), headers: headers.into(), body }
    }

    /// A reply that was kept.
    pub(crate) fn kept(kept: &idempotency::Kept) -> Option<Self> {
        let status = u16::try_from(kept.status).ok().and_then(|s| StatusCode::from_u16(s).ok())?;
        let body = kept.answer.as_ref().and_then(Value::as_str).unwrap_or_default();
        let mut headers = Vec::new();
        for (name, value) in kept.headers.as_object()? {
            headers.push((name.parse().ok()?, HeaderValue::from_str(value.as_str()?).ok()?));
        }
        Some(Self { status, headers, body: Bytes::from(body.to_owned()) })
    }
}

impl<const STATUS: u16, T> Answer<STATUS, T> {
    /// The bytes.
    pub(crate) fn into_reply(self) -> Reply {
        self.reply
    }

    /// The bytes, to be kept.
    pub(crate) fn reply(&self) -> &Reply {
        &self.reply
    }

    /// Sets a header.
    pub(crate) fn header(self, name: &'static str, value: &str) -> Self {
        Self { reply: self.reply.header(name, value), of: PhantomData }
    }

    /// Says at which version the thing is: `"<version>.<hash>"`. The version is what `If-Match` looks at; the hash tells
    /// representations apart that differ in what they tell of other things.
    pub(crate) fn at_version(self, version: i32) -> Self {
        let tag = format!("\"{version}.{}\"", self.reply.hash());
        self.header("etag", &tag)
    }
}

impl<const STATUS: u16, T: Serialize> Answer<STATUS, T> {
    /// A body.
    pub(crate) fn of(body: &T) -> Self {
        let status = StatusCode::from_u16(STATUS).unwrap_or(StatusCode::OK);
        Self { reply: Reply::json(status, body), of: PhantomData }
    }
}

impl<T: Serialize> Created<T> {
    /// A thing that was made, and where it is.
    pub(crate) fn at(location: &str, body: &T) -> Self {
        Self::of(body).header("location", location)
    }
}

/// A file, as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Download(pub(crate) Answer<200, ()>);

impl Download {
    /// Bytes that no browser shows, and that pass through the gateway as they are.
    pub(crate) const CONTENT_TYPE: &'static str = "application/octet-stream";

    /// The answer with these bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Answer<200, ()> {
        let reply = Reply { status: StatusCode::OK, headers: Vec::new(), body: Bytes::from(bytes) };
        let reply = reply.header("content-type", Self::CONTENT_TYPE).header("cache-control", "no-store");
        Answer { reply, of: PhantomData }
    }
}

impl Done {
    /// Nothing to say.
    pub(crate) fn done() -> Self {
        Self {
            reply: Reply { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: Bytes::new() },
            of: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kept_reply_is_the_same_reply_byte_for_byte() {
        let first = Created::at("/api/v1/x/1", &json!({ "b": "ä\u{1f682}", "a": [1.5, null] }))
            .at_version(3)
            .into_reply();
        let answer = first.keep();
        let kept = idempotency::Kept {
            operation: String::new(),
            body_hash: Vec::new(),
            status: answer.status,
            headers: answer.headers,
            answer: Some(answer.body),
        };
        let again = Reply::kept(&kept).unwrap();
        let sorted = |reply: &Reply| {
            let mut headers = reply.headers.clone();
            headers.sort_by_key(|(name, _)| name.to_string());
            (reply.status, headers, reply.body.clone())
        };
        assert_eq!(sorted(&again), sorted(&first));
    }

    #[test]
    fn a_tag_says_the_version_and_differs_where_the_body_does() {
        let tag = |name: &str| {
            Found::of(&json!({ "name": name })).at_version(7).into_reply().get("etag").cloned().unwrap()
        };
        assert!(tag("a").to_str().unwrap().starts_with("\"7."));
        assert_ne!(tag("a"), tag("b"));
        assert_eq!(tag("a"), tag("a"));
    }

    #[test]
    fn a_header_that_would_break_out_is_left_out() {
        assert!(
            Reply::json(StatusCode::OK, &1)
                .header("location", "/x\r\nset-cookie: a=b")
                .get("location")
                .is_none()
        );
    }
}
