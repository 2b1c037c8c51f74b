//! The platform operators' separate door, `/operators/…`: their own sign-in, the overview over all workspaces, and
//! grants, under which they may look into one.
//!
//! One request in, one answer out. The way of a request: [`serve`] finds its [`route`], turns the token into an operator and
//! the request into a [`call`]; the handler asks one system function, which checks the session, writes the audit rows and
//! answers in one transaction. What is inside a workspace is read only in an operator's scope (`shared::db::Scope::Operator`),
//! which the database opens for an open grant and which cannot write.
//!
//! Never here: a person's or a program's token, a change to anything of a customer's, a credential or a key of a workspace.

mod answer;
mod call;
mod databases;
mod document;
mod grants;
mod inside;
mod reads;
mod route;
mod serve;
mod settings;
mod shapes;
mod sign_in;
mod workspaces;

use std::sync::Arc;

use shared::{
    auth::{Provider, SessionKeys},
    clock::Clock,
    config::Config,
    db::Database,
    egress::Egress,
    error::BoxError,
    secrets::SecretSource,
};

use settings::Settings;

/// The function's state between invocations.
#[derive(Clone)]
pub struct Operators(Arc<Parts>);

struct Parts {
    settings: Settings,
    database: Database,
    keys: SessionKeys,
    provider: Provider,
    clock: Clock,
}

impl Operators {
    /// Reads the keys and prepares the pool; asks the provider for nothing yet.
    pub async fn new(config: &Config, aws: &aws_config::SdkConfig, clock: Clock) -> Result<Self, BoxError> {
        let settings = Settings::read(config)?;
        let secrets = SecretSource::new(aws);
        let egress = Egress::new(config.optional("SIGNALBOX_EGRESS_ALLOW"))?;
        Ok(Self(Arc::new(Parts {
            database: Database::open(config.database(), secrets.clone()).await?,
            keys: SessionKeys::new(secrets.key_ring(config.get("SIGNALBOX_SESSION_KEY_SECRET_ARN")).await?),
            provider: Provider::new(
                settings.authority.clone(),
                settings.registration.clone(),
                egress,
                secrets,
            ),
            settings,
            clock,
        })))
    }
}
