//! A function for the tests: this test binary, started again with the one test that plays the function.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use local::cloud::FunctionSettings;
use serde_json::{Value, json};

pub(crate) fn settings(name: &str, timeout: Duration, max_instances: usize) -> FunctionSettings {
    let words =
        ["--exact", "fake_function::plays_a_function", "--ignored", "--nocapture", "--test-threads=1"];
    FunctionSettings {
        name: name.to_owned(),
        binary: std::env::current_exe().unwrap(),
        arguments: words.map(str::to_owned).to_vec(),
        environment: vec![("FAKE_FUNCTION".to_owned(), "yes".to_owned())],
        timeout,
        max_instances,
        user: None,
    }
}

#[test]
#[ignore = "started by the local cloud, as a function"]
#[expect(clippy::disallowed_methods, reason = "a function reads its environment")]
fn plays_a_function() {
    match std::env::var("FAKE_FUNCTION").as_deref() {
        Ok("http") => return with_lambda_http(),
        Ok(_) => {}
        Err(_) => return,
    }
    let mut api = RuntimeApi::connect(&std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap());
    loop {
        let (id, event) = api.next();
        let (kind, answer) = match work(&event) {
            Ok(answer) => ("response", answer),
            Err(message) => ("error", json!({"errorType": "Fake", "errorMessage": message})),
        };
        api.post(&format!("/2018-06-01/runtime/invocation/{id}/{kind}"), &answer.to_string());
    }
}

fn work(event: &Value) -> Result<Value, String> {
    if let Some(records) = event["Records"].as_array() {
        let failed = records.iter().filter(|record| record["body"].as_str().unwrap().contains("poison"));
        let failed: Vec<_> = failed.map(|record| json!({"itemIdentifier": record["messageId"]})).collect();
        println!("worked {} records", records.len());
        return Ok(json!({"batchItemFailures": failed}));
    }
    if event["version"] == "2.0" {
        let cookies = ["a=1", "b=2"];
        return Ok(
            json!({"statusCode": 201, "headers": {"x-fake": "yes"}, "cookies": cookies, "body": event.to_string()}),
        );
    }
    match event["do"].as_str() {
        Some("fail") => return Err("as asked".to_owned()),
        Some("exit") => std::process::exit(3),
        Some("sleep") => std::thread::sleep(Duration::from_millis(event["ms"].as_u64().unwrap())),
        _ => {}
    }
    Ok(json!({"pid": std::process::id(), "event": event}))
}

/// The runtime and the router glue that the real functions are built with.
fn with_lambda_http() {
    use lambda_http::{Body, Request, RequestExt, Response, service_fn};
    let handler = service_fn(async |request: Request| {
        let seen = json!({
            "method": request.method().as_str(),
            "uri": request.uri().to_string(),
            "raw_path": request.raw_http_path(),
            "cookie": request.headers()["cookie"].to_str().unwrap(),
            "body": std::str::from_utf8(request.body()).unwrap(),
        });
        let response = Response::builder()
            .status(202)
            .header("set-cookie", "a=1; HttpOnly")
            .header("set-cookie", "b=2")
            .header("content-type", "application/json")
            .body(Body::from(seen.to_string()));
        Ok::<_, std::convert::Infallible>(response.unwrap())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(lambda_http::run(handler)).unwrap();
}

/// The smallest client of the Runtime API that keeps its connection.
struct RuntimeApi {
    stream: BufReader<TcpStream>,
}

impl RuntimeApi {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    fn next(&mut self) -> (String, Value) {
        let next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: api\r\n\r\n";
        self.stream.get_mut().write_all(next.as_bytes()).unwrap();
        let (headers, body) = self.answer();
        let id = headers.iter().find_map(|line| line.strip_prefix("lambda-runtime-aws-request-id: "));
        (id.unwrap().to_owned(), serde_json::from_slice(&body).unwrap())
    }

    fn post(&mut self, path: &str, body: &str) {
        let length = body.len();
        let request = format!("POST {path} HTTP/1.1\r\nhost: api\r\ncontent-length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        self.answer();
    }

    fn answer(&mut self) -> (Vec<String>, Vec<u8>) {
        let lines = self.stream.by_ref().lines().map(Result::unwrap);
        let headers: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let length = headers.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.stream.read_exact(&mut body).unwrap();
        (headers, body)
    }
}
