//! A batch of the queue: messages verified, doubles folded into one, grouped by workspace; and the answer that names what
//! is to be delivered again.

use std::collections::HashMap;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use shared::{
    model::tenant::Route,
    queue::{Message, Signer},
};

/// What a batch holds.
pub(crate) struct Batch {
    /// By workspace.
    pub(crate) groups: Vec<Group>,
    /// Records that are no messages of ours: left to the queue, which puts them aside for people to see.
    pub(crate) forged: Vec<String>,
}

/// The messages of one workspace, each with the records it came in.
pub(crate) struct Group {
    pub(crate) route: Route,
    pub(crate) messages: Vec<(Message, Vec<String>)>,
}

impl Group {
    /// The records of the messages at these places.
    pub(crate) fn records_of(&self, places: &[usize]) -> Vec<String> {
        places.iter().flat_map(|place| self.messages[*place].1.iter().cloned()).collect()
    }
}

/// Verifies and groups the records.
pub(crate) fn read(event: SqsEvent, signer: &Signer) -> Batch {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<Route, usize> = HashMap::new();
    let mut forged = Vec::new();
    for record in event.records {
        let id = record.message_id.unwrap_or_default();
        let Ok(message) = signer.open(record.body.as_deref().unwrap_or_default()) else {
            tracing::warn!(record = id, "a message is not ours; it is left for the dead-letter queue");
            forged.push(id);
            continue;
        };
        let place = *places.entry(message.route.clone()).or_insert_with(|| {
            groups.push(Group { route: message.route.clone(), messages: Vec::new() });
            groups.len() - 1
        });
        let messages = &mut groups[place].messages;
        match messages.iter_mut().find(|(known, _)| *known == message) {
            Some((_, records)) => records.push(id),
            None => messages.push((message, vec![id])),
        }
    }
    Batch { groups, forged }
}

/// The answer that has these records delivered again.
pub(crate) fn failures(records: impl Iterator<Item = String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = records
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    response
}
