//! Credentials of a managed vault. They can be written and deleted; no route reads one.

use http::StatusCode;
use serde::{Deserialize, Deserializer};
use shared::model::role::Permission::VaultsWrite;
use shared::{
    keys::{TenantKeys, roots_of},
    model::{
        Problem,
        ids::{Id, VaultId},
        job::check_name,
    },
    secrets::Secret,
    store::{credentials, vaults},
};
use utoipa::ToSchema;

use crate::{
    argument::{Body, Path},
    caller::Caller,
    fault::{Answered, Fault},
    reply::Done,
    route::{Route, delete, put},
    work::Change,
};

/// The longest secret, in bytes.
const MAX_SECRET: usize = 64 * 1024;

/// A credential's new value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CredentialBody)]
struct NewCredential {
    /// The secret; at most 64 KiB. It can be replaced, never read.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, write_only, format = Password)]
    value: Secret,
}

fn secret<'de, D: Deserializer<'de>>(reader: D) -> Result<Secret, D::Error> {
    String::deserialize(reader).map(|text| Secret::new(text.into_bytes()))
}

pub(super) fn routes() -> Vec<Route> {
    let path = "/vaults/{id}/credentials/{name}";
    vec![
        put(path, "credentials.put", "Writes a credential; it cannot be read back", write).needs(VaultsWrite),
        delete(path, "credentials.delete", "Deletes a credential", remove).needs(VaultsWrite),
    ]
}

async fn write(
    caller: Caller,
    Path(vault): Path<VaultId>,
    Path(name): Path<String>,
    Body(new): Body<NewCredential>,
) -> Answered<Done> {
    if let Some(message) = check_name(&name) {
        return Err(Fault::invalid(vec![Problem::at("", format!("the credential's name {message}"))]).into());
    }
    if !(1..=MAX_SECRET).contains(&new.value.expose().len()) {
        return Err(Fault::invalid(vec![Problem::at("/value", "must have 1 to 65536 bytes")]).into());
    }
    let work = caller.write().await?;
    credentials::hold_keys(&work).await?;
    vaults::lock(&work, vault).await?;
    let salts = credentials::salts(&work).await?;
    let keys = TenantKeys::new(caller.app.root.knowing(roots_of(&salts)).await, salts);
    let row = credentials::row_of(vault, &name);
    let sealed =
        keys.seal(credentials::place(caller.principal.tenant_id, &row), &new.value).map_err(|error| {
            Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.")
                .because(error)
        })?;
    credentials::put(&work, vault, &name, &sealed, work.user()).await?;
    // The audit log tells that it was written, not what: a digest of a secret could be guessed against.
    let change = Change::new("credential.put", vault.uuid()).after(&name);
    work.commit(change, Done::done()).await
}

async fn remove(caller: Caller, Path(vault): Path<VaultId>, Path(name): Path<String>) -> Answered<Done> {
    let work = caller.write().await?;
    vaults::lock(&work, vault).await?;
    if name.contains('\0') || !credentials::delete(&work, vault, &name).await? {
        return Err(Fault::not_found().into());
    }
    work.commit(Change::new("credential.delete", vault.uuid()).before(&name), Done::done()).await
}
