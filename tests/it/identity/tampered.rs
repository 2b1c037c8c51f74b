//! A hundred thousand tokens that somebody has tampered with: none is believed at any door (threats A1 to A13, goal T2). Our own
//! session tokens, of people and of operators, with anything changed in them; and applications' tokens, changed, or signed by the
//! directory over claims that are not what they must be.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use jiff::SignedDuration;
use local::stack::Stack;
use serde_json::{Map, Value, json};
use shared::{
    auth::{
        Credential, Operator, Principal, Provider, Registration, SessionKeys, authenticate,
        authenticate_operator,
    },
    clock::Clock,
    egress::{Egress, Url},
    model::tenant::SchemaName,
    secrets::{KeyRing, Secret},
};
use tests::{application, database, dice::Dice, scale, stack, tenant::random_id};

const SEED: u64 = 20_261_123;
/// Of a token's letters, and some that it never has.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ %\x7f";

fn keys() -> SessionKeys {
    let key = base64::engine::general_purpose::STANDARD.encode([7; 32]);
    let ring = json!({ "current": 1, "keys": { "1": key } }).to_string();
    SessionKeys::new(KeyRing::parse(&Secret::new(ring.into_bytes())).expect("a key ring"))
}

fn decoded(part: &str) -> Map<String, Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("a part of a token");
    serde_json::from_slice(&bytes).expect("an object")
}

fn encoded(part: &Map<String, Value>) -> String {
    URL_SAFE_NO_PAD.encode(Value::Object(part.clone()).to_string())
}

/// Something else in place of a member: another of its kind, a longer life, nothing, another type.
fn edit(part: &mut Map<String, Value>, theirs: &Map<String, Value>, dice: &mut Dice) {
    let names: Vec<String> = part.keys().cloned().collect();
    let name = dice.one(&names);
    match dice.below(7) {
        0 => drop(part.remove(name)),
        1 => drop(part.insert(name.clone(), theirs.get(name).cloned().unwrap_or(Value::Null))),
        2 => drop(part.insert(name.clone(), json!([part[name].clone()]))),
        3 => drop(part.insert("exp".to_owned(), json!(253_402_300_799_i64))),
        4 => drop(part.insert(name.clone(), json!(random_id()))),
        5 => {
            let algorithm = dice.one(&["none", "None", "HS512", "RS256", "ES256", "", "hs256"]);
            part.insert("alg".to_owned(), json!(algorithm));
        }
        _ => {
            let more = dice.one(&["crit", "b64", "zip", "jku", "jwk", "x5u", "x5c", "admin", "role", "enc"]);
            part.insert((*more).to_owned(), json!(["alg"]));
        }
    }
}

/// A signature by a key that is not ours.
fn signed_by_a_stranger(signed: &str, dice: &mut Dice) -> String {
    let guesses: [&[u8]; 4] = [b"", b"signalbox", &[0; 32], &dice.any().to_le_bytes()];
    let guess: &[u8] = dice.one::<&[u8]>(&guesses);
    let key = hmac::Key::new(hmac::HMAC_SHA256, guess);
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()))
}

/// A token that was changed; of several that are good, so that parts of two can be mixed.
fn tampered(good: &[String], dice: &mut Dice) -> String {
    let (token, other) = (dice.one(good), dice.one(good));
    let parts: Vec<&str> = token.split('.').collect();
    let others: Vec<&str> = other.split('.').collect();
    let mut text = token.clone().into_bytes();
    let at = dice.below(text.len());
    let letter = *dice.one(LETTERS);
    match dice.below(8) {
        0 => text[at] = letter,
        1 => drop(text.remove(at)),
        2 => text.insert(at, letter),
        3 => text.truncate(at),
        4 => {
            let part = |n: usize, dice: &mut Dice| if dice.below(2) == 0 { parts[n] } else { others[n] };
            return [part(0, dice), part(1, dice), part(2, dice)].join(".");
        }
        5 => {
            let (mut header, theirs) = (decoded(parts[0]), decoded(others[1]));
            edit(&mut header, &theirs, dice);
            let signature = if dice.below(4) == 0 { "" } else { parts[2] };
            return [&encoded(&header), parts[1], signature].join(".");
        }
        6 => {
            let (mut claims, theirs) = (decoded(parts[1]), decoded(others[1]));
            edit(&mut claims, &theirs, dice);
            return [parts[0], &encoded(&claims), parts[2]].join(".");
        }
        _ => {
            let (mut claims, theirs) = (decoded(parts[1]), decoded(others[1]));
            edit(&mut claims, &theirs, dice);
            let signed = format!("{}.{}", parts[0], encoded(&claims));
            return format!("{signed}.{}", signed_by_a_stranger(&signed, dice));
        }
    }
    String::from_utf8(text).expect("ASCII")
}

/// Good tokens of both doors, and some that were good.
fn minted(keys: &SessionKeys, clock: &Clock) -> ([Vec<String>; 2], Vec<String>) {
    let (mut people, mut operators, mut past) = (Vec::new(), Vec::new(), Vec::new());
    let now = clock.now();
    for _ in 0..16 {
        let schema: SchemaName = format!("t_{}", random_id().simple()).parse().expect("a schema's name");
        let who = Principal {
            tenant_id: random_id().into(),
            tenant_schema: schema,
            tenant_user_id: random_id().into(),
            credential: Credential::Session(random_id().into()),
        };
        let operator = Operator { operator_id: random_id().into(), session_id: random_id().into() };
        let soon = now + SignedDuration::from_mins(30);
        let before = now - SignedDuration::from_hours(48);
        people.push(keys.mint(&who, now, soon).expect("a token"));
        operators.push(keys.mint_operator(operator, now, soon).expect("a token"));
        past.push(keys.mint(&who, before, before + SignedDuration::from_mins(30)).expect("a token"));
        past.push(
            keys.mint(&who, now + SignedDuration::from_hours(1), now + SignedDuration::from_hours(2))
                .expect("a token"),
        );
        past.push(
            keys.mint_operator(operator, before, before + SignedDuration::from_mins(30)).expect("a token"),
        );
    }
    ([people, operators], past)
}

