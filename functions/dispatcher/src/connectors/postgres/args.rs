//! Values for `$1`, `$2`, …: sent as text, so that the server reads each as the type it inferred.

use std::error::Error;

use serde_json::Value;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, private::BytesMut};

/// A value in Postgres' text form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text(Option<String>);

impl Text {
    /// Null is null, a text is itself, anything else is its JSON: numbers and booleans read the same, objects and arrays as JSON.
    pub(super) fn of(value: &Value) -> Self {
        Self(match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    }
}

impl ToSql for Text {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(ty, out)
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_json_value_becomes_the_text_postgres_reads() {
        let text = |value| Text::of(&value).0;
        assert_eq!(text(json!(null)), None);
        assert_eq!(text(json!("a'b")).as_deref(), Some("a'b"));
        assert_eq!(text(json!(1.5)).as_deref(), Some("1.5"));
        assert_eq!(text(json!(true)).as_deref(), Some("true"));
        assert_eq!(text(json!({ "a": [1] })).as_deref(), Some(r#"{"a":[1]}"#));
    }
}
