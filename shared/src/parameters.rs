//! Parameters of runs: a job's JSON Schema (2020-12), and values checked against it. The portal asks at save and at start,
//! whoever fires a schedule asks again, since the job may have a newer version. Patterns are linear, references stay inside
//! the schema: nothing is fetched.

use jsonschema::{Draft, PatternOptions, ValidationOptions, Validator};
use serde_json::{Map, Value};

use crate::model::{Problem, Problems};

/// The largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 1024 * 1024;

/// What is wrong with a schema of parameters. Pointers are from the schema.
#[must_use]
pub fn check_schema(schema: &Value) -> Vec<Problem> {
    match validator(schema) {
        Ok(_) => Vec::new(),
        Err(message) => vec![Problem::at("", message)],
    }
}

/// The parameters of a run: what was given, with the schema's defaults for what was not.
///
/// # Errors
/// Everything the schema refuses. Pointers are from the parameters.
pub fn complete(schema: &Value, given: &Value) -> Result<Value, Vec<Problem>> {
    let mut whole = match given {
        Value::Null => Map::new(),
        Value::Object(given) => given.clone(),
        _ => return Err(vec![Problem::at("", "must be an object")]),
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, rule) in properties.into_iter().flatten() {
        if let Some(default) = rule.get("default") {
            whole.entry(name.clone()).or_insert_with(|| default.clone());
        }
    }
    let whole = Value::Object(whole);
    let validator = validator(schema).map_err(|message| vec![Problem::at("", message)])?;
    let mut problems = Problems::default();
    for error in validator.iter_errors(&whole).take(Problems::MOST) {
        problems.add(error.instance_path().as_str(), error.to_string().chars().take(500).collect::<String>());
    }
    problems.or(whole)
}

fn validator(schema: &Value) -> Result<Validator, String> {
    let options: ValidationOptions<'_> = jsonschema::options();
    options
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN))
        .should_validate_formats(true)
        .build(schema)
        .map_err(|error| error.to_string().chars().take(500).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": { "day": { "type": "string", "format": "date" }, "limit": { "type": "integer", "default": 10 } },
            "required": ["day"],
            "additionalProperties": false,
        })
    }

    #[test]
    fn defaults_fill_what_was_not_given() {
        let whole = complete(&schema(), &json!({ "day": "2027-01-31" })).unwrap();
        assert_eq!(whole, json!({ "day": "2027-01-31", "limit": 10 }));
        assert_eq!(complete(&json!({ "type": "object" }), &Value::Null).unwrap(), json!({}));
    }

    #[test]
    fn what_the_schema_refuses_is_told_with_its_pointer() {
        for (given, pointer) in [
            (json!({ "day": "Feb 30" }), "/day"),
            (json!({ "day": "2027-02-30" }), "/day"),
            (json!({ "day": "2027-01-31", "limit": "ten" }), "/limit"),
            (json!({ "day": "2027-01-31", "other": 1 }), ""),
            (json!({}), ""),
            (json!([]), ""),
        ] {
            assert_eq!(complete(&schema(), &given).unwrap_err()[0].pointer, pointer, "{given}");
        }
    }

    #[test]
    fn a_schema_that_is_none_or_reaches_out_is_refused() {
        for schema in [
            json!({ "type": "thing" }),
            json!({ "properties": { "a": { "pattern": "(" } } }),
            json!({ "properties": { "a": { "pattern": "(?=x)x" } } }),
            json!({ "$ref": "http://127.0.0.1:1/schema.json" }),
            json!({ "$ref": "file:///etc/passwd" }),
        ] {
            assert!(!check_schema(&schema).is_empty(), "{schema}");
        }
        assert!(check_schema(&schema()).is_empty());
    }

    #[test]
    fn a_pattern_that_would_backtrack_for_ever_is_answered_at_once() {
        let schema = json!({ "properties": { "a": { "pattern": "^(a+)+$" } } });
        let given = json!({ "a": format!("{}b", "a".repeat(50_000)) });
        assert!(complete(&schema, &given).is_err());
    }
}
