//! A7, A8: whose token, whose key.

use super::*;

/// A7, A8.
#[test]
fn the_issuer_is_the_template_filled_with_the_tokens_own_directory() {
    for issuer in [
        format!("https://sts.windows.net/{TID}/"),
        format!("https://login.example/{OTHER_TID}/v2.0"),
        TEMPLATE.to_owned(),
        format!("https://login.example/{TID}/v2.0/"),
        format!("https://login.example/{TID}/v1.0"),
        format!("https://login.example/{TID}"),
        format!("http://login.example/{TID}/v2.0"),
        format!("https://LOGIN.example/{TID}/v2.0"),
        format!("https://login.example:443/{TID}/v2.0"),
        format!("https://login.example.evil.example/{TID}/v2.0"),
        format!("https://evil.example/login.example/{TID}/v2.0"),
        format!("https://login.example.us/{TID}/v2.0"),
        format!("https://login.example/{}/v2.0", TID.to_uppercase()),
        format!(" https://login.example/{TID}/v2.0"),
        format!("https://login.example//{TID}/v2.0"),
    ] {
        refused(&signed(&with("iss", issuer.clone())), Rejected::Claim("iss"), &issuer);
    }
    refused(&signed(&with("tid", OTHER_TID)), Rejected::Claim("iss"), "tid of another directory");
    for tid in [
        "{tenantid}",
        "organizations",
        "common",
        "x",
        "00000000-0000-0000-0000-000000000000",
        &TID.to_uppercase(),
        &TID.replace('-', ""),
        &format!("{{{TID}}}"),
    ] {
        let mut bent = good();
        bent.insert("tid".to_owned(), json!(tid));
        bent.insert("iss".to_owned(), json!(TEMPLATE.replace("{tenantid}", tid)));
        refused(&signed(&text(&bent)), Rejected::Claim("tid"), tid);
    }
    let mut consumer = good();
    consumer.insert("tid".to_owned(), json!(CONSUMERS));
    consumer.insert("iss".to_owned(), json!(TEMPLATE.replace("{tenantid}", CONSUMERS)));
    refused(&signed(&text(&consumer)), Rejected::Claim("tid"), "personal accounts");
    for oid in ["x", "00000000-0000-0000-0000-000000000000", &OID.to_uppercase(), &OID.replace('-', "")] {
        refused(&signed(&with("oid", oid)), Rejected::Claim("oid"), oid);
    }
}

/// A8: the keys of all directories are published together; each says for whom it is.
#[test]
fn a_key_of_another_issuer_signs_nothing_here() {
    let token = signed(&text(&good()));
    assert!(
        check_at(&token, NOW, "https://login.example/{TenantId}/v2.0").is_ok(),
        "the placeholder's case is free"
    );
    assert!(check_at(&token, NOW, &format!("https://login.example/{TID}/v2.0")).is_ok());
    for issuer in [
        format!("https://login.example/{CONSUMERS}/v2.0"),
        format!("https://login.example/{OTHER_TID}/v2.0"),
        "https://login.other/{tenantid}/v2.0".to_owned(),
        "https://login.example/{tenantid}/v1.0".to_owned(),
        String::new(),
    ] {
        assert_eq!(check_at(&token, NOW, &issuer), Err(Rejected::ForeignKey), "{issuer}");
    }
}
