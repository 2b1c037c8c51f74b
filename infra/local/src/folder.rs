//! The data folder: where one stack keeps everything it must not forget, readable by its owner alone.
//!
//! `stack` opens it first and holds it to the end: its lock keeps a second runner out. Secrets are made on first use and
//! then kept, since losing the root key loses every stored credential. It never writes outside its path.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// What can be wrong with a data folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It, or something in it, cannot be read or written.
    #[error("the data folder cannot be used: {}: {source}", path.display())]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another runner holds it.
    #[error("signalbox is already running{}", url.as_deref().map(|url| format!(" at {url}")).unwrap_or_default())]
    Running {
        /// Where the other runner answers, if it is ready.
        url: Option<String>,
    },
    /// There is no running stack to talk to.
    #[error("no stack is running in {}; start one with: cargo run", path.display())]
    NotRunning {
        /// The data folder.
        path: PathBuf,
    },
    /// A file of ours holds something we did not write.
    #[error("{} is damaged; start again with --fresh", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// What a running stack tells the commands that talk to it (`stack.json`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Running {
    /// The gateway.
    pub url: String,
    /// The control socket, through which functions are killed and time is moved.
    pub control: Option<PathBuf>,
    /// The sign-in provider.
    pub oidc: String,
    /// The runner's process.
    pub pid: u32,
}

/// An open, locked data folder.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Creates the folder if need be and locks it. With `fresh`, everything in it is removed.
    pub fn open(path: &Path, fresh: bool) -> Result<Self, FolderError> {
        create(path)?;
        let path = path.canonicalize().map_err(unusable(path))?;
        close(&path)?;
        let lock = lock(&path)?;
        if fresh {
            wipe(&path)?;
        }
        create(&path.join("secrets"))?;
        create(&path.join("log"))?;
        remove(&path.join("stack.json"))?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the secrets: one file each, named after the secret.
    pub fn secrets(&self) -> PathBuf {
        self.path.join("secrets")
    }

    /// The file of a log.
    pub fn log(&self, name: &str) -> PathBuf {
        self.path.join("log").join(format!("{name}.log"))
    }

    /// The secret of this name, made with `make` on first use.
    pub fn secret(&self, name: &str, make: impl FnOnce() -> String) -> Result<String, FolderError> {
        if let Some(value) = self.read(&format!("secrets/{name}"))? {
            return Ok(value);
        }
        let value = make();
        self.write(&format!("secrets/{name}"), &value)?;
        Ok(value)
    }

    /// A file's content, if there is such a file.
    pub fn read(&self, name: &str) -> Result<Option<String>, FolderError> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FolderError::Unusable { path, source }),
        }
    }

    /// Writes a file whole or not at all, readable by its owner alone.
    pub fn write(&self, name: &str, text: &str) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let new = path.with_extension("new");
        remove(&new)?;
        let written =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
        written.and_then(|()| fs::rename(&new, &path)).map_err(unusable(&path))
    }

    /// The loopback port kept under this name: the same at every start, because addresses are remembered by others
    /// (the issuer in users' identities, the host of a connection). `None` if it is taken now.
    pub fn port(&self, name: &str) -> Result<Option<u16>, FolderError> {
        let file = format!("port-{name}");
        let Some(kept) = self.read(&file)? else {
            let port = free_port();
            self.write(&file, &port.to_string())?;
            return Ok(Some(port));
        };
        let port = kept.trim().parse().map_err(|_| FolderError::Damaged { path: self.path.join(&file) })?;
        Ok(is_free(port).then_some(port))
    }

    /// Chooses another port for this name.
    pub fn another_port(&self, name: &str) -> Result<u16, FolderError> {
        let port = free_port();
        self.write(&format!("port-{name}"), &port.to_string())?;
        Ok(port)
    }

    /// Tells the other commands where this stack answers.
    pub fn announce(&self, running: &Running) -> Result<(), FolderError> {
        let text = serde_json::to_string_pretty(running).expect("four plain fields");
        self.write("stack.json", &text)
    }

    /// Takes the announcement back.
    pub fn withdraw(&self) {
        // A runner that stops has nothing better to do about a file it cannot remove: the lock tells the truth.
        let _gone = fs::remove_file(self.path.join("stack.json"));
    }
}

/// The stack that runs in this folder.
pub fn running(path: &Path) -> Result<Running, FolderError> {
    let not_running = || FolderError::NotRunning { path: path.to_owned() };
    let Ok(file) = File::open(path.join("lock")) else { return Err(not_running()) };
    match file.try_lock_shared() {
        Ok(()) => Err(not_running()),
        Err(_) => announced(path).ok_or_else(not_running),
    }
}

/// 32 random bytes, as text that fits a URL.
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes())
}

/// A set of keys with one key, in the shape `shared::secrets` reads.
pub fn random_keys() -> String {
    serde_json::json!({ "current": 1, "keys": { "1": STANDARD.encode(random_bytes()) } }).to_string()
}

fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// A loopback port that nobody listens on, below the range that outgoing connections take theirs from.
pub fn free_port() -> u16 {
    for _ in 0..64 {
        let [high, low, ..] = random_bytes();
        let port = 20_000 + u16::from_be_bytes([high, low]) % 12_000;
        if is_free(port) {
            return port;
        }
    }
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map_or(0, |address| address.port())
}

fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
}

fn announced(path: &Path) -> Option<Running> {
    serde_json::from_str(&fs::read_to_string(path.join("stack.json")).ok()?).ok()
}

fn lock(path: &Path) -> Result<File, FolderError> {
    let file = path.join("lock");
    let lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&file)
        .map_err(unusable(&file))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(FolderError::Running { url: announced(path).map(|it| it.url) }),
        Err(TryLockError::Error(source)) => Err(FolderError::Unusable { path: file, source }),
    }
}

fn wipe(path: &Path) -> Result<(), FolderError> {
    for entry in fs::read_dir(path).map_err(unusable(path))? {
        let entry = entry.map_err(unusable(path))?;
        if entry.file_name() == "lock" {
            continue;
        }
        let file = entry.path();
        let is_dir = entry.file_type().map_err(unusable(&file))?.is_dir();
        let removed = if is_dir { fs::remove_dir_all(&file) } else { fs::remove_file(&file) };
        removed.map_err(unusable(&file))?;
    }
    Ok(())
}

/// Closes the folder to everybody else, but for passing through where a database in it belongs to another user.
fn close(path: &Path) -> Result<(), FolderError> {
    let own = rustix::process::geteuid().as_raw();
    let shared = fs::metadata(path.join("postgres")).is_ok_and(|database| database.uid() != own);
    let mode = if shared { 0o711 } else { 0o700 };
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(unusable(path))
}

fn create(path: &Path) -> Result<(), FolderError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable(path))
}

fn remove(path: &Path) -> Result<(), FolderError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(path)(error)),
        _ => Ok(()),
    }
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Unusable { path, source }
}

#[cfg(test)]
mod tests;
