//! Threats A3 and A15: keys come, go and fail to arrive; what is accepted never widens.

use std::sync::{
    Mutex as StdMutex,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::*;
use crate::auth::fixture::RsaSigner;

const AUTHORITY: &str = "https://login.example/organizations/v2.0";
const TEMPLATE: &str = "https://login.example/{tenantid}/v2.0";

/// A provider whose answers a test writes, and a count of how often its keys were read.
#[derive(Clone)]
struct World {
    metadata: Arc<StdMutex<Vec<u8>>>,
    keys: Arc<StdMutex<Option<Vec<u8>>>>,
    reads: Arc<AtomicUsize>,
}

impl World {
    fn new(keys: &[Value]) -> (Self, Issuer) {
        let metadata = json!({
            "issuer": TEMPLATE,
            "authorization_endpoint": "https://login.example/organizations/oauth2/v2.0/authorize",
            "token_endpoint": "https://login.example/organizations/oauth2/v2.0/token",
            "jwks_uri": "https://login.example/organizations/discovery/v2.0/keys",
        });
        let world = Self {
            metadata: Arc::new(StdMutex::new(metadata.to_string().into_bytes())),
            keys: Arc::default(),
            reads: Arc::default(),
        };
        world.publish(keys);
        let asked = world.clone();
        let fetch: Fetch = Arc::new(move |url| {
            let world = asked.clone();
            Box::pin(async move { world.answer(&url).await })
        });
        (world, Issuer::with_fetch(Url::parse(AUTHORITY).unwrap(), fetch))
    }

    async fn answer(&self, url: &Url) -> Result<Vec<u8>, BoxError> {
        tokio::task::yield_now().await;
        match url.path() {
            "/organizations/v2.0/.well-known/openid-configuration" => {
                Ok(self.metadata.lock().unwrap().clone())
            }
            "/organizations/discovery/v2.0/keys" => {
                self.reads.fetch_add(1, Ordering::SeqCst);
                self.keys.lock().unwrap().clone().ok_or_else(|| "down".into())
            }
            other => Err(format!("nobody should ask for {other}").into()),
        }
    }

    fn publish(&self, keys: &[Value]) {
        *self.keys.lock().unwrap() = Some(json!({ "keys": keys }).to_string().into_bytes());
    }

    fn answer_with(&self, keys: Option<&[u8]>) {
        *self.keys.lock().unwrap() = keys.map(<[u8]>::to_vec);
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

fn jwk(id: &'static str) -> Value {
    RsaSigner::generate(id).jwk(Some(TEMPLATE))
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
}

fn unknown(answer: &Result<(SigningKey, Metadata), IssuerError>) -> bool {
    matches!(answer, Err(IssuerError::Rejected(Rejected::UnknownKey)))
}

/// A3.
#[tokio::test]
async fn ten_thousand_unknown_key_ids_make_for_one_fetch_beside_the_first() {
    let (world, issuer) = World::new(&[jwk("a")]);
    let ids: Vec<String> = (0..10_000).map(|n| format!("random-{n}")).collect();
    let answers = join_all(ids.iter().map(|id| issuer.key(id, at(0)))).await;
    assert!(answers.iter().all(unknown));
    assert!(world.reads() <= 2, "{} fetches", world.reads());
    assert!(issuer.key("a", at(0)).await.is_ok());
    for minute in 0..=30 {
        assert!(unknown(&issuer.key("random", at(minute)).await));
    }
    assert!(world.reads() <= 2 + 6, "one in five minutes, {} fetches", world.reads());
}

/// A15.
#[tokio::test]
async fn a_new_key_is_picked_up_in_one_request_and_a_removed_one_is_refused_after_the_next_fetch() {
    let (first, second) = (jwk("a"), jwk("b"));
    let (world, issuer) = World::new(std::slice::from_ref(&first));
    assert!(issuer.key("a", at(0)).await.is_ok());
    world.publish(&[second.clone(), first]);
    assert!(issuer.key("b", at(1)).await.is_ok(), "at once");
    world.publish(&[second]);
    assert!(issuer.key("a", at(60)).await.is_ok(), "still fresh");
    assert!(unknown(&issuer.key("a", at(61)).await), "an hour after the last fetch it is gone");
    assert!(issuer.key("b", at(62)).await.is_ok());
}

/// A15.
#[tokio::test]
async fn an_outage_keeps_what_is_there_for_a_day_and_no_longer() {
    let (world, issuer) = World::new(&[jwk("a")]);
    assert!(issuer.key("a", at(0)).await.is_ok());
    let huge = vec![b' '; 300 * 1024];
    let bad: [Option<&[u8]>; 8] = [
        None,
        Some(b""),
        Some(b"garbage"),
        Some(b"[]"),
        Some(br#"{"keys":[]}"#),
        Some(br#"{"keys":[{"kty":"RSA"}]}"#),
        Some(&huge),
        Some(b"<html>"),
    ];
    for (round, keys) in bad.into_iter().enumerate() {
        world.answer_with(keys);
        let now = at(90 + 60 * i64::try_from(round).unwrap());
        assert!(issuer.key("a", now).await.is_ok(), "round {round}");
        assert!(unknown(&issuer.key("b", now).await), "round {round}");
    }
    assert!(issuer.key("a", at(24 * 60 - 1)).await.is_ok());
    assert!(matches!(issuer.key("a", at(24 * 60)).await, Err(IssuerError::Unavailable)));
    world.publish(&[jwk("a")]);
    assert!(issuer.key("a", at(24 * 60 + 1)).await.is_ok(), "and is over when it is over");
}

#[tokio::test]
async fn without_any_keys_nobody_is_believed_and_the_next_request_asks_again() {
    let (world, issuer) = World::new(&[jwk("a")]);
    world.answer_with(None);
    let answers = join_all((0..100).map(|_| issuer.metadata(at(0)))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(IssuerError::Unavailable))));
    assert_eq!(world.reads(), 1, "those that waited do not ask again");
    world.publish(&[jwk("a")]);
    assert!(issuer.metadata(at(1)).await.is_ok());
}

/// A7, A14: metadata that points elsewhere is not the authority's.
#[tokio::test]
async fn every_address_of_the_metadata_is_the_authoritys_own() {
    let (world, _) = World::new(&[jwk("a")]);
    let text = String::from_utf8(world.metadata.lock().unwrap().clone()).unwrap();
    let good: Value = serde_json::from_str(&text).unwrap();
    let authority = Url::parse(AUTHORITY).unwrap();
    assert!(document::metadata(text.as_bytes(), &authority).is_ok());
    for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
        for value in [
            json!("https://evil.example/x"),
            json!("http://login.example/x"),
            json!("https://login.example:444/x"),
            json!("x"),
            json!(null),
            json!(["https://login.example/"]),
        ] {
            let mut bent = good.clone();
            bent[name] = value.clone();
            assert!(document::metadata(bent.to_string().as_bytes(), &authority).is_err(), "{name} = {value}");
        }
    }
}

#[test]
fn only_sound_rsa_signing_keys_are_taken() {
    let good = jwk("a");
    let count = |keys: &[Value], issuer: &str| {
        document::keys(json!({ "keys": keys }).to_string().as_bytes(), issuer).map_or(0, |keys| keys.len())
    };
    assert_eq!(count(std::slice::from_ref(&good), TEMPLATE), 1);
    let small = &good["n"].as_str().unwrap()[..170];
    for (name, value) in [
        ("kty", json!("EC")),
        ("kty", json!("oct")),
        ("use", json!("enc")),
        ("alg", json!("RS512")),
        ("kid", json!("")),
        ("kid", json!("a/b")),
        ("kid", json!(null)),
        ("n", json!("spv...")),
        ("n", json!("")),
        ("n", json!(small)),
        ("e", json!("")),
        ("e", json!("!")),
        ("issuer", json!(null)),
    ] {
        let mut bent = good.clone();
        bent[name] = value.clone();
        assert_eq!(count(&[bent.clone()], TEMPLATE), 0, "{name} = {value}");
        assert_eq!(count(&[bent, good.clone()], TEMPLATE), 1, "{name} = {value} does not spoil the others");
    }
    let mut bare = good.clone();
    bare["issuer"] = json!(null);
    assert_eq!(
        count(&[bare], "https://login.example/one/v2.0"),
        1,
        "a set of one directory need not say whose its keys are"
    );
    assert_eq!(count(&vec![good; 201], TEMPLATE), 0, "too many");
}
