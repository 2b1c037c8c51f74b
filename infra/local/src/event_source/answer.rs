//! The partial batch response: which messages failed.

use std::collections::HashSet;

use serde::Deserialize;
use uuid::Uuid;

use crate::sqs::Delivery;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchResponse {
    batch_item_failures: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: Uuid,
}

/// AWS "Using Lambda with Amazon SQS / Implementing partial batch responses": nothing, `null`, `{}` or an empty or
/// null list is success; a list that can't be read or names an unknown message fails the whole batch (`None`).
pub(super) fn failures(batch: &[Delivery], answer: &[u8]) -> Option<HashSet<Uuid>> {
    if answer.trim_ascii().is_empty() {
        return Some(HashSet::new());
    }
    let response: Option<BatchResponse> = serde_json::from_slice(answer).ok()?;
    let failures = response.and_then(|response| response.batch_item_failures).unwrap_or_default();
    let failed: HashSet<_> = failures.into_iter().map(|failure| failure.item_identifier).collect();
    let known: HashSet<_> = batch.iter().map(|delivery| delivery.id).collect();
    failed.is_subset(&known).then_some(failed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn batch() -> Vec<Delivery> {
        let delivery = |id| Delivery {
            id: Uuid::from_u128(id),
            receipt: String::new(),
            body: "{}".into(),
            md5: "".into(),
            system: Vec::new(),
            attributes: Arc::default(),
        };
        vec![delivery(1), delivery(2)]
    }

    #[test]
    fn nothing_null_and_an_empty_list_are_success() {
        for answer in ["", "null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#] {
            assert_eq!(failures(&batch(), answer.as_bytes()), Some(HashSet::new()), "{answer}");
        }
    }

    #[test]
    fn named_messages_fail_alone() {
        let answer = format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"{}"}}]}}"#, Uuid::from_u128(2));
        assert_eq!(failures(&batch(), answer.as_bytes()), Some(HashSet::from([Uuid::from_u128(2)])));
    }

    #[test]
    fn an_unknown_empty_or_misnamed_id_fails_the_whole_batch() {
        let unknown = Uuid::from_u128(3).to_string();
        for failure in [
            format!(r#"{{"itemIdentifier":"{unknown}"}}"#),
            r#"{"itemIdentifier":""}"#.to_owned(),
            r#"{"itemIdentifier":null}"#.to_owned(),
            r#"{"messageId":"x"}"#.to_owned(),
        ] {
            let answer = format!(r#"{{"batchItemFailures":[{failure}]}}"#);
            assert_eq!(failures(&batch(), answer.as_bytes()), None, "{failure}");
        }
    }
}
