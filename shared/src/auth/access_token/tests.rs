//! Threats A1 to A13 for applications' tokens: one that is good, and what must be refused because one thing about it differs.

use std::sync::LazyLock;

use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PSS_SHA256};
use serde_json::{Map, Value, json};

use super::*;
use crate::auth::{
    fixture::{RsaSigner, hs256, public_forms},
    issuer::published,
};

const TEMPLATE: &str = "https://login.example/{tenantid}/v2.0";
const TID: &str = "4f0c9a6e-53b7-4d6c-9d0f-6a3f2a7c1e01";
const OTHER_TID: &str = "b7d2e1f4-0a68-4c35-8a57-2f9f0d6c1e02";
const OID: &str = "61cbc265-dfa0-4e83-86f9-52a3e170cf16";
const APP: &str = "72dcd376-e0b1-4f94-97a0-63b4f281d017";
const CLIENT: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";
const NOW: i64 = 1_800_000_000;
const HEADER: &str = r#"{"alg":"RS256","typ":"JWT","kid":"key-1"}"#;

static OURS: LazyLock<RsaSigner> = LazyLock::new(|| RsaSigner::generate("key-1"));
static STRANGER: LazyLock<RsaSigner> = LazyLock::new(|| RsaSigner::generate("key-1"));

fn good() -> Map<String, Value> {
    let claims = json!({
        "ver": "2.0", "idtyp": "app", "iss": format!("https://login.example/{TID}/v2.0"), "aud": CLIENT, "tid": TID, "oid": OID, "sub": OID,
        "azp": APP, "azpacr": "1", "roles": ["Runs.Start"], "iat": NOW, "nbf": NOW, "exp": NOW + 3600, "aio": "x", "rh": "x", "uti": "x",
    });
    claims.as_object().unwrap().clone()
}

fn with(name: &str, value: impl Into<Value>) -> Map<String, Value> {
    let mut claims = good();
    claims.insert(name.to_owned(), value.into());
    claims
}

fn signed(claims: &Map<String, Value>) -> String {
    OURS.token(&RSA_PKCS1_SHA256, HEADER, &Value::Object(claims.clone()).to_string())
}

fn check_at(token: &str, now: i64, key_issuer: &str) -> Result<Application, Rejected> {
    let (metadata, keys) = published(TEMPLATE, &[OURS.jwk(Some(key_issuer))]);
    verify(token, &keys[0], &metadata, (CLIENT, Timestamp::from_second(now).unwrap()))
}

fn check(token: &str) -> Result<Application, Rejected> {
    check_at(token, NOW, TEMPLATE)
}

#[test]
fn a_good_token_says_which_application_is_calling() {
    let who = check(&signed(&good())).unwrap();
    assert_eq!((who.directory_id.to_string(), who.object_id.to_string()), (TID.to_owned(), OID.to_owned()));
    assert_eq!((who.client_id.to_string().as_str(), who.expires_at.as_second()), (APP, NOW + 3600));
}

/// A1, A2, A5.
#[test]
fn it_is_signed_as_we_expect_and_by_whom_we_expect() {
    let claims = Value::Object(good()).to_string();
    for alg in ["none", "None", "NONE", "HS256", "RS384", "PS256", "ES256", "rs256", ""] {
        let header = HEADER.replace("RS256", alg);
        assert_eq!(
            check(&OURS.token(&RSA_PKCS1_SHA256, &header, &claims)),
            Err(Rejected::Header("alg")),
            "{alg}"
        );
    }
    assert_eq!(check(&OURS.token(&RSA_PKCS1_SHA384, HEADER, &claims)), Err(Rejected::Signature));
    assert_eq!(check(&OURS.token(&RSA_PSS_SHA256, HEADER, &claims)), Err(Rejected::Signature));
    assert_eq!(check(&STRANGER.token(&RSA_PKCS1_SHA256, HEADER, &claims)), Err(Rejected::Signature));
    for form in public_forms(&OURS) {
        assert!(check(&hs256(&HEADER.replace("RS256", "HS256"), &claims, &form)).is_err());
        assert!(check(&hs256(HEADER, &claims, &form)).is_err());
    }
    for header in [
        r#"{"alg":"RS256","kid":"key-1","crit":["exp"]}"#,
        r#"{"alg":"RS256","kid":"key-2"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"RS256","kid":"../key-1"}"#,
        r#"{"alg":"RS256","kid":"key-1","typ":"sbx+session"}"#,
    ] {
        assert!(check(&OURS.token(&RSA_PKCS1_SHA256, header, &claims)).is_err(), "{header}");
    }
}

