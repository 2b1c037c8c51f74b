//! A platform outside: an HTTP server on loopback with many worlds, one a test, each under a path prefix of its own.
//! A world answers as its test scripted it and writes every request into its ledger before it answers, so that what really
//! happened outside is known whatever the system under test believes.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it was read.
    pub at: Instant,
    /// Its method.
    pub method: String,
    /// Its path below the world's prefix, with the query.
    pub path: String,
    /// Its headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// Its body.
    pub body: Bytes,
}

impl Entry {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// What a world does once a request is in the ledger.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A JSON answer.
    Json(u16, Value),
    /// Any answer, with headers.
    Raw(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Waits, then answers.
    After(Duration, Box<Answer>),
    /// Acts, and cuts the connection instead of answering.
    Cut,
    /// Never answers.
    Hang,
}

type Script = Arc<dyn Fn(&Entry, &[Entry]) -> Answer + Send + Sync>;

#[derive(Clone)]
struct State {
    script: Script,
    ledger: Arc<Mutex<Vec<Entry>>>,
}

static WORLDS: OnceLock<Server> = OnceLock::new();

struct Server {
    port: u16,
    worlds: Mutex<HashMap<String, State>>,
}

/// One test's platform.
pub struct World {
    name: String,
    state: State,
}

impl World {
    /// A world that answers by a script: the request at hand, and all before it.
    pub fn new(script: impl Fn(&Entry, &[Entry]) -> Answer + Send + Sync + 'static) -> Self {
        static WORLD: AtomicUsize = AtomicUsize::new(1);
        let name = format!("world-{}", WORLD.fetch_add(1, Ordering::Relaxed));
        let state = State { script: Arc::new(script), ledger: Arc::default() };
        server().worlds.lock().expect("not poisoned").insert(name.clone(), state.clone());
        Self { name, state }
    }

    /// A world whose every request succeeds at once with `{"ok":true}`.
    pub fn at_once() -> Self {
        Self::new(|_, _| Answer::Json(200, json!({ "ok": true })))
    }

    /// A world of asynchronous runs: `POST /runs` starts one and answers `{"id":…}`, `GET /runs/ID` says its state, which is
    /// `succeeded` after `polls` questions, `POST /runs/ID/cancel` makes it `cancelled`.
    pub fn of_runs(polls: usize) -> Self {
        Self::new(move |request, before| {
            let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
            match (request.method.as_str(), parts.as_slice()) {
                ("POST", ["runs"]) => {
                    let starts = before.iter().filter(|e| e.method == "POST" && e.path == "/runs").count();
                    Answer::Json(201, json!({ "id": format!("ext-{starts}") }))
                }
                ("GET", ["runs", _]) => {
                    let cancelled = before.iter().any(|e| e.path == format!("{}/cancel", request.path));
                    let asked = before.iter().filter(|e| e.method == "GET" && e.path == request.path).count();
                    let state = if cancelled {
                        "cancelled"
                    } else if asked >= polls {
                        "succeeded"
                    } else {
                        "running"
                    };
                    Answer::Json(200, json!({ "state": state }))
                }
                ("POST", ["runs", _, "cancel"]) => Answer::Json(202, json!({})),
                _ => Answer::Json(404, json!({ "error": "no such path" })),
            }
        })
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("{}/{}", origin(), self.name)
    }

    /// Every request so far.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state.ledger.lock().expect("not poisoned").clone()
    }

    /// How many requests so far.
    pub fn len(&self) -> usize {
        self.state.ledger.lock().expect("not poisoned").len()
    }

    /// Whether nothing was ever asked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The requests of one method and path.
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.ledger().iter().filter(|e| e.method == method && e.path == path).count()
    }
}

/// The origin of every world: the one exception that the stack under test is given to its egress rules.
pub fn origin() -> String {
    format!("http://127.0.0.1:{}", server().port)
}

fn server() -> &'static Server {
    WORLDS.get_or_init(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("bound").port();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { accept(TcpListener::from_std(listener).expect("a listener")).await });
        });
        Server { port, worlds: Mutex::default() }
    })
}

async fn accept(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            // An error of the service is a connection that is cut: just what a scripted cut wants.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

/// The connection is to be cut.
#[derive(Debug)]
struct CutHere;

impl std::fmt::Display for CutHere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by the script")
    }
}

impl std::error::Error for CutHere {}

impl From<Infallible> for CutHere {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, CutHere> {
    let full = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let (name, path) =
        full.trim_start_matches('/').split_once('/').unwrap_or((full.trim_start_matches('/'), ""));
    let world = server().worlds.lock().expect("not poisoned").get(name).cloned();
    let Some(world) = world else {
        return Ok(Response::builder().status(404).body(Full::default()).expect("a response"));
    };
    let path = format!("/{path}");
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| CutHere)?.to_bytes();
    let headers = parts
        .headers
        .iter()
        .map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
        .collect();
    let entry = Entry { at: Instant::now(), method: parts.method.to_string(), path, headers, body };
    let answer = {
        let mut ledger = world.ledger.lock().expect("not poisoned");
        let answer = (world.script)(&entry, &ledger);
        ledger.push(entry);
        answer
    };
    give(answer).await
}

async fn give(answer: Answer) -> Result<Response<Full<Bytes>>, CutHere> {
    let mut answer = answer;
    loop {
        answer = match answer {
            Answer::Json(status, body) => {
                let body = Bytes::from(body.to_string());
                let response = Response::builder().status(status).header("content-type", "application/json");
                return Ok(response.body(Full::new(body)).expect("a response"));
            }
            Answer::Raw(status, headers, body) => {
                let response =
                    headers.iter().fold(Response::builder().status(status), |r, (n, v)| r.header(*n, v));
                return Ok(response.body(Full::new(Bytes::from(body))).expect("a response"));
            }
            Answer::After(wait, then) => {
                tokio::time::sleep(wait).await;
                *then
            }
            Answer::Cut => return Err(CutHere),
            Answer::Hang => std::future::pending().await,
        };
    }
}