/// Which doors believe a token: the portal's, the operators'.
fn believed(token: &str, keys: &SessionKeys, clock: &Clock) -> [bool; 2] {
    let Ok(value) = HeaderValue::from_str(&format!("Bearer {token}")) else { return [false; 2] };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    [authenticate(&headers, keys, clock).is_ok(), authenticate_operator(&headers, keys, clock).is_ok()]
}

#[test]
fn no_session_token_that_was_tampered_with_is_believed_at_any_door() {
    let (keys, clock, mut dice) = (keys(), Clock::system(), Dice::new(SEED));
    let ([people, operators], past) = minted(&keys, &clock);
    for (good, doors) in [(&people, [true, false]), (&operators, [false, true]), (&past, [false, false])] {
        assert!(good.iter().all(|token| believed(token, &keys, &clock) == doors), "{doors:?}");
    }
    let all: Vec<String> = people.iter().chain(&operators).cloned().collect();
    let (mut tried, mut accepted) = (0, Vec::new());
    while tried < scale::of(90_000, 900_000) {
        let of: &Vec<String> = dice.one::<&Vec<String>>(&[&people, &operators, &all]);
        let token = tampered(of, &mut dice);
        if all.contains(&token) {
            continue;
        }
        tried += 1;
        if believed(&token, &keys, &clock) != [false; 2] {
            accepted.push(token);
        }
    }
    let counts = [
        ("session_tokens_tampered_with", tried.to_string()),
        ("accepted", accepted.len().to_string()),
        ("seed", SEED.to_string()),
    ];
    scale::say("identity", &counts);
    assert!(accepted.is_empty(), "seed {SEED}: {accepted:#?}");
}

/// Sign-in's view of the stack's provider.
async fn provider(stack: &Stack) -> Provider {
    let registration = Registration {
        client_id: stack.oidc().client_id().to_string(),
        client_secret_arn: stack.cloud().secret_arn("oidc-client"),
        redirect_uri: format!("{}/auth/callback", stack.url()),
    };
    let authority = Url::parse(&stack.oidc().authority()).expect("the provider's address");
    let egress = Egress::new(Some(stack.oidc().base())).expect("an exception");
    Provider::new(authority, registration, egress, database::secrets(stack).await)
}

/// Claims that the directory itself would sign, one of them not what it must be.
fn misclaimed(good: &Map<String, Value>, now: i64, dice: &mut Dice) -> Map<String, Value> {
    let mut claims = good.clone();
    let wrong = [
        ("aud", json!(random_id())),
        ("aud", json!([good["aud"].clone()])),
        ("tid", json!(random_id())),
        ("iss", json!("https://login.example/v2.0")),
        ("sub", json!(random_id())),
        ("oid", json!("somebody")),
        ("idtyp", json!("user")),
        ("ver", json!("1.0")),
        ("azpacr", json!("0")),
        ("scp", json!("access_as_user")),
        ("nonce", json!("n")),
        ("exp", json!(now - 61)),
        ("exp", json!((now + 600).to_string())),
        ("exp", json!(now as f64 + 600.5)),
        ("exp", json!(253_402_300_799_i64)),
        ("nbf", json!(now + 300)),
        ("iat", json!(now + 300)),
    ];
    match dice.below(3) {
        0 => {
            let name =
                dice.one(&["aud", "iss", "tid", "oid", "sub", "idtyp", "ver", "azpacr", "azp", "exp", "iat"]);
            claims.remove(*name);
        }
        _ => {
            let (name, value) = dice.one(&wrong).clone();
            claims.insert(name.to_owned(), value);
        }
    }
    claims
}

#[test]
fn no_applications_token_that_was_tampered_with_gives_a_session() {
    stack::with(async |stack| {
        let (provider, clock, mut dice) = (provider(stack).await, Clock::system(), Dice::new(SEED + 1));
        let (mut good, mut claims) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            let application = application::new(stack, random_id());
            claims.push(stack.oidc().application_claims(&application));
            good.push(stack.oidc().mint(claims.last().expect("claims"), &Map::new()));
        }
        for token in &good {
            provider.prove_application(token, &clock).await.expect("the directory's own token");
        }
        let (mut tried, mut signed, mut accepted) = (0, 0, Vec::new());
        while tried < scale::of(10_000, 100_000) {
            let is_signed = dice.below(8) == 0;
            let token = if is_signed {
                let claims = misclaimed(dice.one(&claims), clock.now().as_second(), &mut dice);
                stack.oidc().mint(&claims, &Map::new())
            } else {
                tampered(&good, &mut dice)
            };
            if good.contains(&token) {
                continue;
            }
            tried += 1;
            signed += usize::from(is_signed);
            if provider.prove_application(&token, &clock).await.is_ok() {
                accepted.push(token);
            }
        }
        let counts = [
            ("applications_tokens_tampered_with", tried.to_string()),
            ("properly_signed_among_them", signed.to_string()),
            ("accepted", accepted.len().to_string()),
            ("seed", (SEED + 1).to_string()),
        ];
        scale::say("identity", &counts);
        assert!(accepted.is_empty(), "seed {}: {accepted:#?}", SEED + 1);
    });
}
