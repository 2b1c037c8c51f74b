//! A real Apache Airflow on this machine, with two DAGs of ours: `quick`, which ends within seconds, and `long`, which
//! sleeps until it is stopped.
//!
//! Installed once from the registry, started once per test process on the port that functions under test may reach. Tests
//! ask it directly, as its own user, what really happened there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use local::process::Process;
use local::settings::on_path;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::install::{self, Program};
use crate::{stack, work};

/// What is installed.
const VERSION: &str = "apache-airflow==3.3.2";
/// The versions of what it depends on, with which it was seen to work.
const CONSTRAINTS: &str = include_str!("airflow/constraints.txt");
/// The user that it makes for itself.
pub const USER: &str = "admin";
/// Everything starts on a busy machine: database, scheduler, API.
const READY: Duration = Duration::from_secs(240);

const QUICK: &str = "\
from airflow.sdk import dag, task


@dag(dag_id='quick', schedule=None, is_paused_upon_creation=False)
def quick():
    @task
    def say(**context):
        return context['dag_run'].conf.get('word')

    say()


quick()
";

const LONG: &str = "\
import os
import time

from airflow.sdk import dag, task


@dag(dag_id='long', schedule=None, is_paused_upon_creation=False)
def long():
    @task
    def sleep():
        # A sleeper whose supervisor is gone ends, so that nothing outlives the tests.
        supervisor = os.getppid()
        for _ in range(1200):
            if os.getppid() != supervisor:
                return
            time.sleep(0.5)

    sleep()


long()
";

static SERVER: OnceCell<Result<Airflow, String>> = OnceCell::const_new();

/// A running Airflow.
pub struct Airflow {
    _process: Process,
    /// Where its API and its pages are.
    pub url: String,
    /// The password of [`USER`].
    pub password: String,
    client: Client,
}

/// The Airflow of this process; none, and said aloud, where it cannot be had.
pub async fn server() -> Option<&'static Airflow> {
    match SERVER.get_or_init(Airflow::start).await {
        Ok(airflow) => Some(airflow),
        Err(why) => {
            install::absent("Apache Airflow", why);
            None
        }
    }
}

impl Airflow {
    async fn start() -> Result<Self, String> {
        let installed = tokio::task::spawn_blocking(installed).await.map_err(|error| error.to_string())??;
        let home = stack::folder("airflow");
        let dags = home.join("dags");
        fs::create_dir_all(&dags).map_err(|error| error.to_string())?;
        for (name, text) in [("quick.py", QUICK), ("long.py", LONG)] {
            fs::write(dags.join(name), text).map_err(|error| error.to_string())?;
        }
        let (url, bin) = (format!("http://127.0.0.1:{}", stack::port("airflow")), installed.join("bin"));
        let program = Program {
            path: &bin.join("airflow"),
            arguments: vec!["standalone".to_owned()],
            environment: environment(&home, &bin, &url),
            folder: &home,
        };
        let process = program.start().await;
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client");
        let mut airflow = Self { _process: process, url, password: String::new(), client };
        airflow.ready(&home).await.map(|()| airflow)
    }

