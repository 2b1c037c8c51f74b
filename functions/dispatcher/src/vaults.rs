//! Where credentials live. Each is read for one call and wiped after it.

mod managed;

use shared::{
    engine::Connection,
    model::ids::TenantId,
    secrets::{KeyRing, Secret},
};

/// A credential cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The vault holds none of that name.
    Absent,
    /// The vault's kind is not read by this release.
    Kind,
    /// It cannot be opened here.
    Sealed,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "The connection's vault holds no credential of that name.",
            Self::Kind => "This release reads credentials from managed vaults only.",
            Self::Sealed => "The credential cannot be opened; store it again.",
        })
    }
}

/// The credential of a connection, if it names one.
pub(crate) fn open(
    tenant: TenantId,
    connection: &Connection,
    root: &KeyRing,
    salts: Vec<(i32, Vec<u8>)>,
) -> Result<Option<Secret>, Refused> {
    let Some(sealed) = &connection.credential else { return Ok(None) };
    match sealed.vault_kind.as_str() {
        "managed" => managed::open(tenant, sealed, root, salts).map(Some),
        _ => Err(Refused::Kind),
    }
}
