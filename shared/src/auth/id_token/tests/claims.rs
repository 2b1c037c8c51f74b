//! A6, A10 to A14: the claims.

use super::*;

/// A6, A7, A8, A13: every required claim in every wrong shape.
#[test]
fn every_claim_is_there_once_and_of_its_type() {
    let claims = good();
    for name in ["ver", "iss", "aud", "sub", "tid", "oid", "nonce", "iat", "nbf", "exp"] {
        let right = claims[name].clone();
        let mut without = claims.clone();
        without.remove(name);
        let why = |claims: &Map<String, Value>| check(&signed(&text(claims))).expect_err(name);
        assert_eq!(why(&without), Rejected::Claim(name), "absent");
        let as_text = right.as_str().map_or_else(|| right.to_string(), str::to_owned);
        let other_type = if right.is_string() { json!(7) } else { json!(as_text) };
        let wrong = [
            json!(null),
            json!(""),
            json!(true),
            json!({}),
            json!([]),
            json!([right]),
            json!([right, "other"]),
            json!({ "0": right }),
            other_type,
            json!(1.5),
            json!(-1),
        ];
        for shape in wrong {
            let mut bent = claims.clone();
            bent.insert(name.to_owned(), shape.clone());
            assert_eq!(why(&bent), Rejected::Claim(name), "{shape}");
        }
        let whole = text(&claims);
        for value in [right.to_string(), "null".to_owned(), "\"other\"".to_owned()] {
            refused(
                &signed(&whole.replacen('{', &format!("{{\"{name}\":{value},"), 1)),
                Rejected::Shape,
                "twice",
            );
        }
        let escaped = format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]);
        refused(
            &signed(&whole.replacen('{', &format!("{{\"{escaped}\":{right},"), 1)),
            Rejected::Shape,
            "twice, once escaped",
        );
    }
    for name in ["iat", "nbf", "exp"] {
        for value in ["1800000000.0", "1.8e9", "18e8", "99999999999999999999"] {
            let mut bent = claims.clone();
            bent.insert(name.to_owned(), serde_json::from_str(value).unwrap());
            assert_eq!(check(&signed(&text(&bent))), Err(Rejected::Claim(name)), "{value}");
        }
    }
}

/// A6, A14: made for us, and for this sign-in.
#[test]
fn audience_and_nonce_are_exactly_ours() {
    for audience in [
        format!("{CLIENT} "),
        CLIENT.to_uppercase(),
        "api://x".to_owned(),
        OTHER_TID.to_owned(),
        format!("{CLIENT},other"),
    ] {
        refused(&signed(&with("aud", audience.clone())), Rejected::Claim("aud"), &audience);
    }
    for nonce in ["another", "N-0S6_WZA2MJ", "n-0S6_WzA2M", "n-0S6_WzA2Mj "] {
        refused(&signed(&with("nonce", nonce)), Rejected::Claim("nonce"), nonce);
    }
    for version in ["1.0", "2", "2.00"] {
        refused(&signed(&with("ver", version)), Rejected::Claim("ver"), version);
    }
}

/// A10, A11: names and addresses decide nothing; an id in another directory is somebody else.
#[test]
fn a_person_is_a_directory_and_an_object_id_whatever_they_call_themselves() {
    let mut bent = good();
    for name in ["email", "upn", "preferred_username", "unique_name", "name"] {
        bent.insert(name.to_owned(), json!("victim@harbour.example"));
    }
    let who = check(&signed(&text(&bent))).unwrap();
    assert_eq!((who.directory_id.to_string().as_str(), who.object_id.to_string().as_str()), (TID, OID));
    for name in [json!(null), json!(1), json!(["a"])] {
        let who = check(&signed(&with("name", name))).unwrap();
        assert_eq!(who.display_name, "ada@northwind.example");
    }
    let shown = check(&signed(&with("name", format!("a\u{7}\nb{}", "é".repeat(300))))).unwrap().display_name;
    assert_eq!((shown.chars().count(), &shown[..2]), (200, "ab"));
}

/// A12: access tokens, version 1 tokens and tokens of applications are no proof that somebody signed in.
#[test]
fn a_token_of_another_kind_is_refused() {
    for (name, value) in [
        ("idtyp", json!("app")),
        ("idtyp", json!("user")),
        ("idtyp", json!(null)),
        ("scp", json!("access_as_user")),
        ("azp", json!(CLIENT)),
        ("azpacr", json!("0")),
        ("appid", json!(CLIENT)),
        ("appidacr", json!("1")),
    ] {
        refused(&signed(&with(name, value)), Rejected::Kind(name), name);
    }
    let access = json!({
        "aud": CLIENT, "iss": format!("https://login.example/{TID}/v2.0"), "iat": NOW, "nbf": NOW, "exp": NOW + 3900, "aio": "AX", "azp": CLIENT, "azpacr": "0",
        "name": "Abe", "oid": OID, "preferred_username": "abe@northwind.example", "rh": "I", "scp": "access_as_user", "sub": "HKZ", "tid": TID, "uti": "fq", "ver": "2.0",
    });
    refused(&signed(&access.to_string()), Rejected::Kind("scp"), "a version 2 access token");
    let version_1 = json!({
        "aud": "https://api.example", "iss": format!("https://sts.windows.net/{OTHER_TID}/"), "iat": NOW, "nbf": NOW, "exp": NOW + 3900, "appid": CLIENT,
        "appidacr": "0", "oid": OID, "scp": "user_impersonation", "sub": "HKZ", "tid": TID, "ver": "1.0",
    });
    assert!(
        check(&signed(&version_1.to_string())).is_err(),
        "a version 1 access token, whose issuer names another directory"
    );
}

/// A13.
#[test]
fn a_token_is_good_in_its_time_and_a_minute_around_it() {
    let token = signed(&text(&good()));
    for (after_exp, fine) in [(-61, true), (-60, true), (0, true), (60, true), (61, false), (86_400, false)] {
        let expected = if fine { None } else { Some(Rejected::Time("exp")) };
        assert_eq!(check_at(&token, NOW + 3600 + after_exp, TEMPLATE).err(), expected, "exp {after_exp:+}");
    }
    for (ahead, fine) in [(-61, true), (-60, true), (0, true), (60, true), (61, false), (3600, false)] {
        for name in ["nbf", "iat"] {
            let mut bent = good();
            bent.insert(name.to_owned(), json!(NOW + ahead));
            bent.insert("exp".to_owned(), json!(NOW + 7200));
            let expected = if fine { None } else { Some(Rejected::Time(name)) };
            assert_eq!(check(&signed(&text(&bent))).err(), expected, "{name} {ahead:+}");
        }
    }
    for (lifetime, fine) in [
        (1, true),
        (86_400, true),
        (86_401, false),
        (0, false),
        (-1, false),
        (253_402_300_799 - NOW, false),
        (i64::MAX - NOW, false),
    ] {
        let token = signed(&with("exp", NOW + lifetime));
        assert_eq!(check(&token).is_ok(), fine, "good for {lifetime} s");
    }
    let mut early = good();
    early.insert("nbf".to_owned(), json!(NOW - 90_000));
    refused(&signed(&text(&early)), Rejected::Time("exp"), "good for more than a day from nbf on");
    early.insert("nbf".to_owned(), json!(0));
    early.insert("iat".to_owned(), json!(0));
    refused(&signed(&text(&early)), Rejected::Time("exp"), "issued in 1970");
}