/// A6, A7, A8, A13: every required claim in every wrong shape.
#[test]
fn every_claim_is_there_and_of_its_type() {
    for name in ["ver", "idtyp", "iss", "aud", "sub", "tid", "oid", "azp", "azpacr", "iat", "nbf", "exp"] {
        let right = good()[name].clone();
        let mut without = good();
        without.remove(name);
        assert_eq!(check(&signed(&without)), Err(Rejected::Claim(name)), "absent");
        let as_text = right.as_str().map_or_else(|| right.to_string(), str::to_owned);
        let other_type = if right.is_string() { json!(7) } else { json!(as_text) };
        for shape in [
            json!(null),
            json!(""),
            json!(true),
            json!({}),
            json!([]),
            json!([right]),
            json!([right, "x"]),
            other_type,
            json!(1.5),
        ] {
            assert_eq!(check(&signed(&with(name, shape.clone()))), Err(Rejected::Claim(name)), "{shape}");
        }
    }
}

/// A6, A7, A8, A12.
#[test]
fn it_is_for_us_of_one_directory_and_an_applications_own() {
    for (name, value) in [
        ("aud", "api://6e74172b-be56-4843-9ff4-e66a39bb12e3"),
        ("aud", APP),
        ("iss", "https://sts.windows.net/4f0c9a6e-53b7-4d6c-9d0f-6a3f2a7c1e01/"),
        ("iss", "https://login.example/4f0c9a6e-53b7-4d6c-9d0f-6a3f2a7c1e01/v2.0/"),
        ("iss", "https://login.example/b7d2e1f4-0a68-4c35-8a57-2f9f0d6c1e02/v2.0"),
        ("idtyp", "user"),
        ("idtyp", "App"),
        ("ver", "1.0"),
        ("azpacr", "0"),
        ("azpacr", "3"),
        ("sub", APP),
        ("oid", "61CBC265-DFA0-4E83-86F9-52A3E170CF16"),
        ("oid", "00000000-0000-0000-0000-000000000000"),
        ("azp", "my application"),
    ] {
        assert!(matches!(check(&signed(&with(name, value))), Err(Rejected::Claim(_))), "{name} {value}");
    }
    let mut elsewhere = with("tid", OTHER_TID);
    assert_eq!(check(&signed(&elsewhere)), Err(Rejected::Claim("iss")));
    elsewhere.insert("iss".to_owned(), json!(format!("https://login.example/{OTHER_TID}/v2.0")));
    let key_of_one = format!("https://login.example/{TID}/v2.0");
    assert_eq!(check_at(&signed(&elsewhere), NOW, &key_of_one), Err(Rejected::ForeignKey));
    for (name, value) in [
        ("scp", json!("access_as_user")),
        ("scp", json!(null)),
        ("nonce", json!("n")),
        ("preferred_username", json!("ada@northwind.example")),
        ("appid", json!(APP)),
        ("appidacr", json!("1")),
    ] {
        assert_eq!(check(&signed(&with(name, value))), Err(Rejected::Kind(name)), "{name}");
    }
}

/// A13.
#[test]
fn it_is_good_in_its_time_and_a_minute_around_it() {
    let token = signed(&good());
    for (after_exp, fine) in [(-61, true), (0, true), (60, true), (61, false)] {
        assert_eq!(check_at(&token, NOW + 3600 + after_exp, TEMPLATE).is_ok(), fine, "exp {after_exp:+}");
    }
    for name in ["nbf", "iat"] {
        for (ahead, fine) in [(0, true), (60, true), (61, false)] {
            let mut bent = with(name, NOW + ahead);
            bent.insert("exp".to_owned(), json!(NOW + 7200));
            assert_eq!(check(&signed(&bent)).is_ok(), fine, "{name} {ahead:+}");
        }
    }
    for (lifetime, fine) in [(86_400, true), (86_401, false), (0, false), (i64::MAX - NOW, false)] {
        assert_eq!(check(&signed(&with("exp", NOW + lifetime))).is_ok(), fine, "good for {lifetime} s");
    }
}
