//! Queue messages, bent in every byte and with every field of another's: none is taken for a message of another workspace, nor
//! for one that says something else than it did when it was signed.

use std::time::Instant;

use serde_json::{Value, json};
use shared::{
    model::{
        ids::{OutboxId, TenantId},
        tenant::{Route, SchemaName},
    },
    queue::{Kind, Message, Signer},
};
use tests::{database, dice::Dice, scale, stack, tenant::random_id};

const KINDS: [Kind; 7] =
    [Kind::Run, Kind::Poll, Kind::Watch, Kind::Wake, Kind::Fire, Kind::Test, Kind::Cancel];
const SEED: u64 = 15;

/// A message of a fresh workspace.
fn message(dice: &mut Dice) -> Message {
    let tenant = TenantId::from(random_id());
    Message {
        route: Route { tenant, schema: SchemaName::of(tenant) },
        kind: *dice.one(&KINDS),
        id: random_id(),
        round: i32::try_from(dice.below(1_000)).expect("small"),
        at: (dice.below(2) == 0).then(|| jiff::Timestamp::from_second(1_790_000_000).expect("an instant")),
        outbox: (dice.below(2) == 0).then(|| OutboxId::from(random_id())),
    }
}

/// One byte of a body changed to any other.
fn bent(body: &str, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    let at = dice.below(bytes.len());
    match dice.below(8) {
        0 => drop(bytes.remove(at)),
        1 => bytes.insert(at, bytes[at]),
        2 => bytes.truncate(at),
        _ => bytes[at] ^= u8::try_from(dice.below(255) + 1).expect("a byte"),
    }
    bytes
}

/// Every field of one body put into another, one at a time and several.
fn swapped(body: &str, other: &str, dice: &mut Dice) -> String {
    let mut body: Value = serde_json::from_str(body).expect("JSON");
    let other: Value = serde_json::from_str(other).expect("JSON");
    let fields: Vec<&String> = other.as_object().expect("fields").keys().collect();
    for _ in 0..=dice.below(3) {
        let field = *dice.one(&fields);
        body[field] = other[field].clone();
    }
    if dice.below(16) == 0 {
        body[["v", "key", "round"][dice.below(3)]] = json!(dice.below(4));
    }
    body.to_string()
}

/// What is looked at before a message is believed: everything, or, to test the test, less.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verified {
    Everything,
    AllBut(&'static str),
    Nothing,
}

impl Verified {
    /// What a body is taken for. One that leaves a field out finds it as it was signed.
    fn open(self, signer: &Signer, body: &str, signed: &[(Message, String)]) -> Option<Value> {
        let said: Value = serde_json::from_str(body).ok()?;
        let was = signed.iter().map(|(_, body)| serde_json::from_str::<Value>(body).expect("JSON"));
        let was = was.into_iter().find(|was| was["mac"] == said["mac"]);
        match self {
            Self::Everything => signer.open(body).ok().map(|_| said),
            Self::Nothing => said["tenant"].is_string().then_some(said),
            Self::AllBut(field) => {
                let (mut verified, was) = (said.clone(), was?);
                match was.get(field) {
                    Some(value) => verified[field] = value.clone(),
                    None => drop(verified.as_object_mut()?.remove(field)),
                }
                signer.open(&verified.to_string()).ok().map(|_| said)
            }
        }
    }
}

/// Bodies that were taken for something they never said. `Signer` is what the dispatcher asks before it opens any scope.
pub(super) fn accepted(signer: &Signer, verified: Verified, attempts: usize) -> Vec<String> {
    let mut dice = Dice::new(SEED);
    let mut accepted = Vec::new();
    let mut signed: Vec<(Message, String)> = Vec::new();
    for n in 0..attempts {
        if n % 100 == 0 {
            signed = (0..8)
                .map(|_| message(&mut dice))
                .map(|message| (message.clone(), signer.seal(&message).expect("a seal")))
                .collect();
        }
        let [first, second] = [dice.below(8), dice.below(8)];
        let (body, others) = (&signed[first].1, &signed[second].1);
        let attempt = if n % 2 == 0 {
            let Ok(text) = String::from_utf8(bent(body, &mut dice)) else { continue };
            text
        } else {
            swapped(body, others, &mut dice)
        };
        // What opens must be, to the last field, a message that was signed.
        if let Some(opened) = verified.open(signer, &attempt, &signed)
            && !signed
                .iter()
                .any(|(_, body)| serde_json::from_str::<Value>(body).is_ok_and(|was| is_alike(&was, &opened)))
        {
            accepted.push(format!("seed {SEED}, attempt {n}: {attempt}"));
        }
    }
    accepted
}

/// Whether two bodies say the same: the case of a hex digit says nothing.
fn is_alike(was: &Value, opened: &Value) -> bool {
    let lower = |value: &Value| value.to_string().to_lowercase();
    let fields = ["tenant", "schema", "kind", "id", "round", "at", "outbox"];
    fields.iter().all(|field| lower(&was[field]) == lower(&opened[field]))
}

/// The queue's own keys.
pub(super) async fn signer(stack: &local::stack::Stack) -> Signer {
    let arn = stack.cloud().secret_arn("queue-root");
    Signer::new(database::secrets(stack).await.key_ring(&arn).await.expect("the queue's root"))
}

#[test]
fn a_message_that_was_bent_or_mixed_is_no_message() {
    stack::with(async |stack| {
        let started = Instant::now();
        let (signer, attempts) = (signer(stack).await, scale::of(100_000, 1_000_000));
        let accepted = accepted(&signer, Verified::Everything, attempts);
        let counts = [
            ("messages_mutated", attempts.to_string()),
            ("accepted", accepted.len().to_string()),
            ("took", format!("{}s", started.elapsed().as_secs())),
        ];
        scale::say("isolation", &counts);
        assert!(accepted.is_empty(), "{}", accepted.join("\n"));
    });
}
