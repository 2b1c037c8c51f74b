//! Query parameters, each once: with two of a name, two readers can read two different requests.

use std::collections::HashMap;

use http::Uri;
use url::form_urlencoded;

/// The parameters of one query.
#[derive(Debug)]
pub struct Query(HashMap<String, String>);

/// A parameter stands twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a parameter stands twice")]
pub struct Repeated;

impl Query {
    /// Reads an address's query.
    pub fn read(uri: &Uri) -> Result<Self, Repeated> {
        let mut found = HashMap::new();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if found.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Repeated);
            }
        }
        Ok(Self(found))
    }

    /// A parameter that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that is none of these.
    pub fn beside(&self, known: &[&str]) -> Option<&str> {
        self.0.keys().map(String::as_str).find(|name| !known.contains(name))
    }
}
