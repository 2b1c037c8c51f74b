//! Signing in without a browser: the real flow against a running stack, with the person named to the provider.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response, StatusCode, redirect};
use serde_json::{Value, json};
use url::Url;

use super::{Organisation, Person};
use crate::seed::{Api, ApiError};

/// Why somebody could not sign in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Nobody answered.
    #[error("{0}")]
    Silent(#[from] reqwest::Error),
    /// A step of the flow went elsewhere.
    #[error("{step} was answered {status}: {said}")]
    Refused {
        /// Which step.
        step: &'static str,
        /// Its status.
        status: StatusCode,
        /// What the answer says.
        said: String,
    },
    /// The API refused.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// They have no such workspace.
    #[error("{person} is not a member of {organisation}")]
    NoMember {
        /// Who.
        person: &'static str,
        /// Where.
        organisation: &'static str,
    },
}

/// Signs somebody in and returns their bearer token: what the browser would keep as its session cookie.
pub async fn token(url: &str, person: &Person) -> Result<String, SignInError> {
    match person.is_operator() {
        true => operator_token_of(url, person.user_name).await,
        false => token_of(url, person.user_name).await,
    }
}

/// The same for anybody the provider knows, by the name they sign in with.
pub async fn token_of(url: &str, user_name: &str) -> Result<String, SignInError> {
    through(url, ("auth", "__Host-signalbox"), user_name).await
}

/// The same at the platform operators' door.
pub async fn operator_token_of(url: &str, user_name: &str) -> Result<String, SignInError> {
    through(url, ("operators", "__Host-signalbox-operators"), user_name).await
}

/// The flow of one door, and the session that its cookie keeps.
async fn through(url: &str, (door, cookie): (&str, &str), user_name: &str) -> Result<String, SignInError> {
    let browser = Client::builder().redirect(redirect::Policy::none()).no_proxy().build()?;
    let login = browser.get(format!("{url}/{door}/login")).send().await?;
    let cookies = cookies(&login);
    let mut provider = next(login, "the start of the sign-in").await?;
    provider.query_pairs_mut().append_pair("login_hint", user_name);
    let chosen = browser.get(provider).send().await?;
    let callback = next(chosen, "the choice of the person").await?;
    let answer = browser.get(callback).header(COOKIE, cookies).send().await?;
    match crate::seed::session(answer.headers(), cookie) {
        Some(token) => Ok(token),
        None => Err(refused(answer, "the end of the sign-in").await),
    }
}

/// The same, and then into the workspace of this organisation.
pub async fn token_at(url: &str, person: &'static Person, at: Organisation) -> Result<String, SignInError> {
    let api = Api::new(url, token(url, person).await?);
    let me = api.get("me").await?;
    if me["workspace"]["name"] == at.name {
        return Ok(api.token().to_owned());
    }
    let workspaces = me["workspaces"].as_array().into_iter().flatten();
    let there = workspaces.into_iter().find(|it| it["name"] == at.name).and_then(|it| it["id"].as_str());
    let no_member = SignInError::NoMember { person: person.name, organisation: at.name };
    let answer = api.put("me/workspace", &json!({ "workspace_id": there.ok_or(no_member)? })).await?;
    Ok(answer["token"].as_str().unwrap_or_default().to_owned())
}

/// What the browser would send back: every cookie that was set, without its attributes.
fn cookies(answer: &Response) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    set.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
}

/// Where a redirect leads.
async fn next(answer: Response, step: &'static str) -> Result<Url, SignInError> {
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    match location.and_then(|text| answer.url().join(text).ok()) {
        Some(url) if answer.status().is_redirection() => Ok(url),
        _ => Err(refused(answer, step).await),
    }
}

async fn refused(answer: Response, step: &'static str) -> SignInError {
    let status = answer.status();
    let place = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = answer.text().await.unwrap_or_default();
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let said = match place {
        Some(place) => format!("go to {place}"),
        None if text.contains("<h1>") => heading(&text),
        None => crate::seed::problem(&body),
    };
    SignInError::Refused { step, status, said }
}

/// What a page says: its heading and its first paragraph.
fn heading(html: &str) -> String {
    let element = |name: &str| {
        let (_, rest) = html.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim().to_owned())
    };
    [element("h1"), element("p")].into_iter().flatten().collect::<Vec<_>>().join(": ")
}
