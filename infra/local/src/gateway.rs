//! Gateway (being written).

/// A route of the gateway, as API Gateway writes it.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// `ANY /auth/{proxy+}`, `GET /healthz` or `$default`.
    pub key: String,
    /// The function's name.
    pub function: String,
}
