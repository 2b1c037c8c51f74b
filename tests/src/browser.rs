//! A real browser: headless Chromium, driven over WebDriver as a person's hands and eyes would.
//!
//! Found on the machine or installed once from Debian's packages without touching the system ([`install`]). It starts with
//! an empty profile, asks nothing of the network by itself, and dies with the test.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use local::process::Process;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::install::{self as programs, Program};
use crate::stack;
use crate::work;

mod install;

/// How WebDriver names an element (W3C WebDriver, "web element identifier").
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Longest that a page may take to show something, on a busy machine.
const SHOWN: Duration = Duration::from_secs(30);

/// One browser with one window.
pub struct Browser {
    session: String,
    client: Client,
    _driver: Process,
    _sockets: Sockets,
}

/// A folder for its sockets, whose addresses have room for a hundred bytes: a test's own folder is too deep.
struct Sockets(PathBuf);

impl Sockets {
    fn new() -> std::io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("sbx-{}", programs::free_port()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // What cannot be removed is empty but for a socket.
        let _kept = std::fs::remove_dir_all(&self.0);
    }
}

/// The files of a browser.
struct Programs {
    chromium: PathBuf,
    chromedriver: PathBuf,
    /// Where libraries are that the system lacks.
    libraries: Option<String>,
}

impl Browser {
    /// Opens one; none, and said aloud, where it cannot be had.
    pub async fn open() -> Option<Self> {
        let found = tokio::task::spawn_blocking(install::programs).await.expect("not cancelled");
        let started = match found {
            Ok(programs) => Self::start(programs).await,
            Err(why) => Err(why),
        };
        started.map_err(|why| programs::absent("Chromium", &why)).ok()
    }

    async fn start(programs: Programs) -> Result<Self, String> {
        let port = programs::free_port();
        let home = stack::folder(&work::fresh("browser"));
        std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
        let sockets = Sockets::new().map_err(|error| error.to_string())?;
        let text = home.display().to_string();
        let libraries = programs.libraries.map(|folders| ("LD_LIBRARY_PATH".to_owned(), folders));
        let environment =
            [("HOME", text.clone()), ("TMPDIR", sockets.0.display().to_string()), ("PATH", programs::path())];
        let environment =
            environment.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(libraries);
        let driver = Program {
            path: &programs.chromedriver,
            arguments: vec![format!("--port={port}")],
            environment: environment.collect(),
            folder: &home,
        };
        let driver = driver.start().await;
        let client =
            Client::builder().no_proxy().timeout(Duration::from_secs(120)).build().expect("a client");
        let base = format!("http://127.0.0.1:{port}");
        let deadline = Instant::now() + SHOWN;
        while client.get(format!("{base}/status")).send().await.is_err() {
            if Instant::now() > deadline {
                return Err(format!("chromedriver does not answer (see {text}/log)"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let wanted = capabilities(&programs.chromium.display().to_string(), &format!("{text}/profile"));
        let answer = client.post(format!("{base}/session")).json(&wanted).send().await;
        let answer: Value = answer.map_err(|e| e.to_string())?.json().await.map_err(|e| e.to_string())?;
        let id = answer["value"]["sessionId"].as_str().ok_or_else(|| answer.to_string())?;
        Ok(Self { session: format!("{base}/session/{id}"), client, _driver: driver, _sockets: sockets })
    }

    /// Goes to an address.
    pub async fn go(&self, url: &str) {
        self.command(Method::POST, "/url", json!({ "url": url })).await.expect("a page");
    }

    /// The address it is at.
    pub async fn address(&self) -> String {
        let address = self.command(Method::GET, "/url", Value::Null).await.expect("an address");
        address.as_str().unwrap_or_default().to_owned()
    }

    /// Waits for an element and gives its text.
    pub async fn text(&self, css: &str) -> String {
        let element = self.element(css).await;
        let text = self.command(Method::GET, &format!("/element/{element}/text"), Value::Null).await;
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits for an element and clicks it, as often as the page redraws under the pointer.
    pub async fn click(&self, css: &str) {
        self.click_where(css, "").await;
    }

    /// Clicks the first element of this kind that shows this text.
    pub async fn click_where(&self, css: &str, text: &str) {
        let deadline = Instant::now() + SHOWN;
        loop {
            let clicked = self.try_click(css, text).await;
            let Err(why) = clicked else { return };
            if Instant::now() > deadline {
                panic!(
                    "{css} {text:?} cannot be clicked at {}: {why}\n{}",
                    self.address().await,
                    self.page().await
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn try_click(&self, css: &str, text: &str) -> Result<(), String> {
        let found = json!({ "using": "css selector", "value": css });
        let found = self.command(Method::POST, "/elements", found).await?;
        for element in found.as_array().into_iter().flatten() {
            let id = element[ELEMENT].as_str().unwrap_or_default();
            let shown = self.command(Method::GET, &format!("/element/{id}/text"), Value::Null).await?;
            if shown.as_str().is_some_and(|shown| shown.contains(text)) {
                return self
                    .command(Method::POST, &format!("/element/{id}/click"), json!({}))
                    .await
                    .map(drop);
            }
        }
        Err("no such element".to_owned())
    }

    /// Waits until an element is there.
    pub async fn see(&self, css: &str) {
        self.element(css).await;
    }

    /// Runs a script in the page and gives what it returns.
    pub async fn script(&self, text: &str) -> Value {
        let script = json!({ "script": text, "args": [] });
        self.command(Method::POST, "/execute/sync", script).await.unwrap_or(Value::Null)
    }

    /// What the page has complained about in the console since the last look: errors, refused scripts and styles.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.command(Method::POST, "/se/log", json!({ "type": "browser" })).await;
        let log = log.expect("chromedriver keeps the console's log");
        let serious = |entry: &&Value| entry["level"] == "SEVERE" || entry["source"] == "security";
        let entries = log.as_array().into_iter().flatten().filter(serious);
        entries.filter_map(|entry| entry["message"].as_str().map(str::to_owned)).collect()
    }

    /// The text of the whole page, for a failing test's message.
    pub async fn page(&self) -> String {
        let text = self.script("return document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    async fn element(&self, css: &str) -> String {
        let deadline = Instant::now() + SHOWN;
        loop {
            let wanted = json!({ "using": "css selector", "value": css });
            if let Ok(found) = self.command(Method::POST, "/element", wanted).await
                && let Some(id) = found[ELEMENT].as_str()
            {
                return id.to_owned();
            }
            if Instant::now() > deadline {
                panic!("there is no {css} at {}:\n{}", self.address().await, self.page().await);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn command(&self, method: Method, path: &str, body: Value) -> Result<Value, String> {
        let request = self.client.request(method, format!("{}{path}", self.session));
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let good = answer.status().is_success();
        let mut answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if good { Ok(value) } else { Err(value["message"].as_str().unwrap_or("refused").to_owned()) }
    }
}

fn capabilities(chromium: &str, profile: &str) -> Value {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1200,900",
    ];
    let arguments: Vec<String> =
        arguments.iter().map(ToString::to_string).chain([format!("--user-data-dir={profile}")]).collect();
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": { "binary": chromium, "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    } } })
}
