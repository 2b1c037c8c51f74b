//! One running server: made once, started, asked until it answers, stopped.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::{Identity, Installation, Login, PostgresError, connect, find, system};
use crate::folder::DataFolder;
use crate::process::{DeathSignal, Launch, Process};

/// How long a start may take, crash recovery included.
const START: Duration = Duration::from_secs(60);
/// How long a fast shutdown may take before it becomes a kill.
const STOP: Duration = Duration::from_secs(10);
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    superuser: Login,
    process: Option<Process>,
}

impl Server {
    /// Finds, makes and starts the server whose data are in this folder. `guard` is the `signalbox` binary.
    pub async fn start(folder: &DataFolder, cache: &Path, guard: &Path) -> Result<Self, PostgresError> {
        let data = folder.path().join("postgres");
        let installation = find(cache, version_of(&data))?;
        Self::start_as(Identity::choose(&data), folder, &installation, guard).await
    }

    /// The same with everything chosen.
    pub async fn start_as(
        identity: Identity,
        folder: &DataFolder,
        installation: &Installation,
        guard: &Path,
    ) -> Result<Self, PostgresError> {
        let data = folder.path().join("postgres");
        let password = folder.secret("database-superuser", crate::folder::random_token);
        let password = password
            .map_err(|error| PostgresError::Program { program: "initdb", said: error.to_string() })?;
        if version_of(&data).is_some() {
            identity.prepare(&installation.bin, &data)?;
        } else {
            make(identity, installation, &data, &password)?;
        }
        leave_no_stale_server(&data).await;
        let port = port(folder)?;
        let log = folder.log("postgres");
        let launch = launch(identity, installation, guard, (&data, &log, port));
        let process = Process::start(launch).await.map_err(system("start PostgreSQL"))?;
        let superuser = Login {
            host: "127.0.0.1".to_owned(),
            port,
            database: "postgres".to_owned(),
            user: "postgres".to_owned(),
            password,
        };
        let server = Self { superuser, process: Some(process) };
        server.wait_until_ready(&log).await?;
        Ok(server)
    }

    /// The server at the address that the user gave.
    pub fn given(url: &str) -> Result<Self, PostgresError> {
        let url = Url::parse(url).map_err(|_| PostgresError::Url("it is not a URL"))?;
        let host = url.host_str().unwrap_or_default();
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(PostgresError::Url("it must begin with postgres://"));
        }
        if !matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
            return Err(PostgresError::Url("the server must be on this machine"));
        }
        let text = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let database = text(url.path().trim_start_matches('/'));
        let superuser = Login {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(5432),
            database: if database.is_empty() { "postgres".to_owned() } else { database },
            user: text(url.username()),
            password: text(url.password().unwrap_or_default()),
        };
        Ok(Self { superuser, process: None })
    }

    /// The login that may do everything.
    pub fn superuser(&self) -> &Login {
        &self.superuser
    }

    /// The server's process, for tests that kill it. `None` if it is not ours.
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// Stops it: open transactions are rolled back, everything committed is on disk.
    pub async fn stop(&self) {
        let Some(process) = &self.process else { return };
        process.interrupt();
        if tokio::time::timeout(STOP, process.wait()).await.is_err() {
            process.kill();
        }
    }

    async fn wait_until_ready(&self, log: &Path) -> Result<(), PostgresError> {
        let process = self.process.as_ref().expect("a server that was just started");
        let not_ready = || PostgresError::NotReady { said: last_words(log), log: log.to_owned() };
        let answers = async {
            while connect(&self.superuser.url()).await.is_err() {
                tokio::time::sleep(ASK_AGAIN).await;
            }
        };
        tokio::select! {
            answered = tokio::time::timeout(START, answers) => answered.map_err(|_| not_ready()),
            _ended = process.wait() => Err(not_ready()),
        }
    }
}

