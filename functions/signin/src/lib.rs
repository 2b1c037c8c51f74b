//! Sign-in, first-sign-in provisioning and sessions: `/auth/login`, `/auth/callback`, `/auth/logout`; and `/auth/token` for programs.
//!
//! One HTTP event in, one answer out. The function knows no tenant and opens no tenant's scope: who may enter which workspace
//! is decided by `system.sign_in`, which its login may execute and little else. It never follows an address that a request
//! or a token names.

mod answer;
mod callback;
mod login;
mod logout;
mod page;
mod people;
mod request;
mod return_to;
mod settings;
mod token;

use std::sync::Arc;

use axum::{Router, middleware, routing::any};
use http::Method;
use shared::{
    auth::{Provider, SessionKeys},
    clock::Clock,
    config::Config,
    db::Database,
    egress::Egress,
    error::BoxError,
    queue::StewardQueue,
    secrets::SecretSource,
};

use answer::Refusal;
use settings::Settings;

/// Where applications come; programs only, so never answered with a page.
const TOKEN: &str = "/auth/token";

/// The function's state between invocations.
#[derive(Clone)]
pub struct Signin(Arc<Parts>);

struct Parts {
    settings: Settings,
    database: Database,
    keys: SessionKeys,
    provider: Provider,
    steward: StewardQueue,
    clock: Clock,
}

impl Signin {
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
            steward: StewardQueue::new(aws, config.get("SIGNALBOX_PROVISION_QUEUE_URL")),
            settings,
            clock,
        })))
    }

    /// The exact list of what is served, each path with its one method. A path spelled otherwise is not there.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/auth/login", any(login::handle))
            .route("/auth/callback", any(callback::handle))
            .route("/auth/logout", any(logout::handle))
            .route(TOKEN, any(token::handle))
            .fallback(|| async { Refusal::NotFound })
            .layer(middleware::from_fn_with_state(self.clone(), request::frame))
            .with_state(self)
    }
}

/// The one method of a path; HEAD is not GET here, because these GETs begin and end something.
fn only(method: &Method, asked: &Method) -> Result<(), Refusal> {
    if method == asked { Ok(()) } else { Err(Refusal::Method(method.clone())) }
}
