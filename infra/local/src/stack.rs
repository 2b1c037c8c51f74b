//! The whole stack as one object: `cargo run` starts one and waits, a test starts one and drives it.
//!
//! It puts the parts together in the order in which they need each other: data folder, Postgres, databases, sign-in
//! provider, local cloud, functions, steward's orders, gateway, clock. What a function may know is in `functions`;
//! it gets the same events and the same names as in AWS. Nothing here knows what functions do with them.

mod build;
mod error;
mod functions;
mod listen;
mod secrets;
mod time;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::clock::Clock;
use crate::cloud::{Cloud, CloudSettings};
use crate::folder::{DataFolder, Running, random_token};
use crate::oidc::{Provider, ProviderSettings, Registration};
use crate::people::{FERN, OPERATIONS, OPERATORS, ORGANISATIONS, PEOPLE, PROSPECTS, application};
use crate::postgres::{Databases, Login, Server};
use crate::seed;
use crate::settings::{self, StackSettings};

pub use build::build;
pub use error::StackError;
pub use time::advance as advance_database;

/// The region that names and ARNs carry.
const REGION: &str = "eu-central-1";
/// The application that the sign-in provider knows.
const CLIENT_ID: uuid::Uuid = uuid::uuid!("7d9e6a52-3c1f-4e8b-a6d0-5b2c8f417e00");

/// The application that platform operators sign in with.
pub const OPERATORS_CLIENT_ID: uuid::Uuid = uuid::uuid!("7d9e6a52-3c1f-4e8b-a6d0-5b2c8f417e01");

/// The file of the data folder that says where the demo's warehouse was when the demo was set up.
const SEEDED: &str = "seeded";

/// The file of the data folder that names the databases beside the first.
const DATABASES: &str = "databases";

/// A running stack. [`Stack::stop`] ends it in order; dropping it ends it at once.
pub struct Stack {
    url: String,
    cloud: Cloud,
    oidc: Provider,
    databases: Databases,
    server: Server,
    // Last, so that it is unlocked only when everything else is gone.
    folder: DataFolder,
}

impl Stack {
    /// Sees whether the settings can be meant, and the data folder and the port be had.
    pub async fn check(settings: &StackSettings) -> Result<(), StackError> {
        if let Some(wrong) = settings.extra_egress.iter().find(|origin| !settings::is_origin(origin)) {
            return Err(StackError::NotAnOrigin(wrong.clone()));
        }
        if !["error", "warn", "info", "debug"].contains(&settings.log.as_str()) {
            return Err(StackError::NotALevel(settings.log.clone()));
        }
        if let Some(wrong) = settings.databases.iter().find(|name| !settings::is_database_name(name)) {
            return Err(StackError::NotADatabase(wrong.clone()));
        }
        DataFolder::open(&settings.data_dir, false)?;
        listen::gateway(settings.port).await?;
        Ok(())
    }

    /// Starts everything and returns when every part answers.
    pub async fn start(mut settings: StackSettings) -> Result<Self, StackError> {
        let folder = DataFolder::open(&settings.data_dir, settings.fresh)?;
        settings.databases = databases(&folder, settings.databases)?;
        let listener = listen::gateway(settings.port).await?;
        let address = listener.local_addr().map_err(StackError::Address)?;
        let url = format!("http://{address}");

        let guard = settings.binaries.join("signalbox");
        let (server, oidc) = tokio::join!(server(&settings, &folder, &guard), provider(&folder, &url));
        let (server, oidc) = (server?, oidc?);
        let forget = settings.fresh && server.process().is_none();
        let databases = Databases::ensure(&server, &folder, (&settings.databases, forget)).await?;

        let clock = Clock::new();
        clock.shift_by(time::kept(&databases.steward).await?);
        secrets::write(&folder, &databases)?;
        let cloud = Cloud::start(CloudSettings {
            region: REGION.to_owned(),
            guard,
            log_folder: folder.path().join("log"),
            control_socket: control_socket(&folder),
            secrets: Arc::new(secrets::Store::new(&folder)),
            clock,
        })
        .await?;

        let stack = Self { url, cloud, oidc, databases, server, folder };
        functions::declare(&stack, &settings)?;
        if settings.functions.iter().any(|name| name == "steward") {
            stack.set_up().await?;
        }
        functions::connect(&stack, &settings)?;
        stack.cloud.serve_gateway(listener, functions::routes(&settings))?;
        if settings.seed {
            stack.seed(settings.progress).await?;
        }
        stack.folder.announce(&stack.running())?;
        Ok(stack)
    }

    /// Where the gateway answers: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The local cloud: kill, freeze, tick, look at queues.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// The sign-in provider.
    pub fn oidc(&self) -> &Provider {
        &self.oidc
    }

    /// The server's superuser, in the database `signalbox`: for tests that look behind the fence.
    pub fn superuser(&self) -> Login {
        self.server.superuser().in_database(&self.databases.steward.database)
    }

