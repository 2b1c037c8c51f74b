//! Spare workspaces, kept ready so that a first sign-in only has to claim one.

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{
        SystemRole, SystemTx,
        placement::{self, Room, Spare},
        retrying,
    },
    model::{ids::TenantId, tenant::Placement},
    store::directories,
};

use crate::{Steward, order::Refill};

/// How many are kept of each placement.
const SPARES: i64 = 4;

/// More are not made in one order.
const MOST: i64 = 1000;

impl Steward {
    /// Makes what is missing: schemas always, pooled workspaces where there are pools.
    pub(crate) async fn refill(&self, order: Refill) -> Result<Value, Error> {
        let of_schemas = self.refill_of(self.own_schemas(), order).await?;
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "pools").await?;
        let pooled = directories::spares(&tx, Placement::Pooled).await?;
        tx.commit().await?;
        let of_pools = if pooled.has_pools { self.refill_of(Placement::Pooled, order).await? } else { 0 };
        Ok(json!({ "spares_made": of_schemas + of_pools }))
    }

    /// Makes what is missing of one placement; the first pool too. Says how many.
    pub(crate) async fn refill_of(&self, placement: Placement, order: Refill) -> Result<i64, Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "spares").await?;
        let there = directories::spares(&tx, placement).await?;
        tx.commit().await?;
        let missing = (order.spares.unwrap_or(SPARES) - there.spares).clamp(0, MOST);
        for _ in 0..missing {
            let (tenant, pool) = (self.clock.new_id(), self.clock.new_id());
            let spare = Spare { tenant, pool, salt: shared::keys::random(32)? };
            self.place(tenant).await?;
            retrying(|| placement::provision(&self.database, placement, &spare, room(order))).await?;
        }
        Ok(missing)
    }

    /// What a workspace with a schema of its own is called here.
    pub(crate) fn own_schemas(&self) -> Placement {
        if self.database.name().is_some() { Placement::Dedicated } else { Placement::Schema }
    }

    /// Says where a workspace will be, before it is made there.
    pub(crate) async fn place(&self, tenant: TenantId) -> Result<(), Error> {
        let Some(name) = self.database.name() else { return Ok(()) };
        let tx = SystemTx::begin(&self.database.first(), SystemRole::Owner, "place").await?;
        Ok(directories::place_elsewhere(tx, tenant, name).await?)
    }

    /// Takes that back, for one that was not made after all.
    pub(crate) async fn displace(&self, tenant: TenantId) -> Result<(), Error> {
        let Some(name) = self.database.name() else { return Ok(()) };
        let tx = SystemTx::begin(&self.database.first(), SystemRole::Owner, "displace").await?;
        Ok(directories::displace(tx, tenant, name).await?)
    }
}

fn room(order: Refill) -> Room {
    Room {
        roles_per_cell: order.per_cell.unwrap_or(Room::USUAL.roles_per_cell).max(1),
        tenants_per_pool: order.per_pool.unwrap_or(Room::USUAL.tenants_per_pool).max(1),
    }
}
