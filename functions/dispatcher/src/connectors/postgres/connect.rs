//! A connection of one call: to the address that the egress rules checked, under TLS with the server's name checked unless
//! the settings say otherwise. It ends with the call.

use std::{sync::Arc, time::Duration};

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use shared::{
    egress::{Egress, EgressError},
    engine::Outcome,
    model::{connection::postgres::Settings, state::Failure},
    secrets::Secret,
};
use tokio_postgres::{Client, Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::{Target, answer};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn open(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
) -> Result<Client, Outcome> {
    let Some(password) = target.credential.map(Secret::expose) else {
        return Err(answer::failed(Failure::Auth, "The connection's credential is missing."));
    };
    let address = egress.check_tcp(("postgres", settings.tls), &settings.host, settings.port).await;
    let address = address.map_err(not_reached)?;
    let mut config = Config::new();
    config
        .host(&settings.host)
        .hostaddr(address.ip())
        .port(settings.port)
        .dbname(&settings.database)
        .user(&settings.user)
        .password(password)
        .application_name("signalbox")
        .connect_timeout(CONNECT_WITHIN.min(target.left()));
    let connected = if settings.tls {
        config.ssl_mode(SslMode::Require);
        let tls = tls().ok_or_else(|| answer::failed(Failure::Infrastructure, "TLS could not be set up."))?;
        config.connect(tls).await.map(|(client, connection)| {
            tokio::spawn(connection);
            client
        })
    } else {
        config.ssl_mode(SslMode::Disable);
        config.connect(NoTls).await.map(|(client, connection)| {
            tokio::spawn(connection);
            client
        })
    };
    connected.map_err(|error| match error.as_db_error() {
        Some(_) => super::failure(&error, target.credential),
        // The driver says so in words only.
        None if error.to_string().contains("TLS") => answer::failed(
            Failure::Transient,
            "The database does not speak TLS, or its certificate is not acceptable.",
        ),
        None => answer::failed(Failure::Transient, "The database was not reached."),
    })
}

fn tls() -> Option<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(MakeRustlsConnect::new(builder.with_platform_verifier().ok()?.with_no_client_auth()))
}

fn not_reached(error: EgressError) -> Outcome {
    match error {
        EgressError::Refused(_) => answer::permanent(format!("The database was not called: {error}.")),
        _ => answer::failed(Failure::Transient, format!("The database was not reached: {error}.")),
    }
}
