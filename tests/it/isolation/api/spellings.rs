//! Protected paths spelled in ways that have fooled others: none is ever answered with what stands behind it.

use tests::{caller::Anonymous, stack};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{document::operations, planted::Planted};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];

/// A path in other words.
fn spellings(path: &str) -> Vec<String> {
    let (start, last) = path.rsplit_once('/').expect("a path");
    let first = last.chars().next().unwrap_or('x');
    let mut spelled = vec![
        path.to_owned(),
        path.to_uppercase(),
        format!("{path}/"),
        format!("{path}//"),
        format!("{path}/."),
        format!("{path}/%2e"),
        format!("{path}/health"),
        format!("{path}/../health/../{last}"),
        format!("{path}%2fhealth"),
        format!("{path}%2Fopenapi.json"),
        format!("{path};x=/api/v1/health"),
        format!("{path};.json"),
        format!("{path}.json"),
        format!("{path}%00"),
        format!("{path}%00/health"),
        format!("{path}%20"),
        format!("{path}%09"),
        format!("{path}?x=/api/v1/health"),
        format!("{path}?/health"),
        format!("{path}#/health"),
        format!("{path}&health"),
        format!("/{path}"),
        format!("//{path}"),
        format!("/.{path}"),
        format!("/health{path}"),
        format!("/auth{path}"),
        format!("/auth/login/..{path}"),
        format!("/auth/..{path}"),
        format!("/auth/%2e%2e{path}"),
        format!("/auth/..%2f{}", path.trim_start_matches('/')),
        format!("/ui/..{path}"),
        format!("/api/v1/health/..{}", path.trim_start_matches("/api/v1")),
        format!("/api/v1/health/%2e%2e{}", path.trim_start_matches("/api/v1")),
        format!("/api/v1/health;/..{}", path.trim_start_matches("/api/v1")),
        format!("/api/v1/./{}", path.trim_start_matches("/api/v1/")),
        format!("/api//v1/{}", path.trim_start_matches("/api/v1/")),
        format!("/API/V1/{}", path.trim_start_matches("/api/v1/")),
        format!("/api/v1\\{}", path.trim_start_matches("/api/v1/")),
    ];
    spelled.push(format!("{start}/%{:02x}{}", u32::from(first), &last[first.len_utf8().min(last.len())..]));
    spelled.push(format!("{start}/%25{:02x}{}", u32::from(first), &last[first.len_utf8().min(last.len())..]));
    spelled
}

/// Sends a request as it is written; gives the status, the content type and the body. None where the line itself was refused.
async fn raw(address: &str, method: &str, target: &str, more: &str) -> Option<(u16, String, String)> {
    let mut stream = TcpStream::connect(address).await.expect("the gateway");
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n{more}\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let kind =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-type: ").map(str::to_owned));
    Some((status, kind.unwrap_or_default(), body.to_owned()))
}

/// Whether an answer is what anybody may have: a refusal, a static page, or one of the two public routes.
fn is_harmless(status: u16, kind: &str, body: &str, public: &[String]) -> bool {
    let is_static =
        ["text/html", "text/css", "text/javascript", "image/svg"].iter().any(|it| kind.starts_with(it));
    !(200..300).contains(&status) || is_static || public.iter().any(|known| body.contains(known.as_str()))
}

#[test]
fn no_spelling_of_a_protected_path_is_public() {
    stack::with(async |stack| {
        let planted = Planted::new(stack).await;
        let address = stack.url().trim_start_matches("http://").to_owned();
        let nobody = Anonymous::at(stack.url());
        let public = [nobody.get("/health").await.text(), nobody.get("/openapi.json").await.text()];
        let operations = operations(stack.url()).await;
        let (mut paths, mut tried): (Vec<String>, usize) = (Vec::new(), 0);
        for operation in operations.iter().filter(|operation| operation.permission != "public") {
            paths.push(format!("/api/v1{}", planted.path(operation)));
        }
        paths.sort();
        paths.dedup();
        for (n, path) in paths.iter().enumerate() {
            // Each path with each spelling; every sixth with each method as well.
            let methods = if n % 6 == 0 { &METHODS[..] } else { &METHODS[..1] };
            for target in spellings(path) {
                for method in methods {
                    for more in ["", "X-HTTP-Method-Override: GET\r\nX-Original-URL: /api/v1/health\r\n"] {
                        let answer = raw(&address, method, &target, more).await;
                        let Some((status, kind, body)) = answer else { continue };
                        assert!(
                            is_harmless(status, &kind, &body, &public),
                            "{method} {target}: {status} {body}"
                        );
                        assert!(status < 500 || status == 501, "{method} {target}: {status} {body}");
                        tried += 1;
                    }
                }
            }
        }
        assert!(tried > 1_000, "{tried} requests");
    });
}
