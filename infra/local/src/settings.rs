//! What the runner is told: by whom it was started, where it keeps its state, what it may use.
//!
//! `main` fills a [`StackSettings`] from the command line, tests fill one by hand. This is the only module of the crate
//! that reads the environment. It starts nothing.
//!
//! | variable | meaning |
//! |---|---|
//! | `SIGNALBOX_DATABASE_URL` | use this Postgres server (a superuser, or a role with CREATEROLE and CREATEDB) instead of one of our own |
//! | `SIGNALBOX_EGRESS_ALLOW` | origins on loopback that functions may reach beside those of the demo |
//! | `SIGNALBOX_LOG` | passed on to the functions: error, warn, info (default) or debug |
//! | `PATH`, `CARGO` | where tools are found |

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What [`crate::stack::Stack::start`] needs to know.
#[derive(Clone, Debug)]
pub struct StackSettings {
    /// Folder that holds all state.
    pub data_dir: PathBuf,
    /// Forget the state first.
    pub fresh: bool,
    /// Port of the gateway: this one or an error. `None`: 8080, or a free one if that is taken.
    pub port: Option<u16>,
    /// Folder of the function binaries, and of `signalbox` itself, which is also the process guard.
    pub binaries: PathBuf,
    /// Origins (`scheme://host:port`) that functions may reach beside those of the demo.
    pub extra_egress: Vec<String>,
    /// Functions to run; all six unless a test wants fewer.
    pub functions: Vec<String>,
    /// Let the clock wake functions; a test that counts what one invocation does gives them their ticks itself.
    pub ticks: bool,
    /// Set up the demo: its members, warehouse, job and first run. (Its organisations are customers in any case.)
    pub seed: bool,
    /// Told what takes a while.
    pub progress: fn(&str),
    /// A Postgres server to use instead of one of our own.
    pub database_url: Option<String>,
    /// Databases beside the first, by their names.
    pub databases: Vec<String>,
    /// How long the steward may take, where a test wants it shorter than the template has it.
    pub steward_timeout: Option<Duration>,
    /// Log level of the functions.
    pub log: String,
}

/// The six functions, in the order in which they are started.
pub const FUNCTIONS: [&str; 6] = ["steward", "signin", "portal", "scheduler", "dispatcher", "operators"];

impl StackSettings {
    /// Everything at its default, with state in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            fresh: false,
            port: None,
            binaries: binaries(),
            extra_egress: variable("SIGNALBOX_EGRESS_ALLOW")
                .iter()
                .flat_map(|list| list.split(','))
                .map(|origin| origin.trim().to_owned())
                .filter(|origin| !origin.is_empty())
                .collect(),
            functions: FUNCTIONS.iter().map(ToString::to_string).collect(),
            ticks: true,
            seed: true,
            progress: |_| {},
            database_url: variable("SIGNALBOX_DATABASE_URL"),
            databases: Vec::new(),
            steward_timeout: None,
            log: variable("SIGNALBOX_LOG").unwrap_or_else(|| "info".to_owned()),
        }
    }
}

/// Whether a text is `scheme://host:port` with a scheme that functions know.
pub(crate) fn is_origin(text: &str) -> bool {
    let known = text.split_once("://").filter(|(scheme, _)| ["http", "https", "postgres"].contains(scheme));
    let parts = known.and_then(|(_, rest)| rest.rsplit_once(':'));
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// Whether a text can name a database beside the first.
pub fn is_database_name(text: &str) -> bool {
    let is_inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    text != "first"
        && text.len() <= 31
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(is_inside)
}

/// Root of the workspace this binary was built in.
pub fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_owned()
}

/// Folder for what this machine keeps and git does not.
pub fn local_folder() -> PathBuf {
    workspace().join(".local")
}

/// The data folder used unless `--data` names another.
pub fn default_data_dir() -> PathBuf {
    local_folder().join("data")
}

/// The folder cargo puts binaries in, seen from a binary (`target/debug`) or a test (`target/debug/deps`).
pub fn binaries() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own.parent().unwrap_or(Path::new("."));
    if folder.ends_with("deps") { folder.parent().unwrap_or(folder).to_owned() } else { folder.to_owned() }
}

/// The cargo that started us, or the one on the path.
pub fn cargo() -> PathBuf {
    variable("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// The first program of this name on the path.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
