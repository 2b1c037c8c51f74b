//! Vaults: where credentials live. At present all are managed: kept here, sealed under the workspace's key.

use serde::Deserialize;
use shared::model::role::Permission::{VaultsRead, VaultsWrite};
use shared::{
    model::{
        Problem, Problems,
        ids::{Id, VaultId},
    },
    store::vaults::{self, Vault},
};
use utoipa::ToSchema;

use super::{
    check_named,
    lists::{List, Plain},
};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::{Answered, Fault},
    reply::{Created, Done, Found},
    route::{Route, delete, get, post, put},
    work::Change,
};

/// Kinds that are known by name but cannot be linked yet.
const LINKED: &[&str] =
    &["aws_secrets_manager", "azure_key_vault", "google_secret_manager", "hashicorp_vault"];

/// What a vault is made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VaultBody)]
struct NewVault {
    /// Unique in the workspace; at most 100 characters.
    #[schema(max_length = 100)]
    name: String,
    /// `managed`: secrets are kept here, sealed under the workspace's own key.
    #[serde(default = "managed")]
    #[schema(default = "managed")]
    kind: String,
}

fn managed() -> String {
    "managed".to_owned()
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/vaults", "vaults.list", "Lists vaults, newest first", list)
            .needs(VaultsRead)
            .recorded("vault.read"),
        post("/vaults", "vaults.create", "Makes a vault", create).needs(VaultsWrite),
        get("/vaults/{id}", "vaults.get", "One vault, with the names of its credentials", show)
            .needs(VaultsRead)
            .recorded("vault.read"),
        put("/vaults/{id}", "vaults.update", "Renames a vault", update).needs(VaultsWrite),
        delete("/vaults/{id}", "vaults.delete", "Deletes a vault that no connection uses", remove)
            .needs(VaultsWrite),
    ]
}

impl NewVault {
    fn check(&self) -> Result<(), Fault> {
        let mut problems = Problems::default();
        check_named(&mut problems, "/name", &self.name);
        if LINKED.contains(&self.kind.as_str()) {
            let message = format!("{} vaults cannot be linked yet; use a managed one", self.kind);
            return Err(Fault::unsupported(Problem::at("/kind", message)));
        }
        problems.unless(self.kind == "managed", "/kind", "is not a kind of vault; use `managed`");
        Ok(problems.or(())?)
    }
}

async fn list(caller: Caller, Query(query): Query<Plain>) -> Answered<Found<List<Vault>>> {
    let page = query.page();
    let rows = vaults::list(caller.read().await?.into_tx(), page).await?;
    Ok(Found::of(&List::of(rows, page, |v| v.id, |v| v)))
}

async fn create(caller: Caller, Body(new): Body<NewVault>) -> Answered<Created<Vault>> {
    new.check()?;
    let work = caller.write().await?;
    let vault = vaults::insert(&work, caller.app.clock.new_id(), &new.name, &new.kind, work.user()).await?;
    let change = Change::new("vault.create", vault.id.uuid()).after(&vault);
    let answer = Created::at(&format!("/api/v1/vaults/{}", vault.id), &vault).at_version(vault.version);
    work.commit(change, answer).await
}

async fn show(caller: Caller, Path(id): Path<VaultId>) -> Answered<Found<Vault>> {
    let held = caller.read().await?;
    let vault = vaults::get(&held, id).await?;
    // Not with the read in one round trip: a vault that is not there was not read.
    held.into_tx().commit().await?;
    Ok(Found::of(&vault).at_version(vault.version))
}

async fn update(
    caller: Caller,
    Path(id): Path<VaultId>,
    Body(new): Body<NewVault>,
) -> Answered<Found<Vault>> {
    new.check()?;
    let work = caller.write().await?;
    let was = vaults::lock(&work, id).await?;
    caller.check_version(was.version)?;
    let vault = vaults::rename(&work, &was, &new.name, work.user()).await?;
    let change = Change::new("vault.update", id.uuid()).before(&was).after(&vault);
    work.commit(change, Found::of(&vault).at_version(vault.version)).await
}

async fn remove(caller: Caller, Path(id): Path<VaultId>) -> Answered<Done> {
    let work = caller.write().await?;
    let was = vaults::lock(&work, id).await?;
    caller.check_version(was.version)?;
    vaults::delete(&work, &was).await?;
    work.commit(Change::new("vault.delete", id.uuid()).before(&was), Done::done()).await
}
