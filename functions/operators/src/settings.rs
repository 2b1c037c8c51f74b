//! What the function was told, checked at start.

use shared::{auth::Registration, config::Config, egress::Url, error::BoxError};
use uuid::Uuid;

/// The settings of the operators' door.
pub(crate) struct Settings {
    /// Where browsers reach us; its origin is what `Origin` must be.
    pub(crate) public_url: Url,
    /// The provider.
    pub(crate) authority: Url,
    /// Our application there: not the one that people sign in with.
    pub(crate) registration: Registration,
    /// The operating company's own directory. Nobody of another one is an operator.
    pub(crate) directory_id: Uuid,
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Self, BoxError> {
        let url = |name: &str| Url::parse(config.get(name)).map_err(|_| format!("{name} is not a URL"));
        let public_url = url("SIGNALBOX_PUBLIC_URL")?;
        let directory = Uuid::parse_str(config.get("SIGNALBOX_OPERATORS_DIRECTORY_ID")).ok();
        Ok(Self {
            authority: url("SIGNALBOX_OIDC_AUTHORITY")?,
            registration: Registration {
                client_id: config.get("SIGNALBOX_OIDC_CLIENT_ID").to_owned(),
                client_secret_arn: config.get("SIGNALBOX_OIDC_CLIENT_SECRET_ARN").to_owned(),
                redirect_uri: format!("{}/operators/callback", public_url.as_str().trim_end_matches('/')),
            },
            directory_id: directory
                .filter(|id| !id.is_nil())
                .ok_or("SIGNALBOX_OPERATORS_DIRECTORY_ID is not the id of a directory")?,
            public_url,
        })
    }
}
