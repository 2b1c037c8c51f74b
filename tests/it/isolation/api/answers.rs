//! What of an answer may be compared: everything but the request's id and the hour.

use serde_json::{Value, json};
use tests::caller::Answer;

/// Status, headers and body, as far as two answers to like requests must be alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comparable {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Comparable {
    /// Of a reading request, all; of another, an answer that shows what was made shows fresh ids.
    pub(super) fn of(answer: &Answer) -> Self {
        // The length follows from the body, which is compared.
        let aside = ["x-request-id", "apigw-requestid", "date", "content-length"];
        let made = answer.status < 300 && !answer.asked.starts_with("GET");
        let fresh = |name: &str| made && ["etag", "location"].contains(&name);
        let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value));
        let kept = headers.filter(|(name, _)| !aside.contains(name) && !fresh(name));
        let mut headers: Vec<_> = kept
            .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        headers.sort();
        let mut body = answer.json();
        if answer.status >= 300 {
            if let Some(problem) = body.as_object_mut() {
                problem.insert("request_id".to_owned(), json!(""));
            }
        } else if made {
            blank(&mut body);
        }
        Self { status: answer.status, headers, body: body.to_string() }
    }

    /// The same, with what was asked for taken out: a problem may repeat what it was sent, and nothing but that.
    pub(super) fn about(mut self, value: &str) -> Self {
        if value.len() > 3 && self.status >= 300 {
            self.body = self.body.replace(value, "it");
        }
        self
    }
}

/// Takes fresh ids, names and instants out of what was made.
fn blank(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(blank),
        Value::Array(items) => items.iter_mut().for_each(blank),
        Value::String(text) if is_fresh(text) => text.clear(),
        _ => {}
    }
}

fn is_fresh(text: &str) -> bool {
    uuid::Uuid::parse_str(text).is_ok()
        || text.parse::<jiff::Timestamp>().is_ok()
        || text.starts_with("name-")
        || text.starts_with("sbx_")
        || text.contains("/auth/login?invitation=sbi_")
}
