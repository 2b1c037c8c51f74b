use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::{Client, Response, redirect};
use serde_json::json;
use url::Url;

use super::*;

const CALLBACK: &str = "http://127.0.0.1:9/auth/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct World {
    provider: Provider,
    browser: Client,
    ada: Account,
}

async fn world() -> World {
    let settings = ProviderSettings {
        port: 0,
        keys: Vec::new(),
        client_id: Uuid::from_u128(7),
        client_secret: "s&cret".to_owned(),
    };
    let provider = Provider::start(settings).await.unwrap();
    let directory_id = Uuid::from_u128(1);
    let ada = Account {
        directory_id,
        object_id: Uuid::from_u128(2),
        name: "Ada <b>".to_owned(),
        user_name: "ada@example.com".to_owned(),
    };
    provider.add_directory(directory_id, "Example");
    provider.add_person(ada.clone());
    provider.allow_redirect(CALLBACK);
    let browser = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    World { provider, browser, ada }
}

impl World {
    fn request<'a>(&'a self, change: &[(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
        let mut params = vec![
            ("client_id", self.provider.client_id().to_string()),
            ("response_type", "code".to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("response_mode", "query".to_owned()),
            ("scope", "openid profile".to_owned()),
            ("state", "the state".to_owned()),
            ("nonce", "the nonce".to_owned()),
            ("code_challenge", CHALLENGE.to_owned()),
            ("code_challenge_method", "S256".to_owned()),
        ];
        for (name, value) in change {
            params.retain(|(it, _)| it != name);
            params.push((name, (*value).to_owned()));
        }
        params
    }

    async fn authorize(&self, change: &[(&str, &str)]) -> Response {
        let url = format!("{}/organizations/oauth2/v2.0/authorize", self.provider.base());
        self.browser.get(url).query(&self.request(change)).send().await.unwrap()
    }

    async fn code(&self) -> String {
        query(&self.authorize(&[("login_hint", "ada@example.com")]).await)["code"].clone()
    }

    async fn redeem(&self, code: &str, change: &[(&str, &str)]) -> (u16, Value) {
        let mut form = vec![
            ("client_id", self.provider.client_id().to_string()),
            ("client_secret", "s&cret".to_owned()),
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ];
        for (name, value) in change {
            form.retain(|(it, _)| it != name);
            form.push((name, (*value).to_owned()));
        }
        let url = format!("{}/organizations/oauth2/v2.0/token", self.provider.base());
        let answer = self.browser.post(url).form(&form).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.provider.base());
        self.browser.get(url).send().await.unwrap().json().await.unwrap()
    }
}

fn query(answer: &Response) -> std::collections::HashMap<String, String> {
    assert_eq!(answer.status(), 302);
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(CALLBACK), "{location}");
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn a_whole_sign_in_ends_in_a_token_that_the_published_keys_verify() {
    let world = world().await;
    let back = query(&world.authorize(&[("login_hint", "ada@example.com")]).await);
    assert_eq!(back["state"], "the state");
    let (status, answer) = world.redeem(&back["code"], &[]).await;
    assert_eq!(status, 200, "{answer}");

    let metadata = world.get("/organizations/v2.0/.well-known/openid-configuration").await;
    assert_eq!(metadata["issuer"], format!("{}/{{tenantid}}/v2.0", world.provider.base()));
    let keys = metadata["jwks_uri"].as_str().unwrap().strip_prefix(world.provider.base()).unwrap();
    let keys = world.get(keys).await;
    assert_eq!(keys["keys"][0]["issuer"], metadata["issuer"]);
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[world.provider.client_id()]);
    validation.set_issuer(&[world.provider.issuer(world.ada.directory_id)]);
    let token = answer["id_token"].as_str().unwrap();
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    assert_eq!(claims["tid"], json!(world.ada.directory_id));
    assert_eq!(claims["oid"], json!(world.ada.object_id));
    assert_eq!((&claims["nonce"], &claims["ver"]), (&json!("the nonce"), &json!("2.0")));
}

