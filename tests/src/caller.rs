//! Callers as types: nobody, an Administrator, an Operator. Each calls the API through the gateway as a person's browser or
//! program would, and gets whatever was answered: only a test decides what is right.

use std::ops::Deref;
use std::sync::OnceLock;

use bytes::Bytes;
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap, redirect};
use serde_json::Value;

/// How a caller shows who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Not at all.
    None,
    /// `Authorization: Bearer`.
    Bearer(String),
    /// The session's cookie, as a browser sends it (with `Origin`, when it changes something).
    Cookie(String),
}

/// Somebody who calls the API of one stack.
#[derive(Clone, Debug)]
pub struct Caller {
    url: String,
    proof: Proof,
}

/// Somebody who is not signed in.
#[derive(Clone, Debug)]
pub struct Anonymous(pub Caller);

/// A member who configures.
#[derive(Clone, Debug)]
pub struct Administrator(pub Caller);

/// A member who runs and watches.
#[derive(Clone, Debug)]
pub struct Operator(pub Caller);

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked, for a failing test's message.
    pub asked: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Anonymous {
    /// Nobody, before the stack at this URL.
    pub fn at(url: &str) -> Self {
        Self(Caller::new(url, Proof::None))
    }
}

impl Caller {
    /// A caller of the stack at this URL.
    pub fn new(url: &str, proof: Proof) -> Self {
        Self { url: url.to_owned(), proof }
    }

    /// The same person, showing it another way.
    pub fn with(&self, proof: Proof) -> Self {
        Self { url: self.url.clone(), proof }
    }

    /// The same session in a browser.
    pub fn in_browser(&self) -> Self {
        self.with(Proof::Cookie(self.token().to_owned()))
    }

    /// Where the stack answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The session; empty for nobody.
    pub fn token(&self) -> &str {
        match &self.proof {
            Proof::None => "",
            Proof::Bearer(token) | Proof::Cookie(token) => token,
        }
    }

    /// One request, to be changed before it is sent. A path that starts with `//` is of the whole site, others are of the API.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = match path.strip_prefix("//") {
            Some(rest) => format!("{}/{rest}", self.url),
            None => format!("{}/api/v1{path}", self.url),
        };
        let unsafe_method = !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
        let request = client().request(method, url);
        match &self.proof {
            Proof::None => request,
            Proof::Bearer(token) => request.bearer_auth(token),
            Proof::Cookie(token) => {
                let request = request.header("cookie", format!("__Host-signalbox={token}"));
                if unsafe_method { request.header("origin", &self.url) } else { request }
            }
        }
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// Creates or acts.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    /// Replaces.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PUT, path).json(body)).await
    }

    /// Changes.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PATCH, path).json(body)).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }
}

/// Sends a request that was made with [`Caller::request`].
pub async fn send(request: RequestBuilder) -> Answer {
    let request = request.build().expect("a request");
    let asked = format!("{} {}", request.method(), request.url().path());
    let answer =
        client().execute(request).await.unwrap_or_else(|error| panic!("{asked} had no answer: {error:?}"));
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.unwrap_or_else(|error| panic!("{asked} was cut short: {error:?}"));
    Answer { asked, status, headers, body }
}

/// The one client; it follows no redirect and goes through no proxy.
fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let client = Client::builder().redirect(redirect::Policy::none()).no_proxy();
        client.build().expect("a client")
    })
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{} was answered: {}", self.asked, self.text());
        self.json()
    }

    /// The problem document of an answer that must have this status and code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.asked);
        assert_eq!(problem["status"], status, "{}: {problem}", self.asked);
        assert_eq!(problem["code"], code, "{}: {problem}", self.asked);
        problem
    }

    /// The pointers that a problem document complains about.
    pub fn pointers(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().into_iter().flatten();
        errors.filter_map(|error| error["pointer"].as_str().map(str::to_owned)).collect()
    }
}

macro_rules! callers {
    ($($kind:ident)*) => {$(
        impl Deref for $kind {
            type Target = Caller;

            fn deref(&self) -> &Caller {
                &self.0
            }
        }
    )*};
}

callers! { Anonymous Administrator Operator }
