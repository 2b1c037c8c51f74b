//! The commands that talk to the stack that is running: through its gateway as a person, or through its control socket.

use std::path::Path;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::sentence;
use crate::control::call;
use crate::folder::{self, Running};
use crate::people::sign_in;
use crate::people::{Organisation, Person};
use crate::postgres::Login;
use crate::stack::advance_database;

/// Prints the bearer token of somebody who signs in now.
pub(super) async fn token(data: &Path, person: &str, organisation: Option<&str>) -> Result<(), String> {
    let found = Person::find(person)
        .ok_or_else(|| format!("nobody is called {person:?}; see: cargo run -- people"))?;
    let at = organisation
        .map(|text| Organisation::find(text).ok_or_else(|| format!("no organisation is called {text:?}")));
    let running = running(data)?;
    let token = match at.transpose()? {
        Some(at) => sign_in::token_at(&running.url, found, at).await,
        None => sign_in::token(&running.url, found).await,
    };
    println!("{}", token.map_err(|error| sentence(&error))?);
    Ok(())
}

/// Prints what functions and queues are doing.
pub(super) async fn status(data: &Path) -> Result<(), String> {
    let running = running(data)?;
    let state = control(&running, Method::GET, "/state", Value::Null).await?;
    println!(
        "{}",
        serde_json::to_string_pretty(&json!({ "url": running.url, "state": state })).unwrap_or_default()
    );
    Ok(())
}

/// Kills, freezes or thaws a function.
pub(super) async fn function(data: &Path, verb: &str, function: &str) -> Result<(), String> {
    if !crate::settings::FUNCTIONS.contains(&function) {
        return Err(format!(
            "there is no function named {function:?}; there are {}",
            crate::settings::FUNCTIONS.join(", ")
        ));
    }
    let running = running(data)?;
    let answer =
        control(&running, Method::POST, &format!("/functions/{function}/{verb}"), Value::Null).await?;
    println!("{answer}");
    Ok(())
}

/// What an operator of the installation would invoke the steward's function with.
pub(super) async fn order(data: &Path, order: &str) -> Result<(), String> {
    let order: Value =
        serde_json::from_str(order).map_err(|error| format!("the order is no JSON: {error}"))?;
    let running = running(data)?;
    let answer = control(&running, Method::POST, "/functions/steward/invoke", order).await?;
    println!("{answer:#}");
    Ok(())
}

/// Moves the time of the database and of the runner.
pub(super) async fn advance(data: &Path, by: Duration) -> Result<(), String> {
    let running = running(data)?;
    let login =
        std::fs::read_to_string(data.join("secrets/login-steward")).map_err(|error| error.to_string())?;
    let login = Login::read(&login).ok_or("the steward's login is damaged; start again with --fresh")?;
    advance_database(&login, by).await.map_err(|error| sentence(&error))?;
    control(&running, Method::POST, "/clock", json!({ "shift_seconds": by.as_secs() })).await?;
    println!("time went on by {} s", by.as_secs());
    Ok(())
}

fn running(data: &Path) -> Result<Running, String> {
    folder::running(data).map_err(|error| sentence(&error))
}

async fn control(running: &Running, method: Method, path: &str, body: Value) -> Result<Value, String> {
    let socket =
        running.control.as_deref().ok_or("the data folder's path is too long for a control socket")?;
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = call(socket, method, path, body).await.map_err(|error| sentence(&error))?;
    Ok(serde_json::from_slice(&answer).unwrap_or_default())
}
