//! The web pages: one shell for every page's address, and its files, embedded. They read the API as the signed-in person and
//! nothing else, so the shell is public. `ui/README.md` says what each is.

use axum::{
    Router,
    extract::Request,
    routing::{MethodFilter, on},
};
use bytes::Bytes;
use http::StatusCode;

use crate::{App, reply::Reply, serve};

/// Addresses that are pages.
const PAGES: &[&str] = &[
    "/",
    "/signin",
    "/jobs",
    "/jobs/{id}",
    "/runs",
    "/runs/{id}",
    "/connections",
    "/schedules",
    "/users",
    "/audit",
    "/isolation",
];

/// No script, style or connection but our own, no frame around us, no form to elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

macro_rules! files {
    ($($name:literal $content_type:literal;)*) => {
        /// Name, content type and text of every file below `/ui/`.
        const FILES: &[(&str, &str, &str)] =
            &[$((concat!("/ui/", $name), $content_type, include_str!(concat!("../ui/", $name))),)*];
    };
}
files! {
    "api.js" "text/javascript; charset=utf-8";
    "app.css" "text/css; charset=utf-8";
    "app.js" "text/javascript; charset=utf-8";
    "connections.js" "text/javascript; charset=utf-8";
    "dashboard.js" "text/javascript; charset=utf-8";
    "dom.js" "text/javascript; charset=utf-8";
    "form.js" "text/javascript; charset=utf-8";
    "graph.js" "text/javascript; charset=utf-8";
    "icon.svg" "image/svg+xml";
    "isolation.js" "text/javascript; charset=utf-8";
    "job.js" "text/javascript; charset=utf-8";
    "jobs.js" "text/javascript; charset=utf-8";
    "layout.js" "text/javascript; charset=utf-8";
    "live.js" "text/javascript; charset=utf-8";
    "parts.js" "text/javascript; charset=utf-8";
    "people.js" "text/javascript; charset=utf-8";
    "run.js" "text/javascript; charset=utf-8";
    "runs.js" "text/javascript; charset=utf-8";
    "schedules.js" "text/javascript; charset=utf-8";
    "signin.js" "text/javascript; charset=utf-8";
    "start.js" "text/javascript; charset=utf-8";
    "states.js" "text/javascript; charset=utf-8";
    "times.js" "text/javascript; charset=utf-8";
}

/// Routes of the pages and their files.
pub(crate) fn routes(app: &App) -> Router {
    let shell = reply("text/html; charset=utf-8", include_str!("../ui/index.html"));
    let pages = PAGES.iter().map(|path| (*path, shell.clone()));
    let files = FILES.iter().map(|(path, content_type, text)| (*path, reply(content_type, text)));
    pages.chain(files).fold(Router::new(), |router, (path, reply)| {
        let app = app.clone();
        router.route(
            path,
            on(MethodFilter::GET, move |request: Request| serve::page(app.clone(), request, reply.clone())),
        )
    })
}

fn reply(content_type: &str, text: &'static str) -> Reply {
    Reply { status: StatusCode::OK, headers: Vec::new(), body: Bytes::from_static(text.as_bytes()) }
        .header("content-type", content_type)
        .header("cache-control", "no-cache")
        .header("content-security-policy", POLICY)
        .header("referrer-policy", "same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_pages_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/ui");
        for file in std::fs::read_dir(folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let is_served = FILES.iter().any(|(path, ..)| *path == format!("/ui/{name}"));
            assert!(is_served || matches!(name.as_str(), "README.md" | "index.html"), "{name} is not served");
        }
    }

    #[test]
    fn the_policy_names_no_other_origin_and_allows_nothing_inline() {
        assert!(!POLICY.contains("unsafe") && !POLICY.contains("http") && !POLICY.contains('*'));
    }
}
