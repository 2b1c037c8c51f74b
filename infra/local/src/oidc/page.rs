//! The pages: whom to sign in as, what went wrong, good-bye. Plain HTML without scripts, under a strict policy.

use std::fmt::Write;

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use url::Url;

use super::State;
use super::flow::{Params, Refusal, Tenant};

/// The list of people, each a button. `params` is the request that the choice goes on with.
pub(super) fn people(state: &State, tenant: Tenant, redirect_uri: &str, params: &Params) -> Response {
    let action = format!("/{}/oauth2/v2.0/authorize/choose", tenant.segment());
    let mut form = format!("<form method=\"post\" action=\"{action}\">");
    for (name, value) in params.iter().filter(|(name, _)| !matches!(name.as_str(), "login_hint" | "choice")) {
        put(
            &mut form,
            format_args!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value)),
        );
    }
    for (id, directory) in &state.directories {
        let of_directory = |it: &&super::Account| it.directory_id == *id && tenant.has(it);
        if !state.accounts.iter().any(|it| of_directory(&it)) {
            continue;
        }
        put(&mut form, format_args!("<h2>{}</h2>", escape(directory)));
        for account in state.accounts.iter().filter(of_directory) {
            let (name, user) = (escape(&account.name), escape(&account.user_name));
            let initial = name.chars().next().unwrap_or('?');
            put(
                &mut form,
                format_args!(
                    "<button name=\"choice\" value=\"{user}\"><i aria-hidden=\"true\">{initial}</i>\
                     <span><b>{name}</b><small>{user}</small></span></button>"
                ),
            );
        }
    }
    form.push_str("<button class=\"quiet\" name=\"cancel\" value=\"1\">Cancel</button></form>");
    let body = format!(
        "<h1>Pick an account</h1><p>You are on your own machine: these people are made up and need no password.</p>{form}"
    );
    // Browsers hold the redirect after a form to the same list as the form itself.
    let origin = Url::parse(redirect_uri).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    page(StatusCode::OK, &body, &format!("'self' {origin}"))
}

/// What is wrong with a request that cannot be sent back.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let body = format!("<h1>Sorry, that did not work</h1><p>{}</p>", escape(&refusal.description));
    page(StatusCode::BAD_REQUEST, &body, "'none'")
}

/// After signing out.
pub(super) fn signed_out() -> Response {
    page(StatusCode::OK, "<h1>You are signed out</h1><p>You may close this window.</p>", "'none'")
}

/// The style sheet.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

fn page(status: StatusCode, body: &str, form_action: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign in</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/style.css\"></head>\
         <body><main>{body}</main></body></html>"
    );
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (status, headers, Html(html)).into_response()
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a String takes everything");
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5b6776; --line: #d8dee6; --card: #fff; --back: #eef2f6; --mark: #0b6e6e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf3; --soft: #9aa7b6; --line: #33404f; --card: #18212b; --back: #0f151c; --mark: #4fc3bd }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--ink);
  font: 16px/1.45 system-ui, sans-serif }
main { width: min(26rem, 100vw); padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px }
h1 { margin: 0 0 .25rem; font-size: 1.35rem }
h2 { margin: 1.4rem 0 .4rem; font-size: .8rem; font-weight: 600; color: var(--soft) }
p { margin: 0; color: var(--soft); font-size: .9rem }
button { display: flex; gap: .8rem; align-items: center; width: 100%; padding: .55rem .7rem; margin: .3rem 0; font: inherit;
  color: inherit; text-align: left; background: none; border: 1px solid var(--line); border-radius: 8px; cursor: pointer }
button:hover, button:focus-visible { border-color: var(--mark); outline: 2px solid var(--mark); outline-offset: -1px }
button i { flex: none; width: 2.1rem; height: 2.1rem; display: grid; place-items: center; border-radius: 50%;
  background: var(--mark); color: var(--card); font-style: normal; font-weight: 600 }
button b, button small { display: block }
button b { font-weight: 600 }
button small { color: var(--soft) }
button.quiet { justify-content: center; margin-top: 1.2rem; border-color: transparent; color: var(--soft) }
";
