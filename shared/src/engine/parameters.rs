//! A run's parameters: what was given, filled with the defaults of the job's schema, held against that schema.

use serde_json::Value;

use crate::model::problem::Problem;

/// The parameters of a run, or what is wrong with those given. Pointers are relative to the parameters.
pub fn parameters(schema: &Value, given: Value) -> Result<Value, Vec<Problem>> {
    let filled = with_defaults(schema, given);
    let Ok(validator) = jsonschema::validator_for(schema) else {
        return Err(vec![Problem::at("", "the job's schema of parameters is no JSON Schema")]);
    };
    let problems: Vec<_> = validator
        .iter_errors(&filled)
        .take(20)
        .map(|error| Problem::at(error.instance_path().as_str(), error.masked().to_string()))
        .collect();
    if problems.is_empty() { Ok(filled) } else { Err(problems) }
}

/// Fills the top level's absent properties with their defaults; what is no object is left as it is.
pub(super) fn with_defaults(schema: &Value, mut given: Value) -> Value {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return given };
    if let Some(given) = given.as_object_mut() {
        for (name, property) in properties {
            if let Some(default) = property.get("default") {
                given.entry(name).or_insert_with(|| default.clone());
            }
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_fill_what_is_absent_and_the_schema_holds() {
        let schema = json!({
            "type": "object", "required": ["day"],
            "properties": { "day": { "type": "string", "default": "today" }, "n": { "type": "integer" } },
            "additionalProperties": false,
        });
        assert_eq!(parameters(&schema, json!({})), Ok(json!({ "day": "today" })));
        assert_eq!(parameters(&schema, json!({ "day": "x", "n": 1 })), Ok(json!({ "day": "x", "n": 1 })));
        let problems = parameters(&schema, json!({ "n": "secret" })).unwrap_err();
        assert_eq!(problems[0].pointer, "/n");
        assert!(!problems[0].message.contains("secret"), "what was given is not repeated: {problems:?}");
        assert!(parameters(&schema, json!([])).is_err());
        assert!(parameters(&schema, json!({ "other": 1 })).is_err());
    }
}
