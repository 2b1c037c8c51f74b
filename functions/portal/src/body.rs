//! Bodies: bytes to a type, with every cap and every mistake told by its pointer. Limits come before parsing, parsing before types.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use shared::model::problem::{self, Problem, pointer_of, pointer_step};

use crate::fault::Fault;

/// The largest body, in bytes.
pub(crate) const MAX_BODY: usize = 1024 * 1024;
/// The deepest nesting of a body.
pub(crate) const MAX_DEPTH: usize = 64;

/// Reads a body. None at all reads as an empty object: an action needs no body.
pub(crate) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Fault> {
    if body.is_empty() {
        return typed(&Value::Object(Map::new()));
    }
    if !is_json(headers) {
        let detail = "Send JSON, with content-type application/json.";
        return Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    if is_too_deep(body) {
        return Err(Fault::new(StatusCode::BAD_REQUEST, "too_deep", "A body may be nested 64 deep."));
    }
    typed(&parse(body)?)
}

fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, Fault> {
    // Our reader would take a list for the fields of an object in their order.
    if !value.is_object() {
        return Err(not_json(Problem::at("", "must be an object")));
    }
    problem::read(value).map_err(|errors| Fault::invalid(errors.into_iter().map(name_the_field).collect()))
}

/// A field that should not be there, or is missing, is named in the message; the pointer is to say it too.
fn name_the_field(error: Problem) -> Problem {
    let field = ["unknown field `", "missing field `"].iter().find_map(|start| {
        let (field, _) = error.message.strip_prefix(start)?.split_once('`')?;
        Some(format!("/{}", pointer_step(field)))
    });
    match field {
        Some(step) if !error.pointer.ends_with(&step) => {
            Problem::at(format!("{}{step}", error.pointer), error.message)
        }
        _ => error,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mime = value.split(';').next().unwrap_or_default().trim();
    mime.eq_ignore_ascii_case("application/json")
}

/// Counts brackets outside of texts, without building anything.
fn is_too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match (in_text, *byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'{' | b'[') => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

fn parse(body: &[u8]) -> Result<Value, Fault> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let strict: Strict = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer_of(error.path());
        not_json(Problem::at(pointer, error.into_inner().to_string()))
    })?;
    reader.end().map_err(|error| not_json(Problem::at("", error.to_string())))?;
    Ok(strict.0)
}

fn not_json(problem: Problem) -> Fault {
    Fault::invalid(vec![problem])
}

/// JSON in which no name comes twice and no text holds NUL: what is checked is what is stored.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("the number is out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        if value.contains('\0') { Err(E::custom("a text must not hold NUL")) } else { Ok(value.into()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if name.contains('\0') {
                return Err(A::Error::custom("a name must not hold NUL"));
            }
            let Strict(value) = entries.next_value()?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name comes twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests;
