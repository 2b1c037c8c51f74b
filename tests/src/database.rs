//! Views of the database: as its superuser, who looks behind the fence, and as the functions see it, through `shared::db`.

use std::time::Duration;

use aws_sdk_secretsmanager::config::{Credentials, Region};
use local::{postgres::Login, stack::Stack};
use serde_json::{Value, json};
use shared::{
    archive::Archive,
    db::{Database, DatabaseSettings},
    secrets::SecretSource,
};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{
    tenant::Workspace,
    world::{Answer, World},
};

/// A connection as the server's superuser, bound by no fence: only to look at what was done.
pub async fn superuser(stack: &Stack) -> Client {
    connect(&stack.superuser()).await
}

/// The same in another database than the first, where one is named.
pub async fn superuser_in(stack: &Stack, database: Option<&str>) -> Client {
    connect(&database.map_or_else(|| stack.superuser(), |name| stack.superuser_in(name))).await
}

/// The database of a directory's workspace, unless that is the first.
pub async fn of_directory(stack: &Stack, directory: Uuid) -> Option<String> {
    let client = superuser(stack).await;
    let ask = "select database_name from system.directories where id = $1";
    client.query_opt(ask, &[&directory]).await.expect("the directories")?.get(0)
}

/// A database that no directory has yet.
pub async fn free(stack: &Stack) -> String {
    let client = superuser(stack).await;
    let ask = "select n from unnest($1::text[]) n where n not in
               (select database_name from system.directories where database_name is not null) limit 1";
    let names: Vec<&str> = stack.databases().further.iter().map(|(name, _)| name.as_str()).collect();
    client.query_one(ask, &[&names]).await.expect("the stack has a database that is free").get(0)
}

/// Whether nobody but this directory's people is in a database beside the first.
pub async fn is_free_for(stack: &Stack, database: &str, directory: Uuid) -> bool {
    let client = superuser_in(stack, Some(database)).await;
    client.query_one("select system.is_free_for($1)", &[&directory]).await.expect("an answer").get(0)
}

/// A bare connection under a function's own login.
pub async fn login(stack: &Stack, function: &str) -> Client {
    connect(&login_of(stack, function).await).await
}

/// A function's login in the database of a workspace.
pub async fn login_to(stack: &Stack, function: &str, workspace: &Workspace) -> Login {
    match &workspace.database {
        Some(database) => login_of(stack, &format!("{function}-{database}")).await,
        None => login_of(stack, function).await,
    }
}

/// A function's login as its secret says it. Of one in a database beside the first, `portal-north`.
pub async fn login_of(stack: &Stack, function: &str) -> Login {
    let secret = secrets(stack).await.read(&stack.cloud().secret_arn(&format!("login-{function}"))).await;
    let secret = secret.expect("the function's login");
    Login::read(secret.expose_str().expect("text")).expect("a login")
}

/// Changes the secret of a function's login in a database beside the first. Instances that have read it go on with what they read.
pub fn change_login(stack: &Stack, (function, database): (&str, &str), change: impl FnOnce(&mut Value)) {
    let file = stack.data_dir().join("secrets").join(format!("login-{function}-{database}"));
    let text = std::fs::read_to_string(&file).expect("the login's secret");
    let mut secret = serde_json::from_str(&text).expect("its shape");
    change(&mut secret);
    std::fs::write(&file, secret.to_string()).expect("a file of ours");
}

/// The pools of a function, as the function itself opens them: one for each database.
pub async fn of(stack: &Stack, function: &str, max_connections: usize) -> Database {
    let arn = |name: String| stack.cloud().secret_arn(&name);
    let further =
        stack.databases().further.iter().map(|(name, _)| {
            (name.parse().expect("a database's name"), arn(format!("login-{function}-{name}")))
        });
    let mut settings = settings(arn(format!("login-{function}")), max_connections);
    settings.more = further.collect();
    Database::open(settings, secrets(stack).await).await.expect("the function's login")
}

fn settings(secret_arn: String, max_connections: usize) -> DatabaseSettings {
    DatabaseSettings {
        secret_arn,
        more: std::collections::BTreeMap::new(),
        ca_file: None,
        max_connections,
        wait: Duration::from_secs(5),
    }
}

/// The pool of a function that reaches one database, the first or one beside it, at another address: by way of a pooler.
pub async fn at(stack: &Stack, login: &Login, max_connections: usize) -> Database {
    let name = login.database.strip_prefix("signalbox_").map(|name| name.parse().expect("its name"));
    let mut settings = settings("arn".to_owned(), max_connections);
    settings.more.extend(name.iter().cloned().map(|name| (name, "arn".to_owned())));
    let all = led(stack, login, settings).await;
    name.map_or(all.first(), |name| all.named(&name).expect("it is one of them"))
}

/// The pool of a function that is led to a database as if that were the first.
pub async fn as_first(stack: &Stack, login: &Login) -> Database {
    led(stack, login, settings("arn".to_owned(), 1)).await
}

/// Pools whose every secret is this login.
async fn led(stack: &Stack, login: &Login, settings: DatabaseSettings) -> Database {
    let secret = json!({ "ARN": "arn", "Name": "login", "SecretString": login.secret("portal") });
    let vault = World::new(move |_, _| Answer::Json(200, secret.clone()));
    let aws = aws(stack).await.into_builder().endpoint_url(vault.url()).build();
    Database::open(settings, SecretSource::new(&aws)).await.expect("a secret that says where")
}

/// The secrets of the functions.
pub async fn secrets(stack: &Stack) -> SecretSource {
    SecretSource::new(&aws(stack).await)
}

/// The configuration that the cloud's SDKs find in a function's environment.
pub async fn aws(stack: &Stack) -> aws_config::SdkConfig {
    let configuration = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new(stack.cloud().access_key_id(), "local", None, None, "tests"))
        .endpoint_url(stack.cloud().endpoint_url());
    configuration.load().await
}

/// The archive, as the functions open it.
pub fn archive(stack: &Stack) -> Archive {
    let folder = std::path::absolute(stack.data_dir().join("archive")).expect("a path");
    Archive::open(url::Url::from_file_path(folder).expect("a folder").as_str()).expect("the stack's archive")
}

/// A bare connection of the portal's login that has become a tenant: what injected SQL would have.
pub async fn inside(stack: &Stack, workspace: &Workspace) -> Client {
    let client = connect(&login_to(stack, "portal", workspace).await).await;
    let Workspace { schema, id, .. } = workspace;
    let enter =
        format!("set role \"{schema}\"; set search_path = \"{schema}\", pg_temp; set app.tenant_id = '{id}'");
    client.batch_execute(&enter).await.expect("the portal becomes a tenant");
    client
}

/// A bare connection of a login.
pub async fn connect(login: &Login) -> Client {
    match local::postgres::connect(&login.url()).await {
        Ok(client) => client,
        Err(error) => panic!("{login:?} cannot connect: {error}"),
    }
}