#[tokio::test]
async fn a_code_is_good_once_and_only_for_its_own_sign_in() {
    let world = world().await;
    let code = world.code().await;
    assert_eq!(world.redeem(&code, &[]).await.0, 200);
    for (code, change, error) in [
        (code, ("state", ""), "invalid_grant"),
        (
            world.code().await,
            ("code_verifier", "another-verifier-that-is-long-enough-to-be-one"),
            "invalid_grant",
        ),
        (world.code().await, ("code_verifier", ""), "invalid_grant"),
        (world.code().await, ("redirect_uri", "http://127.0.0.1:9/other"), "invalid_grant"),
        (world.code().await, ("client_secret", "guess"), "invalid_client"),
        (world.code().await, ("grant_type", "password"), "unsupported_grant_type"),
    ] {
        let (status, answer) = world.redeem(&code, &[change]).await;
        assert!(matches!(status, 400 | 401), "{status}");
        assert_eq!(answer["error"], error, "{change:?}");
        assert_eq!(
            world.redeem(&code, &[]).await.0 == 200,
            error == "invalid_client" || error.starts_with("unsupported")
        );
    }
}

#[tokio::test]
async fn a_request_without_pkce_is_sent_back_and_one_to_a_stranger_is_not() {
    let world = world().await;
    for (change, error) in [
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("response_type", "id_token"), "unsupported_response_type"),
        (("response_mode", "form_post"), "invalid_request"),
        (("scope", "profile"), "invalid_scope"),
        (("prompt", "none"), "interaction_required"),
    ] {
        let back = query(&world.authorize(&[change, ("login_hint", "ada@example.com")]).await);
        assert_eq!((back["error"].as_str(), back["state"].as_str()), (error, "the state"), "{change:?}");
    }
    for change in [("redirect_uri", "http://evil.example/"), ("client_id", "8")] {
        assert_eq!(world.authorize(&[change]).await.status(), 400);
    }
}

#[tokio::test]
async fn the_page_lists_people_and_a_choice_goes_on() {
    let world = world().await;
    let page = world.authorize(&[]).await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:9;"), "{policy}");
    let html = page.text().await.unwrap();
    assert!(html.contains("Ada &lt;b&gt;") && !html.contains("Ada <b>"), "{html}");
    let url = format!("{}/organizations/oauth2/v2.0/authorize/choose", world.provider.base());
    let form = world.request(&[("choice", "ada@example.com")]);
    let back = query(&world.browser.post(&url).form(&form).send().await.unwrap());
    assert_eq!(world.redeem(&back["code"], &[]).await.0, 200);
    let form = world.request(&[("cancel", "1")]);
    let back = query(&world.browser.post(&url).form(&form).send().await.unwrap());
    assert_eq!(back["error"], "access_denied");
}

#[tokio::test]
async fn keys_rotate_survive_a_restart_and_are_retired() {
    let world = world().await;
    let first = world.provider.keys();
    let id = world.provider.rotate_key();
    let keys = world.get("/common/discovery/v2.0/keys").await;
    assert_eq!((keys["keys"].as_array().unwrap().len(), &keys["keys"][0]["kid"]), (2, &json!(id)));
    assert_eq!(world.provider.key_reads(), 1);
    world.provider.retire_keys();
    assert_eq!(world.get("/common/discovery/v2.0/keys").await["keys"].as_array().unwrap().len(), 1);
    let kept = SigningKey::read(&first[0]).unwrap();
    assert_eq!(kept.write(), first[0]);
}

#[tokio::test]
async fn tests_can_mint_what_no_provider_would() {
    let world = world().await;
    let claims = world.provider.claims(&world.ada, "n");
    let header = json!({ "alg": "none", "kid": null }).as_object().unwrap().clone();
    let token = world.provider.mint_with(&claims, &header, &Signature::None);
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts[2], "");
    assert_eq!(parts[0], "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0");
}

#[tokio::test]
async fn an_unknown_directory_and_an_outage_are_answered_as_entra_does() {
    let world = world().await;
    let refused = world.get(&format!("/{}/v2.0/.well-known/openid-configuration", Uuid::from_u128(99))).await;
    assert_eq!(refused["error"], "invalid_tenant");
    assert_eq!(refused["error_codes"], json!([90002]));
    world.provider.set_down(true);
    assert_eq!(world.authorize(&[]).await.status(), 503);
}
