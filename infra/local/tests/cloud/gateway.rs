//! HTTP through the gateway to a function and back.

use std::time::Duration;

use local::cloud::RouteSettings;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::Stage;

async fn gateway(stage: &Stage) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let route = |key: &str| RouteSettings { key: key.to_owned(), function: "fake".to_owned() };
    let routes = vec![route("ANY /auth/{proxy+}"), route("$default")];
    format!("http://{}", stage.cloud.serve_gateway(listener, routes).unwrap())
}

#[tokio::test]
async fn a_request_becomes_an_event_and_the_answer_a_response() {
    let stage = Stage::with_function(Duration::from_secs(10), 1).await;
    let url = gateway(&stage).await;
    let response = reqwest::get(format!("{url}/auth/callback?code=1")).await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-fake"], "yes");
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    let event: Value = response.json().await.unwrap();
    assert_eq!(event["routeKey"], "ANY /auth/{proxy+}");
    assert_eq!(event["requestContext"]["http"]["method"], "GET");
}

#[tokio::test]
async fn a_function_built_with_lambda_http_gets_the_request_as_it_was_sent() {
    let stage = Stage::new().await;
    let mut function = crate::fake_function::settings("fake", Duration::from_secs(10), 1);
    function.environment = vec![("FAKE_FUNCTION".to_owned(), "http".to_owned())];
    stage.cloud.add_function(function).unwrap();
    let url = gateway(&stage).await;
    let request =
        reqwest::Client::new().post(format!("{url}/jobs/a%20b?q=%C3%A9")).header("cookie", "s=1; t=2");
    let response = request.body(vec![b'x'; 100]).send().await.unwrap();
    assert_eq!(response.status(), 202);
    let cookies = response.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    assert_eq!(cookies.collect::<Vec<_>>(), ["a=1; HttpOnly", "b=2"]);
    let seen: Value = response.json().await.unwrap();
    assert_eq!(seen["method"], "POST");
    assert_eq!(seen["uri"], format!("{url}/jobs/a%20b?q=%C3%A9"));
    assert_eq!(seen["raw_path"], "/jobs/a b");
    assert_eq!(seen["cookie"], "s=1; t=2");
    assert_eq!(seen["body"], "x".repeat(100));
}

#[tokio::test]
async fn a_body_over_six_mebibytes_is_413_and_a_function_that_cannot_start_500() {
    let stage = Stage::with_function(Duration::from_secs(10), 1).await;
    let url = gateway(&stage).await;
    let post = |bytes| reqwest::Client::new().post(&url).body(vec![b'x'; bytes]).send();
    assert_eq!(post(7 * 1024 * 1024).await.unwrap().status(), 413);
    assert_eq!(post(11 * 1024 * 1024).await.map_or(413, |response| response.status().as_u16()), 413);
    let broken = crate::fake_function::settings("fake", Duration::from_secs(10), 1);
    stage.cloud.add_function(local::cloud::FunctionSettings { environment: Vec::new(), ..broken }).unwrap();
    let response = reqwest::get(&url).await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(response.text().await.unwrap(), r#"{"message":"Internal Server Error"}"#);
}
