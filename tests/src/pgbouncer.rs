//! A real PgBouncer before the stack's database, in transaction mode, with one connection behind it: whoever comes shares the
//! one backend.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use local::postgres::Login;
use local::process::Process;
use local::settings::on_path;

use crate::install::{Program, debian, free_port, once};
use crate::{stack, tenant::random_id};

/// A PgBouncer of one test.
pub struct PgBouncer {
    /// The portal's login by way of it.
    pub login: Login,
    _process: Process,
}

impl PgBouncer {
    /// Starts one that reaches its database under one of the portal's logins. The error says why there is none.
    pub async fn start(portal: Login) -> Result<Self, String> {
        let (program, libraries) = tokio::task::spawn_blocking(program).await.expect("no panic")?;
        let (port, folder) = (free_port(), stack::folder(&format!("pgbouncer-{}", random_id().simple())));
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let settings = folder.join("pgbouncer.ini");
        fs::write(&settings, settings_of(&portal, port)).map_err(|error| error.to_string())?;
        let environment =
            libraries.into_iter().map(|folders| ("LD_LIBRARY_PATH".to_owned(), folders)).collect();
        let arguments = vec!["-q".to_owned(), settings.display().to_string()];
        let process = Program { path: &program, arguments, environment, folder: &folder }.start().await;
        let login = Login { port, ..portal };
        for _ in 0..200 {
            if local::postgres::connect(&login.url()).await.is_ok() {
                return Ok(Self { login, _process: process });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("it does not answer: {}", fs::read_to_string(folder.join("log")).unwrap_or_default()))
    }
}

/// Anybody may come in from loopback, and is the portal's login behind it: what is tested is what is shared.
fn settings_of(portal: &Login, port: u16) -> String {
    let Login { host, port: server, database, user, password } = portal;
    // It does not run as root, and then needs no file but what it has read.
    let other = if rustix::process::geteuid().is_root() { "user = nobody\n" } else { "" };
    format!(
        "[databases]\n{database} = host={host} port={server} dbname={database} user={user} password='{password}'\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
         pool_mode = transaction\ndefault_pool_size = 1\nmax_client_conn = 200\n\
         ignore_startup_parameters = extra_float_digits\n{other}"
    )
}

/// The program and the folders of its libraries: from the path, else unpacked into `.local/tools`.
fn program() -> Result<(PathBuf, Option<String>), String> {
    if let Some(found) = on_path("pgbouncer") {
        return Ok((found, None));
    }
    let folder = once("pgbouncer", "of Debian", |folder: &Path| debian::unpack(folder, &["pgbouncer"]))?;
    Ok((folder.join("usr/sbin/pgbouncer"), Some(debian::libraries(&folder))))
}
