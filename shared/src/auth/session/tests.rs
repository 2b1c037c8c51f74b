//! Our own tokens, under the same threats as the provider's (A1 to A7, A12, A13), and A22: a tenant comes from nothing else.

use serde_json::{Map, Value};

use super::*;
use crate::{
    auth::fixture::{hs256, session_keys},
    model::{ids::TenantId, tenant::SchemaName},
};

const NOW: i64 = 1_800_000_000;
const HOURS_12: i64 = 12 * 3600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn ada() -> Principal {
    let tenant: TenantId = "0193d4a0-0000-7000-8000-000000000001".parse().unwrap();
    Principal {
        tenant_id: tenant,
        tenant_schema: SchemaName::of(tenant),
        tenant_user_id: "0193d4a0-0000-7000-8000-000000000002".parse().unwrap(),
        credential: Credential::Session("0193d4a0-0000-7000-8000-000000000003".parse().unwrap()),
    }
}

fn minted() -> String {
    session_keys(1).mint(&ada(), at(NOW), at(NOW + HOURS_12)).unwrap()
}

fn part(token: &str, index: usize) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

/// A token of these texts under our own key.
fn signed(header: &str, claims: &str) -> String {
    hs256(header, claims, session_keys(1).newest("session").unwrap().1.as_ref())
}

