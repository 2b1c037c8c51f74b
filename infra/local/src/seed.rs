//! The demo, set up as a person would: its Administrators sign in and call the API.
//!
//! `stack` calls [`ensure`] when it is told to seed. Each step asks first and does only what is missing, so a start that
//! was interrupted goes on. The one thing done behind the API is the customer's own part: filling their warehouse.

mod api;
mod job;
mod warehouse;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::people::sign_in::{self, SignInError};
use crate::people::{NORTHWIND, ORGANISATIONS, Organisation, PEOPLE};
use crate::stack::Stack;

pub use api::{Api, ApiError};
pub(crate) use api::{problem, session};
pub use warehouse::prepare as warehouse;

/// How long its first run may take.
const FIRST_RUN: Duration = Duration::from_secs(60);

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A sign-in.
    #[error("the demo's Administrator cannot sign in: {0}")]
    SignIn(#[from] SignInError),
    /// A call of the API.
    #[error("the demo cannot be set up: {0}")]
    Api(#[from] ApiError),
    /// The warehouse.
    #[error("the demo's warehouse cannot be filled: {0}")]
    Warehouse(#[source] tokio_postgres::Error),
    /// The first run ended otherwise, or not at all.
    #[error("the demo's first run did not succeed: {0}")]
    Run(String),
}

/// Sets up what is missing. `progress` is told what takes a while.
pub async fn ensure(stack: &Stack, progress: fn(&str)) -> Result<(), SeedError> {
    warehouse(&stack.databases().warehouse).await.map_err(SeedError::Warehouse)?;
    for organisation in ORGANISATIONS {
        let api = administrator(stack, organisation).await?;
        members(&api, organisation).await?;
    }
    let api = administrator(stack, NORTHWIND).await?;
    connection(&api, stack).await?;
    let job = api.ensure("jobs", "weather-daily", job::definition()).await?;
    let schedule = json!({
        "name": "every morning in Seattle", "job_id": job["id"], "cron": "30 6 * * *", "time_zone": "America/Los_Angeles",
    });
    api.ensure("schedules", "every morning in Seattle", schedule).await?;
    first_run(&api, &job, progress).await
}

async fn administrator(stack: &Stack, organisation: Organisation) -> Result<Api, SeedError> {
    let person = organisation.administrator().expect("every organisation of the demo has one");
    let token = sign_in::token(stack.url(), person).await?;
    Ok(Api::new(stack.url(), token))
}

/// Makes everybody who is to be a member one. The first Administrator became one by signing in.
async fn members(api: &Api, organisation: Organisation) -> Result<(), SeedError> {
    let known = api.all("users").await?;
    for person in &PEOPLE {
        let here = person.memberships.iter().find(|(at, _)| *at == organisation);
        let object_id = json!(person.object_id);
        let Some((_, role)) = here else { continue };
        if known.iter().any(|user| user["object_id"] == object_id) {
            continue;
        }
        let user = json!({ "directory_id": person.home.directory_id, "object_id": object_id, "role": role });
        api.post("users", &user).await?;
    }
    Ok(())
}

/// The vault, the warehouse's password in it, and the connection. The server's port may have changed since.
async fn connection(api: &Api, stack: &Stack) -> Result<(), SeedError> {
    let login = &stack.databases().warehouse;
    let vault = api.ensure("vaults", "signalbox", json!({ "name": "signalbox", "kind": "managed" })).await?;
    let id = vault["id"].as_str().unwrap_or_default();
    let settings = json!({
        "host": login.host, "port": login.port, "database": login.database, "user": login.user, "tls": false,
    });
    let wanted = json!({
        "name": "warehouse", "kind": "postgres", "settings": settings,
        "credential": { "vault": id, "name": "warehouse" },
    });
    let credential = json!({ "value": login.password });
    match api.find("connections", "warehouse").await? {
        Some(connection) if connection["settings"]["port"] == settings["port"] => {}
        Some(connection) => {
            let path = format!("connections/{}", connection["id"].as_str().unwrap_or_default());
            api.put(&path, &wanted).await?;
        }
        None => {
            api.put(&format!("vaults/{id}/credentials/warehouse"), &credential).await?;
            api.post("connections", &wanted).await?;
        }
    }
    Ok(())
}

/// Starts the job once, so that the first sign-in shows history.
async fn first_run(api: &Api, job: &Value, progress: fn(&str)) -> Result<(), SeedError> {
    if !api.list("runs", "limit=1").await?.is_empty() {
        return Ok(());
    }
    progress("running the demo's job for the first time");
    let id = job["id"].as_str().unwrap_or_default();
    let run = api.post(&format!("jobs/{id}/runs"), &json!({ "parameters": {} })).await?;
    let path = format!("runs/{}", run["id"].as_str().unwrap_or_default());
    let deadline = Instant::now() + FIRST_RUN;
    while Instant::now() < deadline {
        let run = api.get(&path).await?;
        if run["state"] == "succeeded" {
            return Ok(());
        }
        if !run["finished_at"].is_null() {
            return Err(SeedError::Run(why(&run)));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(SeedError::Run("it takes too long".to_owned()))
}

/// What the first failed attempt of a run says.
fn why(run: &Value) -> String {
    let tasks = run["tasks"].as_array().into_iter().flatten();
    let mut said = tasks.filter_map(|task| {
        let error =
            task["attempts"].as_array()?.iter().find_map(|attempt| attempt["error"]["message"].as_str())?;
        Some(format!("{}: {error}", task["name"].as_str()?))
    });
    said.next().unwrap_or_else(|| format!("it is {}", run["state"].as_str().unwrap_or("unknown")))
}