/// The version that wrote these data, if there are any.
fn version_of(data: &Path) -> Option<u32> {
    // The control file is the last thing that makes a folder a database: a half-made one is made again.
    if !data.join("global/pg_control").is_file() || !data.join("made").is_file() {
        return None;
    }
    fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

fn make(
    identity: Identity,
    installation: &Installation,
    data: &Path,
    password: &str,
) -> Result<(), PostgresError> {
    let _half_made = fs::remove_dir_all(data);
    identity.prepare(&installation.bin, data)?;
    let mut initdb = identity.command(&installation.bin.join("initdb"));
    initdb.args([
        "--username=postgres",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions",
    ]);
    // Never on a command line, which others can read.
    let file = data.with_extension("password");
    write_for(identity, &file, password).map_err(system("write the database's first password"))?;
    let output = initdb.env("TZ", "UTC").arg("--pwfile").arg(&file).arg("-D").arg(data).output();
    let _no_longer_needed = fs::remove_file(&file);
    let output = output.map_err(system("run initdb"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().find(|line| line.contains("error")).unwrap_or("no reason given").to_owned();
        return Err(PostgresError::Program { program: "initdb", said });
    }
    fs::write(data.join("made"), "").map_err(system("finish the database's folder"))
}

/// A file that this user alone can read.
fn write_for(identity: Identity, file: &Path, text: &str) -> io::Result<()> {
    let _left_over = fs::remove_file(file);
    let mut open = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    open.write_all(text.as_bytes())?;
    identity.user().map_or(Ok(()), |(user, group)| chown(file, Some(user), Some(group)))
}

/// The port of this folder's server: the one it always had, since connections remember it, or another if that is taken.
fn port(folder: &DataFolder) -> Result<u16, PostgresError> {
    let kept =
        folder.port("postgres").and_then(|port| port.map_or_else(|| folder.another_port("postgres"), Ok));
    kept.map_err(|error| PostgresError::Program { program: "postgres", said: error.to_string() })
}

fn launch(
    identity: Identity,
    installation: &Installation,
    guard: &Path,
    (data, log, port): (&PathBuf, &PathBuf, u16),
) -> Launch {
    let mut arguments = vec![OsString::from("-D"), data.as_os_str().to_owned()];
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "fsync=on".to_owned(),
        "max_connections=200".to_owned(),
        "shared_buffers=128MB".to_owned(),
        "log_timezone=UTC".to_owned(),
        "timezone=UTC".to_owned(),
    ];
    if cfg!(target_os = "linux") {
        // After a kill -9, recovery syncs the file system once instead of opening every file.
        settings.push("recovery_init_sync_method=syncfs".to_owned());
    }
    arguments.extend(settings.into_iter().flat_map(|it| [OsString::from("-c"), OsString::from(it)]));
    Launch {
        guard: guard.to_owned(),
        prefix: identity.prefix(),
        program: installation.bin.join("postgres"),
        arguments,
        environment: vec![
            ("TZ".to_owned(), "UTC".to_owned()),
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
        ],
        folder: Some(data.clone()),
        log: Some(log.clone()),
        user: identity.user(),
        death_signal: DeathSignal::Interrupt,
    }
}

/// After a kill -9 of the runner its server may still be on its way out, or its number may since belong to another
/// program: Postgres takes either for a server of its own and refuses. We hold the folder's lock, so a server in it that
/// still runs is a leftover.
async fn leave_no_stale_server(data: &Path) {
    let file = data.join("postmaster.pid");
    let deadline = tokio::time::Instant::now() + STOP;
    while let Some(pid) = first_line(&file) {
        if !runs_in(pid, data) {
            let _stale = fs::remove_file(&file);
            return;
        }
        let signal = if tokio::time::Instant::now() < deadline {
            rustix::process::Signal::INT
        } else {
            rustix::process::Signal::KILL
        };
        if let Some(pid) = rustix::process::Pid::from_raw(pid) {
            let _gone = rustix::process::kill_process(pid, signal);
        }
        tokio::time::sleep(ASK_AGAIN * 5).await;
    }
}

fn first_line(file: &Path) -> Option<i32> {
    fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

/// Whether this process is a server on these data. Without `/proc` (macOS), any process that runs under the name of the
/// server is taken for it.
fn runs_in(pid: i32, data: &Path) -> bool {
    if Path::new("/proc/self").exists() {
        return fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == *data);
    }
    let said = std::process::Command::new("ps").args(["-p", &pid.to_string(), "-o", "comm="]).output();
    said.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("postgres"))
}

/// The last line of the server's log that says what is wrong.
fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let line = text.lines().rfind(|line| line.contains("FATAL") || line.contains("ERROR"));
    line.or(text.lines().last()).unwrap_or("it said nothing").trim().to_owned()
}
