//! What the function was told, checked at start.

use shared::{auth::Registration, config::Config, egress::Url, error::BoxError};

/// The settings of sign-in.
pub(crate) struct Settings {
    /// Where browsers reach us; its origin is what `Origin` must be.
    pub(crate) public_url: Url,
    /// The provider.
    pub(crate) authority: Url,
    /// Our application there.
    pub(crate) registration: Registration,
    /// Whether a directory that nobody listed may have a workspace.
    pub(crate) open: bool,
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Self, BoxError> {
        let url = |name: &str| Url::parse(config.get(name)).map_err(|_| format!("{name} is not a URL"));
        let open = match config.get("SIGNALBOX_ONBOARDING") {
            "open" => true,
            "listed" => false,
            _ => return Err("SIGNALBOX_ONBOARDING is neither listed nor open".into()),
        };
        let public_url = url("SIGNALBOX_PUBLIC_URL")?;
        let registration = Registration {
            client_id: config.get("SIGNALBOX_OIDC_CLIENT_ID").to_owned(),
            client_secret_arn: config.get("SIGNALBOX_OIDC_CLIENT_SECRET_ARN").to_owned(),
            redirect_uri: format!("{}/auth/callback", public_url.as_str().trim_end_matches('/')),
        };
        Ok(Self { public_url, authority: url("SIGNALBOX_OIDC_AUTHORITY")?, registration, open })
    }
}