fn why(token: &str) -> Rejected {
    session_keys(1).verify(token, at(NOW)).unwrap_err()
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_minted_token_stands_for_whom_it_was_minted_for() {
    assert_eq!(session_keys(1).verify(&minted(), at(NOW)), Ok(ada()));
    assert_eq!(signed(&part(&minted(), 0), &part(&minted(), 1)), minted(), "the fixture signs as we do");
}

#[test]
fn a_token_ends_with_its_row_and_after_twelve_hours_whatever_the_row_says() {
    for (expires, good_until) in
        [(60, 60), (HOURS_12, HOURS_12), (HOURS_12 + 1, HOURS_12), (HOURS_12 * 100, HOURS_12)]
    {
        let token = session_keys(1).mint(&ada(), at(NOW), at(NOW + expires)).unwrap();
        for (second, good) in [
            (-61, false),
            (-60, true),
            (0, true),
            (good_until - 1, true),
            (good_until, false),
            (good_until + 1, false),
            (good_until + 60, false),
        ] {
            assert_eq!(
                session_keys(1).verify(&token, at(NOW + second)).is_ok(),
                good,
                "{expires} at {second}"
            );
        }
    }
    let ended = session_keys(1).mint(&ada(), at(NOW), at(NOW - 1)).unwrap();
    assert_eq!(why(&ended), Rejected::Time("exp"));
    let mut long = object(&part(&minted(), 1));
    long.insert("exp".to_owned(), json!(NOW + HOURS_12 + 1));
    assert_eq!(why(&signed(&part(&minted(), 0), &Value::Object(long).to_string())), Rejected::Time("exp"));
}

#[test]
fn a_key_that_left_the_ring_opens_nothing_and_an_older_one_still_does() {
    let claims = part(&minted(), 1);
    let old = session_keys(1).key("session", 1).unwrap();
    let header = |kid: &str| json!({ "alg": "HS256", "typ": "sbx+session", "kid": kid }).to_string();
    assert_eq!(session_keys(1).verify(&hs256(&header("1"), &claims, old.as_ref()), at(NOW)), Ok(ada()));
    assert_eq!(why(&hs256(&header("2"), &claims, old.as_ref())), Rejected::Signature);
    for kid in ["3", "02", "+2", "4294967298", "x", "2.0"] {
        assert!(
            matches!(why(&signed(&header(kid), &claims)), Rejected::UnknownKey | Rejected::Header("kid")),
            "{kid}"
        );
    }
    assert_eq!(session_keys(2).verify(&minted(), at(NOW)), Err(Rejected::Signature), "another ring");
    let sealing = session_keys(1).key("sealed/flow", 2).unwrap();
    assert_eq!(
        why(&hs256(&header("2"), &claims, sealing.as_ref())),
        Rejected::Signature,
        "a key of another purpose"
    );
}

/// A1, A2, A4, A5, A12.
#[test]
fn the_header_is_exactly_ours() {
    let claims = part(&minted(), 1);
    for header in [
        r#"{"alg":"none","typ":"sbx+session","kid":"2"}"#,
        r#"{"alg":"hs256","typ":"sbx+session","kid":"2"}"#,
        r#"{"alg":"HS512","typ":"sbx+session","kid":"2"}"#,
        r#"{"alg":"RS256","typ":"sbx+session","kid":"2"}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"2"}"#,
        r#"{"alg":"HS256","kid":"2"}"#,
        r#"{"alg":"HS256","typ":"SBX+SESSION","kid":"2"}"#,
        r#"{"alg":"HS256","typ":"sbx+session"}"#,
        r#"{"alg":"HS256","typ":"sbx+session","kid":2}"#,
        r#"{"alg":"HS256","typ":"sbx+session","kid":"2","crit":["exp"]}"#,
        r#"{"alg":"HS256","typ":"sbx+session","kid":"2","jku":"https://evil.example"}"#,
        r#"{"alg":"HS256","typ":"sbx+session","kid":"2","jwk":{}}"#,
        r#"{"alg":"HS256","typ":"sbx+session","kid":"2","kid":"2"}"#,
        "[]",
        "null",
        "",
    ] {
        assert!(matches!(why(&signed(header, &claims)), Rejected::Header(_) | Rejected::Shape), "{header}");
    }
}

#[test]
fn every_claim_is_there_once_of_its_type_and_spelt_in_the_one_way() {
    let (header, claims) = (part(&minted(), 0), part(&minted(), 1));
    for &name in KIND.claims {
        let right = object(&claims)[name].clone();
        let mut bent = object(&claims);
        bent.remove(name);
        assert_eq!(
            why(&signed(&header, &Value::Object(bent).to_string())),
            Rejected::Claim(name),
            "without {name}"
        );
        let upper = right.as_str().map(|text| json!(text.to_uppercase()));
        for shape in [
            json!(null),
            json!(""),
            json!([right]),
            json!({}),
            json!(true),
            json!(1.5),
            json!("other"),
            json!(-1),
        ]
        .into_iter()
        .chain(upper)
        {
            let mut bent = object(&claims);
            bent.insert(name.to_owned(), shape.clone());
            let upper_ids_differ = shape == right;
            assert!(
                upper_ids_differ
                    || why(&signed(&header, &Value::Object(bent).to_string())) == Rejected::Claim(name),
                "{name} = {shape}"
            );
        }
        let twice = claims.replacen('{', &format!("{{\"{name}\":{right},"), 1);
        assert_eq!(why(&signed(&header, &twice)), Rejected::Shape, "{name} twice");
    }
    let more = claims.replacen('{', "{\"role\":\"administrator\",", 1);
    assert_eq!(why(&signed(&header, &more)), Rejected::Claim("members"));
    for schema in [
        "public",
        "system",
        "t_x",
        "t_0193d4a000007000800000000000000g",
        "T_0193d4a0000070008000000000000001",
        "t_0193d4a0000070008000000000000001\"; drop",
    ] {
        let mut bent = object(&claims);
        bent.insert("tenant_schema".to_owned(), json!(schema));
        assert_eq!(
            why(&signed(&header, &Value::Object(bent).to_string())),
            Rejected::Claim("tenant_schema"),
            "{schema}"
        );
    }
}

#[test]
fn no_byte_of_a_token_may_change() {
    let token = minted();
    for at_byte in 0..token.len() {
        let mut bent = token.clone().into_bytes();
        bent[at_byte] = if bent[at_byte] == b'A' { b'B' } else { b'A' };
        let bent = String::from_utf8(bent).unwrap();
        assert!(session_keys(1).verify(&bent, at(NOW)).is_err(), "byte {at_byte}");
    }
}