    /// The same in a database beside the first.
    pub fn superuser_in(&self, name: &str) -> Login {
        self.superuser().in_database(&format!("{}_{name}", self.databases.steward.database))
    }

    /// The database logins of the steward and of the demo warehouse.
    pub fn databases(&self) -> &Databases {
        &self.databases
    }

    /// The Postgres server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// What the commands of another process need to talk to this stack.
    pub fn running(&self) -> Running {
        Running {
            url: self.url.clone(),
            control: control_socket(&self.folder),
            oidc: self.oidc.base().to_owned(),
            pid: std::process::id(),
        }
    }

    /// Moves time forward: the runner's timers and the database's `system.now()`.
    pub async fn advance(&self, by: Duration) -> Result<(), StackError> {
        time::advance(&self.databases.steward, by).await?;
        for (_, steward) in &self.databases.further {
            time::advance(steward, by).await?;
        }
        self.cloud.shift_time(jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX));
        Ok(())
    }

    /// Gives the steward an order and waits for its answer.
    pub async fn order(&self, order: serde_json::Value) -> Result<serde_json::Value, StackError> {
        let named = order["do"].as_str().unwrap_or_default().to_owned();
        let answer = self.cloud.invoke("steward", order.to_string()).await;
        let answer = answer.map_err(|source| StackError::Order { order: named, source })?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// Lets running work end, then stops the functions, the cloud and Postgres, in that order.
    pub async fn stop(self) {
        self.folder.withdraw();
        self.cloud.stop().await;
        self.oidc.stop().await;
        self.server.stop().await;
    }

    /// The demo, set up once: what people make of it stays as they left it, unless its warehouse has moved.
    async fn seed(&self, progress: fn(&str)) -> Result<(), StackError> {
        let Login { host, port, database, .. } = &self.databases.warehouse;
        let warehouse = format!("{host}:{port}/{database}");
        if self.folder.read(SEEDED)?.as_deref() == Some(&*warehouse) {
            return Ok(());
        }
        seed::ensure(self, progress).await?;
        Ok(self.folder.write(SEEDED, &warehouse)?)
    }

    /// Schema and logins, and the demo's organisations as customers.
    async fn set_up(&self) -> Result<(), StackError> {
        self.order(json!({ "do": "install" })).await?;
        for organisation in ORGANISATIONS {
            let first_administrator = organisation.administrator().map(|person| person.object_id);
            let (directory_id, name) = (organisation.directory_id, organisation.name);
            let order = json!({
                "do": "onboard", "directory_id": directory_id, "name": name, "first_administrator": first_administrator,
            });
            self.order(order).await?;
        }
        Ok(())
    }
}

/// The databases beside the first: those that were asked for, and those that are there already.
fn databases(folder: &DataFolder, mut asked: Vec<String>) -> Result<Vec<String>, StackError> {
    asked.extend(folder.read(DATABASES)?.unwrap_or_default().lines().map(str::to_owned));
    asked.sort();
    asked.dedup();
    folder.write(DATABASES, &asked.join("\n"))?;
    Ok(asked)
}

/// The address of a socket has room for about a hundred bytes; below a longer path there is none.
fn control_socket(folder: &DataFolder) -> Option<PathBuf> {
    let path = folder.path().join("control.sock");
    (path.as_os_str().len() < 100).then_some(path)
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.oidc.close();
    }
}

async fn server(settings: &StackSettings, folder: &DataFolder, guard: &Path) -> Result<Server, StackError> {
    match &settings.database_url {
        Some(url) => Ok(Server::given(url)?),
        None => Ok(Server::start(folder, &settings::local_folder(), guard).await?),
    }
}

async fn provider(folder: &DataFolder, url: &str) -> Result<Provider, StackError> {
    // Users are known by their issuer, so the provider stays where it was.
    let port = folder.port("oidc")?.ok_or(StackError::ProviderPort)?;
    let keys = folder.read("secrets/oidc-keys")?.unwrap_or_default();
    let provider = Provider::start(ProviderSettings {
        port,
        keys: keys.lines().map(str::to_owned).collect(),
        client_id: CLIENT_ID,
        client_secret: folder.secret(secrets::OIDC_CLIENT, random_token)?,
    })
    .await?;
    folder.write("secrets/oidc-keys", &provider.keys().join("\n"))?;
    provider.allow_redirect(format!("{url}/auth/callback"));
    provider.register(Registration {
        client_id: OPERATORS_CLIENT_ID,
        client_secret: folder.secret(secrets::OPERATORS_OIDC_CLIENT, random_token)?,
        redirect_uri: format!("{url}/operators/callback"),
    });
    for organisation in ORGANISATIONS.into_iter().chain([FERN, OPERATIONS]) {
        provider.add_directory(organisation.directory_id, organisation.name);
    }
    for person in PEOPLE.iter().chain(&PROSPECTS) {
        provider.add_person(person.account());
    }
    for person in &OPERATORS {
        provider.add_person(person.account());
        provider.assign(OPERATORS_CLIENT_ID, person.object_id, "operator");
    }
    provider.add_application(application());
    Ok(provider)
}
