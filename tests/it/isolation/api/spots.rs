//! Every place of the API that takes an id, a name or something that stands for one: path, query, cursor, body, nested or
//! not, `If-Match`, `Idempotency-Key`. They are read from the served document, so a new operation brings its own.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::json;
use tests::{tenant::random_id, work};
use uuid::Uuid;

use super::{
    document::{Operation, Reference},
    planted::{Planted, is_destructive},
    way::Asked,
};

/// Where in a request.
#[derive(Clone, Debug)]
pub(in crate::isolation) enum Place {
    /// The nth open part of the path.
    Part(usize),
    /// A query's parameter that holds an id.
    Query(String),
    /// A query's parameter that takes any other text.
    Filter(String),
    Cursor,
    Body(Reference),
    IfMatch,
    Key,
}

/// One place of one operation.
#[derive(Clone, Debug)]
pub(in crate::isolation) struct Spot {
    pub(in crate::isolation) operation: Operation,
    pub(in crate::isolation) place: Place,
}

/// What no id of ours looks like.
const MALFORMED: [&str; 8] = [
    "x",
    "0",
    "-1",
    "null",
    "%27%20or%201=1",
    "00000000-0000-0000-0000-00000000000g",
    "00000000-0000-0000-0000-000000000000",
    "x%20y",
];

/// Collections of which most see their own things alone: of another's version they are told nothing.
const ONES_OWN: [&str; 1] = ["api-tokens"];

/// All of them.
pub(in crate::isolation) fn spots(operations: &[Operation]) -> Vec<Spot> {
    operations.iter().flat_map(of).collect()
}

fn of(operation: &Operation) -> Vec<Spot> {
    let parts = operation.parts();
    // A name in a path may be written anew: it refers to nothing.
    let refers = |at: &usize| parts[*at].1 == "id" || operation.method != Method::PUT;
    let mut places: Vec<Place> = (0..parts.len()).filter(refers).map(Place::Part).collect();
    places.extend(operation.query_ids.iter().cloned().map(Place::Query));
    places.extend(operation.filters.iter().cloned().map(Place::Filter));
    places.extend(operation.has_cursor.then_some(Place::Cursor));
    places.extend(operation.references().into_iter().map(Place::Body));
    let takes =
        |header: &str| operation.headers.iter().any(|it| it == header) && operation.permission != "public";
    // A version is told apart only where something is there to have one.
    let has_version =
        parts.len() == 1 && !is_destructive(operation) && !ONES_OWN.contains(&parts[0].0.as_str());
    places.extend((takes("if-match") && has_version).then_some(Place::IfMatch));
    // What acts on the whole workspace is asked with a body that is refused before anything is done.
    let is_harmless = !is_destructive(operation) || operation.body.is_some();
    places.extend((takes("idempotency-key") && is_harmless).then_some(Place::Key));
    places.into_iter().map(|place| Spot { operation: operation.clone(), place }).collect()
}

impl Spot {
    /// The request of a workspace with this value in the place.
    pub(in crate::isolation) fn asked(&self, ours: &Planted, value: &str) -> Asked {
        let operation = &self.operation;
        let mut asked = Asked {
            method: operation.method.clone(),
            path: ours.path(operation),
            headers: Vec::new(),
            body: ours.body(operation),
        };
        match &self.place {
            Place::Part(at) => asked.path = path_with(ours, operation, *at, value),
            Place::Query(name) | Place::Filter(name) => asked.path.push_str(&format!("?{name}={value}")),
            Place::Cursor => asked.path.push_str(&format!("?limit=2&cursor={value}")),
            Place::Body(reference) => {
                let body = asked.body.as_mut().expect("a body");
                *body.pointer_mut(&reference.pointer).expect("a field of it") = json!(value);
            }
            // No thing is at this version: what differs is the rest of the tag.
            Place::IfMatch => asked.headers.push(("if-match", format!("\"999.{value}\""))),
            Place::Key => {
                asked.headers.push(("idempotency-key", value.to_owned()));
                asked.body = Some(json!({ "nonsense": [[]] }));
            }
        }
        asked
    }

