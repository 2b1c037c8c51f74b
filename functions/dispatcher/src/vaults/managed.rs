//! The vault that is ours: values sealed under the workspace's own keys.

use shared::{
    engine::Sealed,
    keys::{Salt, TenantKeys, roots_of},
    model::ids::TenantId,
    secrets::{RootKey, Secret},
    store::credentials::{place, row_of},
};

use super::Refused;

/// Opens a sealed credential.
pub(super) async fn open(
    tenant: TenantId,
    sealed: &Sealed,
    root: &RootKey,
    salts: Vec<Salt>,
) -> Result<Secret, Refused> {
    let (version, bytes) = sealed.value.as_ref().ok_or(Refused::Absent)?;
    let row = row_of(sealed.vault, &sealed.name);
    let ring = root.knowing(roots_of(&salts)).await;
    TenantKeys::new(ring, salts).open(place(tenant, &row), *version, bytes).map_err(Refused::Sealed)
}
