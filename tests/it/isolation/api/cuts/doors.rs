//! Sign-in and the operators' door in this process, cut off as the portal is. Their pools are their own, so what is looked at
//! after each cut is what the next caller gets from the same router, which must be their own and nothing else, and that the
//! server holds no transaction of theirs open.

mod platform;
mod sign_in;

use std::time::{Duration, Instant};

use axum::{Router, body::Body};
use http::header::{LOCATION, SET_COOKIE};
use http_body_util::BodyExt;
use local::{
    people::OPERATIONS,
    stack::{OPERATORS_CLIENT_ID, Stack},
};
use reqwest::{Method, Url};
use serde_json::Value;
use shared::{
    clock::Clock,
    config::{Config, Function},
};
use tests::{caller::Caller, database, dice::Dice};
use tokio_postgres::Client;
use tower::ServiceExt;

pub(super) use platform::of_operators;
pub(super) use sign_in::of_signin;

use super::cut::{Cut, Seen, panicking};
use crate::isolation::api::way::queue_url;

const SEED: u64 = 17;
/// A sign-in asks its provider before it asks the database, and an operator's is begun in each database.
const POLLS: usize = 48;

/// How many transactions that a login of this kind began are still open though their work was cut off. One that is only slow, on
/// a machine that is busy, ends meanwhile.
pub(super) async fn left_open(client: &Client, login: &str) -> i64 {
    let ask = "select count(*) from pg_stat_activity where usename ~ $1 and state like 'idle in transaction%'
               and state_change < clock_timestamp() - interval '1 second'";
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let open = client.query_one(ask, &[&login]).await.expect("a count").get(0);
        if open == 0 || Instant::now() > deadline {
            return open;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A function's router in this process.
#[derive(Clone)]
struct Door {
    router: Router,
    site: String,
}

/// One request of a door.
#[derive(Clone, Debug)]
struct Knock {
    name: String,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl Knock {
    fn new(name: &str, method: Method, path: &str) -> Self {
        let (name, path) = (name.to_owned(), path.to_owned());
        Self { name, method, path, headers: Vec::new(), body: None }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn by(self, caller: &Caller) -> Self {
        self.with("authorization", format!("Bearer {}", caller.token()))
    }

    fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self.with("content-type", "application/json")
    }

    fn request(&self, cut: Option<Cut>) -> http::Request<Body> {
        let request = http::Request::builder().method(self.method.clone()).uri(&self.path);
        let request =
            self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let body = match cut {
            Some(Cut::Within) => panicking(),
            _ => Body::from(self.body.as_ref().map(ToString::to_string).unwrap_or_default()),
        };
        request.body(body).expect("a request")
    }
}

impl Door {
    async fn signin(stack: &Stack) -> Self {
        let mut told = told(stack, "signin", "session-key", "oidc-client");
        told.extend([
            ("PROVISION_QUEUE_URL", queue_url(stack, "provision")),
            ("OIDC_AUTHORITY", stack.oidc().authority()),
            ("OIDC_CLIENT_ID", stack.oidc().client_id().to_string()),
            ("ONBOARDING", "listed".to_owned()),
        ]);
        let config = config(Function::Signin, told);
        let signin = signin::Signin::new(&config, &database::aws(stack).await, Clock::system()).await;
        Self { router: signin.expect("sign-in starts").routes(), site: stack.url().to_owned() }
    }

    async fn operators(stack: &Stack) -> Self {
        let mut told = told(stack, "operators", "operators-session-key", "operators-oidc-client");
        told.extend([
            ("OIDC_AUTHORITY", stack.oidc().issuer(OPERATIONS.directory_id)),
            ("OIDC_CLIENT_ID", OPERATORS_CLIENT_ID.to_string()),
            ("OPERATORS_DIRECTORY_ID", OPERATIONS.directory_id.to_string()),
        ]);
        let config = config(Function::Operators, told);
        let door = operators::Operators::new(&config, &database::aws(stack).await, Clock::system()).await;
        Self { router: door.expect("the door opens").router(), site: stack.url().to_owned() }
    }

    async fn serve(&self, request: http::Request<Body>) -> http::Response<Body> {
        match self.router.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    /// A whole request: its status and what it says.
    async fn whole(&self, knock: &Knock) -> (u16, Value) {
        let (parts, body) = self.serve(knock.request(None)).await.into_parts();
        let body = body.collect().await.expect("an answer is whole").to_bytes();
        (parts.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default())
    }

    /// The end of a sign-in at `/auth` or `/operators`, whose beginning and whose provider's half are done.
    async fn callback(&self, door: &str, user_name: &str) -> Knock {
        let begun =
            self.serve(Knock::new("login", Method::GET, &format!("/{door}/login")).request(None)).await;
        let cookies = begun.headers().get_all(SET_COOKIE).iter().filter_map(|set| set.to_str().ok());
        let cookies: Vec<&str> = cookies.filter_map(|set| set.split(';').next()).collect();
        let mut provider = address(begun.headers().get(LOCATION).and_then(|it| it.to_str().ok()));
        provider.query_pairs_mut().append_pair("login_hint", user_name);
        let browser =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        let chosen = browser.expect("a client").get(provider).send().await.expect("the provider answers");
        let back = address(chosen.headers().get(LOCATION).and_then(|it| it.to_str().ok()));
        let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
        Knock::new("callback", Method::GET, &path).with("cookie", cookies.join("; "))
    }

    /// Cuts one request off, and looks at what comes of the next one.
    async fn cut(
        &self,
        knock: &Knock,
        dice: &mut Dice,
        seen: &mut Seen,
        next: impl AsyncFn() -> Result<(), String>,
    ) {
        let cut = Cut::random(dice, POLLS);
        let came_to_its_end = cut.serve(self.serve(knock.request(Some(cut)))).await;
        if seen.count(cut, came_to_its_end)
            && let Err(how) = next().await
        {
            seen.wrong.push(format!("{} {} {cut:?}, seed {SEED}: {how}", knock.method, knock.name));
        }
    }
}

fn address(location: Option<&str>) -> Url {
    location.and_then(|text| Url::parse(text).ok()).expect("an address to go to")
}

/// What both are told.
fn told(stack: &Stack, function: &str, session: &str, client: &str) -> Vec<(&'static str, String)> {
    let arn = |name: &str| stack.cloud().secret_arn(name);
    let databases: Vec<&str> = stack.databases().further.iter().map(|(name, _)| name.as_str()).collect();
    vec![
        ("DATABASE_SECRET_ARN", arn(&format!("login-{function}"))),
        ("MORE_DATABASES", databases.join(",")),
        ("MORE_DATABASES_PREFIX", format!("login-{function}-")),
        ("SESSION_KEY_SECRET_ARN", arn(session)),
        ("OIDC_CLIENT_SECRET_ARN", arn(client)),
        ("PUBLIC_URL", stack.url().to_owned()),
        ("EGRESS_ALLOW", stack.oidc().base().to_owned()),
    ]
}

fn config(function: Function, told: Vec<(&'static str, String)>) -> Config {
    let told = told.into_iter().map(|(name, value)| (format!("SIGNALBOX_{name}"), value));
    Config::from_vars(function, told).expect("all that it needs")
}