    /// Waits for the password, for the API, and for both DAGs.
    async fn ready(&mut self, home: &Path) -> Result<(), String> {
        let deadline = std::time::Instant::now() + READY;
        loop {
            if self.password.is_empty() {
                self.password = password(home).unwrap_or_default();
            }
            let dags = if self.password.is_empty() { None } else { self.dags().await };
            if dags.is_some_and(|dags| ["quick", "long"].iter().all(|dag| dags.contains(&json!(dag)))) {
                return Ok(());
            }
            if std::time::Instant::now() > deadline {
                let log = fs::read_to_string(home.join("log")).unwrap_or_default();
                let said: Vec<&str> = log.lines().rev().take(5).collect();
                return Err(format!("it did not start in {READY:?}: {}", said.join(" / ")));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn dags(&self) -> Option<Vec<Value>> {
        let answer = self.ask(Method::GET, "/dags").await.ok()?;
        Some(answer["dags"].as_array()?.iter().map(|dag| dag["dag_id"].clone()).collect())
    }

    /// One of its DAG runs, as it sees it; null for one that it does not have.
    pub async fn dag_run(&self, dag: &str, id: &str) -> Value {
        self.ask(Method::GET, &format!("/dags/{dag}/dagRuns/{id}")).await.unwrap_or(Value::Null)
    }

    /// Every DAG run of a DAG.
    pub async fn dag_runs(&self, dag: &str) -> Vec<Value> {
        let answer =
            self.ask(Method::GET, &format!("/dags/{dag}/dagRuns?limit=100")).await.expect("its DAG runs");
        answer["dag_runs"].as_array().expect("a list").clone()
    }

    /// Waits until a DAG run is in this state.
    pub async fn until(&self, dag: &str, id: &str, state: &str, within: Duration) {
        let what = format!("the DAG run {id} of {dag} is {state}");
        work::until(&what, within, async || self.dag_run(dag, id).await["state"] == state).await;
    }

    async fn ask(&self, method: Method, path: &str) -> Result<Value, reqwest::Error> {
        let login = json!({ "username": USER, "password": self.password });
        let token = self.client.post(format!("{}/auth/token", self.url)).json(&login).send().await?;
        let token: Value = token.error_for_status()?.json().await?;
        let request = self.client.request(method, format!("{}/api/v2{path}", self.url));
        let answer = request.bearer_auth(token["access_token"].as_str().unwrap_or_default()).send().await?;
        answer.error_for_status()?.json().await
    }
}

fn installed() -> Result<PathBuf, String> {
    // Airflow 3.3 runs on Python 3.10 to 3.13.
    let pythons = ["python3.13", "python3.12", "python3.11", "python3.10", "python3"];
    let fits = "import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 14))";
    let fits = |python: &&PathBuf| install::run(Command::new(python).args(["-c", fits])).is_ok();
    let found: Vec<PathBuf> = pythons.iter().filter_map(|python| on_path(python)).collect();
    let python = found.iter().find(fits).ok_or("no Python 3.10 to 3.13 with venv and pip")?;
    install::once("airflow", VERSION, |folder| {
        install::run(Command::new(python).args(["-m", "venv"]).arg(folder))?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--only-binary=:all:",
        ];
        let constraints = folder.join("constraints.txt");
        fs::write(&constraints, CONSTRAINTS).map_err(|error| error.to_string())?;
        let install = |with: &[&OsStr]| {
            install::run(Command::new(folder.join("bin/python")).args(pip).arg(VERSION).args(with))
        };
        // Another Python may need other versions.
        install(&["-c".as_ref(), constraints.as_os_str()]).or_else(|_| install(&[])).map(drop)
    })
}

fn environment(home: &Path, bin: &Path, url: &str) -> Vec<(String, String)> {
    let port = stack::port("airflow");
    let told = [
        ("PATH", format!("{}:{}", bin.display(), install::path())),
        ("HOME", home.display().to_string()),
        ("AIRFLOW_HOME", home.display().to_string()),
        ("AIRFLOW__CORE__DAGS_FOLDER", home.join("dags").display().to_string()),
        ("AIRFLOW__CORE__LOAD_EXAMPLES", "False".to_owned()),
        ("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", format!("{url}/execution/")),
        // Two workers beside the scheduler are enough for two DAGs.
        ("AIRFLOW__CORE__PARALLELISM", "2".to_owned()),
        ("AIRFLOW__API__HOST", "127.0.0.1".to_owned()),
        ("AIRFLOW__API__PORT", port.to_string()),
        ("AIRFLOW__API__BASE_URL", url.to_owned()),
        ("AIRFLOW__API__WORKERS", "1".to_owned()),
        ("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING".to_owned()),
        // Its logs are served on fixed ports unless it is told otherwise; another Airflow may have them.
        ("AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT", install::free_port().to_string()),
        ("AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT", install::free_port().to_string()),
    ];
    told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The password that it generated at its first start.
fn password(home: &Path) -> Option<String> {
    let text = fs::read_to_string(home.join("simple_auth_manager_passwords.json.generated")).ok()?;
    let passwords: Value = serde_json::from_str(&text).ok()?;
    passwords[USER].as_str().map(str::to_owned)
}
