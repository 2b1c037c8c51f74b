//! A browser as far as sign-in needs one: it keeps cookies and follows nothing by itself.

use std::collections::BTreeMap;

use local::{oidc::Account, stack::Stack};
use reqwest::{Method, Url, header::LOCATION};
use tests::caller::{Anonymous, Answer, Caller, Proof, send};

pub(super) const SESSION: &str = "__Host-signalbox";
pub(super) const FLOW: &str = "__Host-signalbox-flow";

#[derive(Clone)]
pub(super) struct Browser {
    site: Anonymous,
    pub(super) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(super) fn new(stack: &Stack) -> Self {
        Self { site: Anonymous::at(stack.url()), cookies: BTreeMap::new() }
    }

    /// One request of the site, as a page of the site would make it.
    pub(super) async fn ask(&mut self, method: Method, path: &str) -> Answer {
        let origin = self.site.url().to_owned();
        self.ask_from(method, path, Some(&origin)).await
    }

    /// One request, with the origin of the page that makes it.
    pub(super) async fn ask_from(&mut self, method: Method, path: &str, origin: Option<&str>) -> Answer {
        let mut request =
            self.site.request(method.clone(), &format!("/{path}")).header("accept", "text/html,*/*");
        if !self.cookies.is_empty() {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        if let Some(origin) = origin.filter(|_| method == Method::POST) {
            request = request.header("origin", origin);
        }
        let answer = send(request).await;
        self.keep(&answer);
        answer
    }

    /// Begins a sign-in: the provider's address.
    pub(super) async fn begin(&mut self, query: &str) -> Url {
        let answer = self.ask(Method::GET, &format!("/auth/login{query}")).await;
        answer.expect(302);
        Url::parse(answer.header("location")).expect("the provider's address")
    }

    /// The provider's half: this person signs in there. The path and query of the callback.
    pub(super) async fn choose(&self, mut provider: Url, who: &Account) -> String {
        provider.query_pairs_mut().append_pair("login_hint", &who.user_name);
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        let answer = client.expect("a client").get(provider).send().await.expect("the provider answers");
        let back =
            answer.headers().get(LOCATION).and_then(|it| it.to_str().ok()).expect("the provider sends back");
        let back = Url::parse(back).expect("an address");
        assert_eq!(back.path(), "/auth/callback");
        format!("{}?{}", back.path(), back.query().unwrap_or_default())
    }

    /// The whole of it.
    pub(super) async fn sign_in(&mut self, who: &Account) -> Answer {
        let provider = self.begin("").await;
        let callback = self.choose(provider, who).await;
        self.ask(Method::GET, &callback).await
    }

    fn keep(&mut self, answer: &Answer) {
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().expect("text");
            let (name, value) =
                set.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The `Set-Cookie` of this name.
pub(super) fn set_cookie<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let all = answer.headers.get_all("set-cookie").into_iter().filter_map(|set| set.to_str().ok());
    all.into_iter().find(|set| set.split('=').next() == Some(name))
}

/// Somebody opens the link and signs in.
pub(super) async fn open(stack: &Stack, query: &str, who: &Account) -> Answer {
    let mut browser = Browser::new(stack);
    let provider = browser.begin(query).await;
    let callback = browser.choose(provider, who).await;
    browser.ask(Method::GET, &callback).await
}

/// The session that a sign-in was answered with, for a program.
#[track_caller]
pub(super) fn session(stack: &Stack, answer: &Answer) -> Caller {
    let set = set_cookie(answer, SESSION).unwrap_or_else(|| panic!("no session: {}", answer.text()));
    let token = set.split(['=', ';']).nth(1).expect("a value");
    Caller::new(stack.url(), Proof::Bearer(token.to_owned()))
}
