mod corpus;

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use corpus::NASTY;

/// A listener that must not be reached, or that answers with fixed bytes, and how often it was.
async fn listener(answer: &'static [u8]) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = hits.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut seen = [0; 4096];
            let _ = socket.read(&mut seen).await;
            let _ = socket.write_all(answer).await;
            if answer.is_empty() {
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
        }
    });
    (port, hits)
}

/// A name server that gives each answer once, the last one for ever, and counts what it was asked.
fn names(answers: &[&[&str]]) -> (Lookup, Arc<AtomicUsize>) {
    let answers: VecDeque<Vec<IpAddr>> =
        answers.iter().map(|a| a.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
    let answers = Mutex::new(answers);
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let lookup: Lookup = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut answers = answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
        Box::pin(async move { Ok(answer) })
    });
    (lookup, asked)
}

fn get(url: &str) -> Request {
    Request {
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: Vec::new(),
        deadline: Duration::from_secs(2),
        max_body: 1024,
    }
}

/// Threat B17.
#[tokio::test]
async fn no_spelling_of_a_closed_place_is_reached() {
    let (port, hits) = listener(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let egress = Egress::new(None).unwrap();
    for text in NASTY {
        let text = text.replace("{port}", &port.to_string());
        let Ok(url) = Url::parse(&text) else { continue };
        assert!(matches!(egress.check_url(&url), Err(EgressError::Refused(_))), "{text} = {url}");
        let answer = egress.send(Request { url, ..get("https://x.example/") }).await;
        assert!(matches!(answer, Err(EgressError::Refused(_))), "{text}");
    }
    assert!(NASTY.len() >= 60);
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

/// Threat B17: the URL parser itself refuses these; should it learn to read one, the table above must too.
#[test]
fn spellings_that_are_no_urls_stay_so() {
    for text in [
        "",
        "//127.0.0.1/",
        "https://",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://256.256.256.256/",
        "https://1.2.3.4.5/",
        "https://0x100000000/",
        "https://exa mple.com/",
        "https://a%00b/",
        "https://a:99999/",
        "https://127.0.0.1:80:90/",
    ] {
        assert!(Url::parse(text).is_err(), "{text}");
    }
}

/// Threat B17: names that lead inside, wholly or in part.
#[tokio::test]
async fn a_name_with_one_closed_address_is_refused() {
    for answer in [
        &["127.0.0.1"][..],
        &["8.8.8.8", "10.0.0.1"],
        &["::ffff:169.254.169.254"],
        &["64:ff9b::7f00:1"],
        &["fd00::1"],
    ] {
        let (lookup, _) = names(&[answer]);
        let egress = Egress::with_lookup(None, lookup).unwrap();
        let refused = EgressError::Refused(Rule::Address);
        assert_eq!(
            egress.send(get("https://inside.example:8443/")).await.unwrap_err(),
            refused,
            "{answer:?}"
        );
        assert_eq!(
            egress.check_tcp(("postgres", true), "inside.example", 5432).await,
            Err(refused),
            "{answer:?}"
        );
    }
}

/// Threat B17: the second answer of a rebinding name server is never asked for, or is judged like the first.
#[tokio::test]
async fn a_name_that_changes_its_mind_reaches_nothing_inside() {
    let (port, hits) = listener(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let (lookup, asked) = names(&[&["192.88.98.1"], &["127.0.0.1"]]);
    let egress = Egress::with_lookup(None, lookup).unwrap();
    let url = format!("https://rebind.example:{port}/");
    for round in 1..=20 {
        let quick = Request { deadline: Duration::from_millis(50), ..get(&url) };
        assert!(egress.send(quick).await.is_err());
        assert_eq!(asked.load(Ordering::SeqCst), round, "one question for one request");
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_exception_is_good_for_its_own_scheme_host_and_port_only() {
    let (port, hits) = listener(b"HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 2\r\n\r\nhi").await;
    let allow = format!("http://127.0.0.1:{port},postgres://127.0.0.1:{port}");
    let egress = Egress::new(Some(&allow)).unwrap();
    let answer = egress.send(get(&format!("http://127.0.0.1:{port}/x"))).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, &b"hi"[..]));
    assert_eq!(answer.headers["x-a"], "b");
    for other in [
        format!("http://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{}/", port ^ 1),
    ] {
        assert!(matches!(egress.send(get(&other)).await, Err(EgressError::Refused(_))), "{other}");
    }
    assert_eq!(hits.load(Ordering::SeqCst), 1);
    assert!(egress.check_tcp(("postgres", true), "127.0.0.1", port).await.is_ok());
    assert!(egress.check_tcp(("postgres", false), "127.0.0.1", port).await.is_ok());
    let plain = egress.check_tcp(("postgres", false), "192.0.2.1", 5432).await;
    assert_eq!(
        plain,
        Err(EgressError::Refused(Rule::Scheme)),
        "a password in the clear leaves for no other host"
    );
    assert!(egress.check_tcp(("postgres", true), "127.0.0.1", port ^ 1).await.is_err());
    assert!(egress.check_tcp(("postgres", true), "::1", port).await.is_err());
    assert!(egress.check_tcp(("http2", true), "127.0.0.1", port).await.is_err());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (inside, hits) = listener(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let answer =
        format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{inside}/\r\ncontent-length: 0\r\n\r\n");
    let (port, _) = listener(answer.leak().as_bytes()).await;
    let egress = Egress::new(Some(&format!("http://127.0.0.1:{port}"))).unwrap();
    assert_eq!(
        egress.send(get(&format!("http://127.0.0.1:{port}/"))).await.unwrap().status,
        StatusCode::FOUND
    );
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_failure_says_whether_the_request_may_have_arrived() {
    async fn ask(answer: &'static [u8]) -> EgressError {
        let (port, _) = listener(answer).await;
        let egress = Egress::new(Some(&format!("http://127.0.0.1:{port}"))).unwrap();
        let request =
            Request { deadline: Duration::from_millis(300), ..get(&format!("http://127.0.0.1:{port}/")) };
        egress.send(request).await.unwrap_err()
    }
    assert_eq!(ask(b"").await, EgressError::Timeout);
    assert_eq!(ask(b"SSH-2.0-x\r\n").await, EgressError::Broken);
    assert_eq!(ask(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi").await, EgressError::Broken);
    let too_large = EgressError::TooLarge { status: StatusCode::OK };
    assert_eq!(ask(b"HTTP/1.1 200 OK\r\ncontent-length: 1025\r\n\r\n").await, too_large);
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n401\r\n".to_vec();
    chunked.extend([b'x'; 0x401]);
    assert_eq!(ask(chunked.leak()).await, too_large);
    for error in [EgressError::Timeout, EgressError::Broken, too_large] {
        assert!(!error.never_left());
    }
}

#[tokio::test]
async fn a_request_that_never_left_says_so() {
    let (port, _) = listener(b"plain text").await;
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
    let allow = format!("https://127.0.0.1:{port},http://127.0.0.1:{closed}");
    let egress = Egress::new(Some(&allow)).unwrap();
    let failed = egress.send(get(&format!("http://127.0.0.1:{closed}/"))).await.unwrap_err();
    assert_eq!(failed, EgressError::Connect);
    assert!(failed.never_left());
    let failed = egress.send(get(&format!("https://127.0.0.1:{port}/"))).await.unwrap_err();
    assert_eq!(failed, EgressError::Tls);
    assert!(failed.never_left());
    let none: Lookup = Arc::new(|_| Box::pin(async { Err(std::io::Error::other("no such name")) }));
    let egress = Egress::with_lookup(None, none).unwrap();
    let failed = egress.send(get("https://nowhere.example/")).await.unwrap_err();
    assert_eq!(failed, EgressError::Dns);
    assert!(failed.never_left());
}

#[tokio::test]
async fn headers_that_frame_the_message_are_refused() {
    let egress = Egress::new(None).unwrap();
    for name in FRAMING {
        let mut request = get("https://example.com/");
        request.headers.insert(name.clone(), header::HeaderValue::from_static("1"));
        assert_eq!(egress.send(request).await.unwrap_err(), EgressError::Refused(Rule::Header), "{name}");
    }
}
