//! A1 to A5: the header, and the shape of the whole.

use super::*;

/// A1, A2.
#[test]
fn the_algorithm_is_ours_and_never_the_headers() {
    for name in [
        "none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "RS1", "HS256", "HS384", "RS384", "RS512",
        "PS256", "ES256", "EdDSA", "RSA-OAEP",
    ] {
        let header = json!({ "alg": name, "typ": "JWT", "kid": "key-1" }).to_string();
        refused(&OURS.token(&RSA_PKCS1_SHA256, &header, &text(&good())), Rejected::Header("alg"), name);
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        refused(&format!("{}.{}.", part(&header), part(&text(&good()))), Rejected::Header("alg"), name);
    }
    for alg in [json!(null), json!(256), json!(["RS256"]), json!({"RS256": 1}), json!(true)] {
        let header = json!({ "alg": alg, "kid": "key-1" }).to_string();
        refused(&OURS.token(&RSA_PKCS1_SHA256, &header, &text(&good())), Rejected::Header("alg"), &header);
    }
    let schemes: [&'static dyn RsaEncoding; 3] = [&RSA_PKCS1_SHA384, &RSA_PKCS1_SHA512, &RSA_PSS_SHA256];
    for (scheme, name) in schemes.into_iter().zip(["RS384", "RS512", "PS256"]) {
        let header = json!({ "alg": name, "kid": "key-1" }).to_string();
        refused(&OURS.token(scheme, &header, &text(&good())), Rejected::Header("alg"), name);
        refused(&OURS.token(scheme, HEADER, &text(&good())), Rejected::Signature, "said to be RS256");
    }
    for secret in public_forms(&OURS) {
        let header = HEADER.replace("RS256", "HS256");
        refused(
            &hs256(&header, &text(&good()), &secret),
            Rejected::Header("alg"),
            "a public key as a secret",
        );
        refused(&hs256(HEADER, &text(&good()), &secret), Rejected::Signature, "said to be RS256");
    }
    refused(
        &STRANGER.token(&RSA_PKCS1_SHA256, HEADER, &text(&good())),
        Rejected::Signature,
        "another key of the same id",
    );
}

/// A3.
#[test]
fn a_key_id_is_one_plain_word() {
    let with_kid = |kid: Value| {
        let header = json!({ "alg": "RS256", "kid": kid }).to_string();
        OURS.token(&RSA_PKCS1_SHA256, &header, &text(&good()))
    };
    let long = "k".repeat(257);
    for kid in [
        json!(null),
        json!(""),
        json!(1),
        json!(["key-1"]),
        json!({}),
        json!("../../etc/passwd"),
        json!("key-1/../key-2"),
        json!("' or 1=1 --"),
        json!("key-1\u{0}"),
        json!("key 1"),
        json!("https://evil.example/k"),
        json!("ключ"),
        json!("key-1\n"),
        json!(long),
    ] {
        refused(&with_kid(kid.clone()), Rejected::Header("kid"), &kid.to_string());
    }
    refused(
        &OURS.token(&RSA_PKCS1_SHA256, r#"{"alg":"RS256"}"#, &text(&good())),
        Rejected::Header("kid"),
        "absent",
    );
    refused(&with_kid(json!("k".repeat(256))), Rejected::UnknownKey, "unknown");
    refused(&with_kid(json!("k".repeat(1 << 20))), Rejected::Shape, "a megabyte");
}

/// A4: keys and addresses of keys in a header are not read; the token stands or falls by the issuer's key.
#[test]
fn a_header_names_no_keys() {
    for name in ["jku", "x5u", "jwk", "x5c", "x5t"] {
        let mut header: Map<String, Value> = serde_json::from_str(HEADER).unwrap();
        let value =
            if name == "jwk" { STRANGER.jwk(Some(TEMPLATE)) } else { json!("https://evil.example/keys") };
        header.insert(name.to_owned(), value);
        let header = text(&header);
        refused(&STRANGER.token(&RSA_PKCS1_SHA256, &header, &text(&good())), Rejected::Signature, name);
        assert!(check(&OURS.token(&RSA_PKCS1_SHA256, &header, &text(&good()))).is_ok(), "{name} is ignored");
    }
}

/// A5, and other headers that change what a token means.
#[test]
fn a_header_asks_for_nothing_unknown() {
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(null)),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("typ", json!("at+jwt")),
        ("typ", json!("sbx+session")),
        ("typ", json!(["JWT"])),
        ("typ", json!(null)),
        ("typ", json!("")),
    ] {
        let mut header: Map<String, Value> = serde_json::from_str(HEADER).unwrap();
        header.insert(name.to_owned(), value.clone());
        refused(
            &OURS.token(&RSA_PKCS1_SHA256, &text(&header), &text(&good())),
            Rejected::Header(name),
            &value.to_string(),
        );
    }
    let twice = r#"{"alg":"none","alg":"RS256","kid":"key-1"}"#;
    refused(&OURS.token(&RSA_PKCS1_SHA256, twice, &text(&good())), Rejected::Shape, "a name twice");
}

/// The compact form has one spelling.
#[test]
fn a_token_that_is_not_three_clean_parts_is_refused() {
    let token = signed(&text(&good()));
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    for bent in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!("{header}.{claims}"),
        format!("{token}.{signature}"),
        format!(" {token}"),
        format!("{token} "),
        format!("{token}="),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}.{signature}\n"),
        token.replace('.', "\u{3002}"),
        format!("Bearer {token}"),
        format!("{header}.{header}.{claims}.{signature}"),
        format!(".{claims}.{signature}"),
    ] {
        assert_eq!(check(&bent).err(), Some(Rejected::Shape), "{bent:.60}");
    }
    refused(&format!("{header}.{claims}."), Rejected::Signature, "no signature");
    refused(&format!("{header}..{signature}"), Rejected::Signature, "no claims");
    for at in (0..token.len()).step_by(7) {
        let mut bent = token.clone().into_bytes();
        bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
        assert!(check(&String::from_utf8(bent).unwrap()).is_err(), "byte {at}");
    }
}
