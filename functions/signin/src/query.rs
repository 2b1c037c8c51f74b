//! Query parameters, each once: with two of a name, two readers can read two different requests.

use std::collections::HashMap;

use http::Uri;
use url::form_urlencoded;

use crate::answer::Refusal;

pub(crate) struct Query(HashMap<String, String>);

impl Query {
    pub(crate) fn read(uri: &Uri) -> Result<Self, Refusal> {
        let mut found = HashMap::new();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if found.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Refusal::BadRequest);
            }
        }
        Ok(Self(found))
    }

    /// A parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