    /// What of another tenant can stand here.
    pub(in crate::isolation) fn foreign(&self, theirs: &Planted) -> Vec<String> {
        let ids = || theirs.every_id();
        match &self.place {
            Place::Part(at) => match &self.operation.parts()[*at] {
                (_, part) if part == "id" => ids(),
                (collection, part) if collection == "credentials" => {
                    vec![theirs.part(collection, part).to_owned()]
                }
                // A number, which every tenant has.
                _ => Vec::new(),
            },
            Place::Query(_) | Place::IfMatch => ids(),
            Place::Filter(_) | Place::Key => {
                let mut all = ids();
                all.extend(theirs.names.values().cloned());
                all.extend(theirs.keys.iter().cloned());
                all
            }
            // A list whose reading is recorded in it grows at its newest end: there, no two answers are alike. Ids of ours begin
            // with their time; the others may stand anywhere.
            Place::Cursor if self.operation.recorded.is_some() => {
                ids().iter().filter(|id| is_timed(id)).map(|id| cursor(id)).collect()
            }
            Place::Cursor => ids().iter().map(|id| cursor(id)).collect(),
            Place::Body(reference) if reference.is_id => ids(),
            Place::Body(_) => theirs.names.values().cloned().chain(ids()).collect(),
        }
    }

    /// Something of that kind that never was. A cursor is a place in an order: one that never was stands beside it.
    pub(in crate::isolation) fn never_was(&self, beside: &str) -> String {
        match &self.place {
            Place::Part(at) if self.operation.parts()[*at].1 != "id" => "4711".to_owned(),
            Place::Cursor => {
                let bytes =
                    URL_SAFE_NO_PAD.decode(beside).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
                let beside = bytes.map_or(0, u128::from_be_bytes);
                URL_SAFE_NO_PAD.encode((beside ^ 1).to_be_bytes())
            }
            Place::Body(reference) if !reference.is_id => work::fresh("nobody"),
            Place::Key => work::fresh("key"),
            _ => random_id().to_string(),
        }
    }

    /// What cannot stand here at all.
    pub(in crate::isolation) fn malformed(&self) -> Vec<String> {
        let all = MALFORMED.iter().map(ToString::to_string);
        match &self.place {
            // Only what arrives as it was written.
            Place::Key => vec!["k".repeat(256)],
            Place::IfMatch => vec!["\"".to_owned(), "1".repeat(40)],
            // A text that nothing is called.
            Place::Body(reference) if !reference.is_id => vec![String::new(), "\u{0}".to_owned()],
            // What no thing has is no malformed id, but one that never was.
            Place::Body(_) => all.filter(|text| !text.ends_with("000000000000")).collect(),
            Place::Query(_) => all.filter(|text| !text.ends_with("000000000000")).collect(),
            _ => all.collect(),
        }
    }

    /// Whether ids stand here, and not names, cursors or tags.
    pub(in crate::isolation) fn takes_ids(&self) -> bool {
        match &self.place {
            Place::Part(at) => self.operation.parts()[*at].1 == "id",
            Place::Query(_) | Place::Filter(_) | Place::IfMatch => true,
            Place::Body(reference) => reference.is_id,
            Place::Cursor | Place::Key => false,
        }
    }

    /// Whether what is answered follows from where a value stands among others.
    pub(in crate::isolation) fn is_a_place_in_an_order(&self) -> bool {
        matches!(self.place, Place::Cursor)
    }

    /// Whether the field names a person of any directory, who may be anybody.
    pub(in crate::isolation) fn is_of_people(&self) -> bool {
        let Place::Body(reference) = &self.place else { return false };
        ["directory_id", "object_id"].iter().any(|field| reference.pointer.ends_with(field))
    }

    /// For a failing test's message.
    pub(in crate::isolation) fn name(&self) -> String {
        format!("{} {:?}", self.operation.id, self.place)
    }
}

fn is_timed(id: &str) -> bool {
    Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 7)
}

fn cursor(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(Uuid::parse_str(id).expect("an id").as_bytes())
}

/// The path of an operation with another value for one of its open parts.
fn path_with(ours: &Planted, operation: &Operation, at: usize, value: &str) -> String {
    let parts = operation.parts();
    parts.iter().enumerate().fold(operation.path.clone(), |path, (n, (collection, part))| {
        let value = if n == at { value } else { ours.part(collection, part) };
        path.replacen(&format!("{{{part}}}"), value, 1)
    })
}
