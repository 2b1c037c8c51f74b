//! Requests below a connection's base URL, with its credential: what a task's templates ask for, and nowhere else.

use shared::{
    egress::{
        Method, Request, Url,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    model::{
        connection::{
            http::{Auth, Settings, Start},
            join,
        },
        ids::AttemptId,
    },
    secrets::Secret,
};

use super::super::{Target, answer};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) fn starting(
    settings: &Settings,
    target: &Target<'_>,
    attempt: AttemptId,
    start: &Start,
) -> Result<Request, String> {
    let mut request = request(settings, target, method_of(start.method), &start.path)?;
    if !start.query.is_empty() {
        request.url.query_pairs_mut().extend_pairs(&start.query);
    }
    for (name, value) in &start.headers {
        request.headers.insert(
            named(name)?,
            HeaderValue::from_str(value)
                .map_err(|_| format!("The header {name} has a value that cannot be sent."))?,
        );
    }
    if let Some(name) = &settings.idempotency_header {
        request
            .headers
            .insert(named(name)?, HeaderValue::from_str(&attempt.to_string()).expect("an id is ASCII"));
    }
    if let Some(body) = &start.body {
        request.headers.insert(header::CONTENT_TYPE, JSON);
        request.body = body.to_string().into_bytes();
    }
    Ok(request)
}

/// A request below the base URL, with the credential.
pub(super) fn request(
    settings: &Settings,
    target: &Target<'_>,
    method: Method,
    path: &str,
) -> Result<Request, String> {
    let base = Url::parse(&settings.base_url).map_err(|_| "The base URL is not a URL.".to_owned())?;
    let text = if path.is_empty() { settings.base_url.clone() } else { join(&settings.base_url, path) };
    if answer::climbs(path) {
        return Err("A step of the path is . or .., which would leave its place.".to_owned());
    }
    let url = Url::parse(&text).map_err(|_| "The path does not make a URL.".to_owned())?;
    let root = base.path().trim_end_matches('/');
    let below = url.path().strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if url.origin() != base.origin() || !below {
        return Err("The path leaves the base URL.".to_owned());
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, JSON);
    if let Some((name, value)) = credential(&settings.auth, target.credential)? {
        headers.insert(name, value);
    }
    Ok(Request {
        method,
        url,
        headers,
        body: Vec::new(),
        deadline: target.left(),
        max_body: answer::MAX_BODY,
    })
}

fn credential(auth: &Auth, secret: Option<&Secret>) -> Result<Option<(HeaderName, HeaderValue)>, String> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = || {
        secret
            .and_then(Secret::expose_str)
            .ok_or_else(|| "The connection's credential is missing.".to_owned())
    };
    let (name, value) = match auth {
        Auth::None {} => return Ok(None),
        Auth::Basic { user } => {
            (header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{user}:{}", text()?))))
        }
        Auth::Bearer {} => (header::AUTHORIZATION, format!("Bearer {}", text()?)),
        Auth::Header { name } => (named(name)?, text()?.to_owned()),
    };
    let mut value = HeaderValue::from_str(&value)
        .map_err(|_| "The credential has characters that a header cannot carry.".to_owned())?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

fn named(name: &str) -> Result<HeaderName, String> {
    name.parse().map_err(|_| format!("{name} is not a header's name."))
}

pub(super) fn method_of(method: shared::model::connection::http::Method) -> Method {
    Method::from_bytes(method.as_str().as_bytes()).expect("a method of RFC 9110")
}
