//! What a platform said, made fit to be kept: Postgres takes no zero byte, columns have lengths. Done in one place, before
//! anything is decided, so that no answer can keep a task or a connection from being settled.

use serde_json::{Map, Value};

use super::answer::Outcome;

const ID: usize = 500;
const URL: usize = 2000;
const STATE: usize = 190;
const WARNING: usize = 480;
const MESSAGE: usize = 1900;

/// The outcome as it can be kept. A run whose id cannot be is one that nobody can follow: a doubt.
pub(super) fn fit(outcome: &Outcome) -> Outcome {
    match outcome.clone() {
        Outcome::Started { external_id, .. } if !is_id(&external_id) => Outcome::Unknown {
            message: "The start was answered with a run id that cannot be kept.".to_owned(),
        },
        Outcome::Started { external_id, external_url, warning, poll_after_s } => Outcome::Started {
            external_id,
            external_url: external_url.filter(|url| url.chars().count() <= URL).map(|url| text(&url, URL)),
            warning: warning.map(|it| text(&it, WARNING)),
            poll_after_s,
        },
        Outcome::Running { platform_state, warning } => Outcome::Running {
            platform_state: state(platform_state),
            warning: warning.map(|it| text(&it, WARNING)),
        },
        Outcome::Succeeded { outputs, external_id, platform_state, warning } => Outcome::Succeeded {
            outputs: outputs.map(value),
            external_id: external_id.filter(|id| is_id(id)),
            platform_state: state(platform_state),
            warning: warning.map(|it| text(&it, WARNING)),
        },
        Outcome::Failed { class, message, retry_after_s, platform_state } => Outcome::Failed {
            class,
            message: text(&message, MESSAGE),
            retry_after_s,
            platform_state: state(platform_state),
        },
        Outcome::TimedOut { message, platform_state } => {
            Outcome::TimedOut { message: text(&message, MESSAGE), platform_state: state(platform_state) }
        }
        Outcome::Cancelled { message, platform_state } => Outcome::Cancelled {
            message: message.map(|it| text(&it, MESSAGE)),
            platform_state: state(platform_state),
        },
        Outcome::Unknown { message } => Outcome::Unknown { message: text(&message, WARNING) },
        Outcome::Missing => Outcome::Missing,
    }
}

fn is_id(id: &str) -> bool {
    (1..=ID).contains(&id.chars().count()) && !id.chars().any(char::is_control)
}

fn state(state: Option<String>) -> Option<String> {
    state.map(|it| text(&it, STATE))
}

/// The beginning of a text, without zero bytes.
fn text(text: &str, most: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(most).collect()
}

/// A value without zero bytes in its texts and names.
fn value(of: Value) -> Value {
    match of {
        Value::String(it) if it.contains('\0') => Value::String(it.replace('\0', "")),
        Value::Array(items) => Value::Array(items.into_iter().map(value).collect()),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, it)| (name.replace('\0', ""), value(it)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// The beginning of a text.
pub(super) fn clip(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Outputs within 64 KiB as the database writes them (a space after each comma and colon), and whether they were longer.
pub(super) fn bounded(outputs: Option<Value>) -> (Option<Value>, bool) {
    let Some(outputs) = outputs else { return (None, false) };
    let text = outputs.to_string();
    let spaces = text.bytes().filter(|b| matches!(b, b',' | b':')).count();
    if text.len() + spaces <= 65_536 { (Some(outputs), false) } else { (None, true) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_a_platform_says_is_more_than_a_column_takes() {
        let long = "x\0".repeat(5000);
        let outcome = Outcome::Succeeded {
            outputs: Some(json!({ "a\0": ["b\0c", { "d": 1 }] })),
            external_id: Some("1\0".to_owned()),
            platform_state: Some(long.clone()),
            warning: Some(long.clone()),
        };
        let Outcome::Succeeded { outputs, external_id, platform_state, warning } = fit(&outcome) else {
            panic!()
        };
        assert_eq!(outputs, Some(json!({ "a": ["bc", { "d": 1 }] })));
        assert_eq!(
            (external_id, platform_state.unwrap().len(), warning.unwrap().len()),
            (None, STATE, WARNING)
        );
        let started =
            Outcome::Started { external_id: long, external_url: None, warning: None, poll_after_s: 1 };
        assert!(matches!(fit(&started), Outcome::Unknown { .. }));
    }
}
