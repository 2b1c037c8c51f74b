//! The vault that is ours: values sealed under the workspace's own keys.

use shared::{
    engine::Sealed,
    keys::TenantKeys,
    model::ids::TenantId,
    secrets::{KeyRing, Secret},
    store::credentials::{place, row_of},
};

use super::Refused;

/// Opens a sealed credential.
pub(super) fn open(
    tenant: TenantId,
    sealed: &Sealed,
    root: &KeyRing,
    salts: Vec<(i32, Vec<u8>)>,
) -> Result<Secret, Refused> {
    let (version, bytes) = sealed.value.as_ref().ok_or(Refused::Absent)?;
    let row = row_of(sealed.vault, &sealed.name);
    TenantKeys::new(root.clone(), salts)
        .open(place(tenant, &row), *version, bytes)
        .map_err(|_| Refused::Sealed)
}
