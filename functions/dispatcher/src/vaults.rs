//! Where credentials live. Each is read for one call and wiped after it.

mod managed;

use shared::{
    engine::Connection,
    keys::{CannotOpen, Salt},
    model::ids::TenantId,
    secrets::{RootKey, Secret},
};

/// A credential cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The vault holds none of that name.
    Absent,
    /// The vault's kind is not read by this release.
    Kind,
    /// It cannot be opened here, and why.
    Sealed(CannotOpen),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent => f.write_str("The connection's vault holds no credential of that name."),
            Self::Kind => f.write_str("This release reads credentials from managed vaults only."),
            // Storing it again would not help the others: the key is to be put back.
            Self::Sealed(why @ CannotOpen::NoRoot(_)) => write!(f, "The credential cannot be opened: {why}."),
            Self::Sealed(why) => write!(f, "The credential cannot be opened: {why}; store it again."),
        }
    }
}

/// The credential of a connection, if it names one.
pub(crate) async fn open(
    tenant: TenantId,
    connection: &Connection,
    root: &RootKey,
    salts: Vec<Salt>,
) -> Result<Option<Secret>, Refused> {
    let Some(sealed) = &connection.credential else { return Ok(None) };
    match sealed.vault_kind.as_str() {
        "managed" => managed::open(tenant, sealed, root, salts).await.map(Some),
        _ => Err(Refused::Kind),
    }
}
