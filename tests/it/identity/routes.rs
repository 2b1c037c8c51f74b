//! What is served below `/auth`, and in which spelling.

use reqwest::Method;
use tests::{
    caller::{Anonymous, send},
    stack,
};

/// Threat A21. (The gateway decodes a path once and cuts it at a `?`, before the function sees it.)
#[test]
fn only_the_exact_paths_with_their_one_method_are_served() {
    stack::with(async |stack| {
        let nobody = Anonymous::at(stack.url());
        for path in [
            "auth/login/",
            "auth//login",
            "auth/%256cogin",
            "auth/Login",
            "auth/login;x=1",
            "auth/login/health",
            "auth/health",
            "auth/login%2f",
            "auth/login%00",
            "auth/lo%0agin",
            "auth/logout/..%2flogin",
            "auth/configs",
            "auth/callback/",
            "auth/callback.json",
            "auth/x/callback",
        ] {
            for method in [Method::GET, Method::POST, Method::HEAD] {
                let answer = send(nobody.request(method.clone(), &format!("//{path}"))).await;
                assert_eq!(answer.status, 404, "{method} {path}");
                if method == Method::GET {
                    answer.problem(404, "not_found");
                }
            }
        }
        for (path, allowed) in
            [("auth/login", "GET"), ("auth/callback", "GET"), ("auth/logout", "POST"), ("auth/token", "POST")]
        {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
                if method == allowed {
                    continue;
                }
                let asked = Method::from_bytes(method.as_bytes()).expect("a method");
                let request =
                    nobody.request(asked, &format!("//{path}")).header("x-http-method-override", allowed);
                let answer = send(request).await;
                assert_eq!((answer.status, answer.header("allow")), (405, allowed), "{method} {path}");
                assert_eq!(answer.header("cache-control"), "no-store");
                assert!(!answer.headers.contains_key("set-cookie"), "{method} {path}");
            }
        }
    });
}

#[test]
fn a_program_is_told_the_same_as_a_problem_document() {
    stack::with(async |stack| {
        let nobody = Anonymous::at(stack.url());
        let request = nobody
            .request(Method::GET, "//auth/callback?code=x&state=x")
            .header("accept", "application/json");
        let answer = send(request).await;
        let problem = answer.problem(400, "sign_in_expired");
        assert_eq!(problem["request_id"], answer.header("x-request-id"));
    });
}
