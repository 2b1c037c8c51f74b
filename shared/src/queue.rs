//! Messages on the queue `work`: hints that say where to look. Each carries a MAC under a key derived for its tenant from
//! the queue root; it is checked before any scope is opened. Losing a message loses nothing (the outbox row is the truth).

mod steward;

pub use steward::{Call, StewardQueue};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    error::BoxError,
    keys::derive,
    model::{
        ids::{OutboxId, TenantId},
        tenant::{Route, SchemaName},
    },
    secrets::KeyRing,
};

/// What a message asks to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A run with tasks that are ready.
    Run,
    /// A connection whose external runs are to be asked about.
    Poll,
    /// A tenant with leases or timeouts that fell due.
    Watch,
    /// A concurrency key with room.
    Wake,
    /// A schedule whose instant has come.
    Fire,
    /// A connection test.
    Test,
    /// A run whose active tasks are to be cancelled.
    Cancel,
}

impl Kind {
    /// The text in `system.outbox` and `system.due`. A due `schedule` is sent as `fire`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Poll => "poll",
            Self::Watch => "watch",
            Self::Wake => "wake",
            Self::Fire => "fire",
            Self::Test => "test",
            Self::Cancel => "cancel",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "run" => Self::Run,
            "poll" => Self::Poll,
            "watch" => Self::Watch,
            "wake" => Self::Wake,
            "fire" | "schedule" => Self::Fire,
            "test" => Self::Test,
            "cancel" => Self::Cancel,
            _ => return Err(()),
        })
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whose.
    pub route: Route,
    /// What to look at.
    pub kind: Kind,
    /// Its id: a run, a connection, a schedule, a test, or the tenant itself.
    pub id: Uuid,
    /// The round of a chain (polls, schedules), so that a second chain cannot start.
    pub round: i32,
    /// The instant it stands for (a schedule's fire time).
    pub at: Option<Timestamp>,
    /// The outbox row that the consumer deletes.
    pub outbox: Option<OutboxId>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u8,
    key: u32,
    tenant: TenantId,
    schema: String,
    kind: Kind,
    id: Uuid,
    round: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outbox: Option<OutboxId>,
    mac: String,
}

/// A message that is not ours: not JSON, another version, or its MAC does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message of ours")]
pub struct Forged;

/// Signs and verifies messages.
#[derive(Clone)]
pub struct Signer(KeyRing);

impl Signer {
    /// A signer under the queue root.
    pub fn new(root: KeyRing) -> Self {
        Self(root)
    }

    /// The body of a message.
    pub fn seal(&self, message: &Message) -> Result<String, BoxError> {
        let mut wire = Wire {
            v: 1,
            key: self.0.current(),
            tenant: message.route.tenant,
            schema: message.route.schema.as_str().to_owned(),
            kind: message.kind,
            id: message.id,
            round: message.round,
            at: message.at,
            outbox: message.outbox,
            mac: String::new(),
        };
        let key = self.key(&wire).ok_or("the queue root has no current key")?;
        wire.mac = URL_SAFE_NO_PAD.encode(hmac::sign(&key, &signed_bytes(&wire)));
        Ok(serde_json::to_string(&wire)?)
    }

    /// Verifies a body. The comparison takes the same time whatever differs.
    pub fn open(&self, body: &str) -> Result<Message, Forged> {
        let wire: Wire = serde_json::from_str(body).map_err(|_| Forged)?;
        let mac = URL_SAFE_NO_PAD.decode(&wire.mac).map_err(|_| Forged)?;
        let key = self.key(&wire).ok_or(Forged)?;
        hmac::verify(&key, &signed_bytes(&wire), &mac).map_err(|_| Forged)?;
        let schema: SchemaName = wire.schema.parse().map_err(|_| Forged)?;
        if wire.v != 1 {
            return Err(Forged);
        }
        let route = Route { tenant: wire.tenant, schema };
        Ok(Message {
            route,
            kind: wire.kind,
            id: wire.id,
            round: wire.round,
            at: wire.at,
            outbox: wire.outbox,
        })
    }

