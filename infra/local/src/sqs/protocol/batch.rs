//! What all batch calls share: 1 to 10 entries with ids of their own, each of which may fail alone.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::sqs::{MAX_BATCH, SqsError};

/// Runs each entry; the answer lists which succeeded and which failed, as AWS's batch results do.
pub(super) fn each<T>(
    entries: Vec<T>,
    id: impl Fn(&T) -> String,
    mut run: impl FnMut(T) -> Result<Value, SqsError>,
) -> Result<Value, SqsError> {
    let ids: HashSet<_> = entries.iter().map(&id).collect();
    match entries.len() {
        0 => return Err(SqsError::EmptyBatchRequest),
        count if count > MAX_BATCH => return Err(SqsError::TooManyEntriesInBatchRequest),
        count if count > ids.len() => return Err(SqsError::BatchEntryIdsNotDistinct),
        _ => {}
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = id(&entry);
        match run(entry) {
            Ok(mut result) => {
                result["Id"] = id.into();
                successful.push(result);
            }
            Err(SqsError::ServiceUnavailable) => return Err(SqsError::ServiceUnavailable),
            Err(error) => failed.push(json!({
                "Id": id,
                "Code": error.shape(),
                "Message": error.to_string(),
                "SenderFault": true,
            })),
        }
    }
    Ok(json!({"Successful": successful, "Failed": failed}))
}