    fn key(&self, wire: &Wire) -> Option<hmac::Key> {
        let root = self.0.key(wire.key)?;
        let key = derive(wire.tenant.to_string().as_bytes(), root, "signalbox/queue/work")?;
        Some(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }
}

/// Every field but the MAC, in one fixed order; none of them can hold the separator.
fn signed_bytes(wire: &Wire) -> Vec<u8> {
    let at = wire.at.map(|t| t.as_nanosecond().to_string()).unwrap_or_default();
    let outbox = wire.outbox.map(|o| o.to_string()).unwrap_or_default();
    format!(
        "{}|{}|{}|{}|{}|{}|{}|{at}|{outbox}",
        wire.v,
        wire.key,
        wire.tenant,
        wire.schema,
        wire.kind.as_str(),
        wire.id,
        wire.round
    )
    .into_bytes()
}

/// Sends messages to the queue `work`.
#[derive(Clone)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
    signer: Signer,
}

/// The longest delay SQS takes, in seconds (SendMessage, DelaySeconds).
pub const LONGEST_DELAY_S: i32 = 900;

impl Queue {
    /// A sender to one queue.
    pub fn new(config: &aws_config::SdkConfig, url: &str, signer: Signer) -> Self {
        Self { client: aws_sdk_sqs::Client::new(config), url: url.to_owned(), signer }
    }

    /// The verifier of what comes back.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Sends messages, each with its delay in seconds (0 to 900), ten a call, the tenant as message group. A failure is
    /// logged and not returned: the outbox or due row behind each message is sent again by the sweep.
    pub async fn send(&self, messages: &[(Message, i32)]) {
        for ten in messages.chunks(10) {
            if let Err(error) = self.send_ten(ten).await {
                tracing::warn!(error, count = ten.len(), "messages were not sent; the sweep will send them");
            }
        }
    }

    async fn send_ten(&self, messages: &[(Message, i32)]) -> Result<(), BoxError> {
        let mut request = self.client.send_message_batch().queue_url(&self.url);
        for (index, (message, delay_s)) in messages.iter().enumerate() {
            let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(self.signer.seal(message)?)
                .message_group_id(message.route.tenant.to_string())
                .delay_seconds((*delay_s).clamp(0, LONGEST_DELAY_S))
                .build()?;
            request = request.entries(entry);
        }
        let answer = request.send().await?;
        if answer.failed.is_empty() { Ok(()) } else { Err("the queue refused some messages".into()) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::uuid;

    use super::*;
    use crate::secrets::Secret;

    fn signer() -> Signer {
        let ring = Secret::new(
            br#"{"current":1,"keys":{"1":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}"#.to_vec(),
        );
        Signer::new(KeyRing::parse(&ring).unwrap())
    }

    fn message() -> Message {
        let tenant = TenantId::from(uuid!("0193d4a0-0000-7000-8000-000000000001"));
        Message {
            route: Route { tenant, schema: SchemaName::of(tenant) },
            kind: Kind::Fire,
            id: uuid!("0193d4a0-0000-7000-8000-000000000003"),
            round: 7,
            at: "2026-11-21T10:00:00Z".parse().ok(),
            outbox: None,
        }
    }

    #[test]
    fn a_message_opens_as_it_was_sealed_and_no_byte_may_change() {
        let body = signer().seal(&message()).unwrap();
        assert_eq!(signer().open(&body), Ok(message()));
        for at in 0..body.len() {
            let mut bytes = body.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(bent) = String::from_utf8(bytes) else { continue };
            if let Ok(opened) = signer().open(&bent) {
                assert_eq!(opened, message(), "byte {at} changed what was signed");
            }
        }
    }

    #[test]
    fn another_tenants_mac_does_not_hold() {
        let body = signer().seal(&message()).unwrap();
        let other =
            body.replace("0193d4a0-0000-7000-8000-000000000001", "0193d4a0-0000-7000-8000-000000000002");
        assert_eq!(signer().open(&other), Err(Forged));
        for text in ["", "{}", "[]", "null", "not json", r#"{"v":1}"#] {
            assert_eq!(signer().open(text), Err(Forged), "{text}");
        }
    }
}
