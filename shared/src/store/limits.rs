//! Limits and quotas: what a workspace may use, tokens of its calls, and how much room there is for one more.

use std::collections::BTreeMap;

use crate::{
    db::{Param, Row, SystemTx, TenantTx},
    error::{DbError, Quota, Refusal},
    model::{
        ids::{AuditId, TenantId},
        limit::{Limit, Limits},
    },
    sql,
};

row! {
    struct Stored {
        name: String,
        value: i64,
    }
}

row! {
    struct Most {
        most: i64,
    }
}

row! {
    struct Used {
        used: i64,
    }
}

row! {
    struct Alone {
        is_held: bool,
    }
}

row! {
    /// A block of tokens.
    #[derive(Clone, Copy, Debug)]
    pub struct Block {
        /// How many tokens were granted, at most a block.
        granted: i64,
        /// How many are granted at once where there are enough.
        block: i64,
        /// The bucket's rate, tokens a second.
        rate: i64,
        /// How many it holds.
        burst: i64,
    }
}

/// What an instance asks a block with.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Whose bucket.
    pub tenant: TenantId,
    /// Which bucket.
    pub bucket: &'static str,
    /// Its initial rate and burst.
    pub initial: [Limit; 2],
    /// Calls let through and refused since the last block.
    pub counts: [i64; 2],
    /// Tokens that calls have cost beyond those that were leased.
    pub owed: i64,
}

/// The limits of the workspace.
pub async fn own(tx: &TenantTx) -> Result<Limits, DbError> {
    let rows: Vec<Stored> = tx.all(sql!("limits/own.sql"), &[]).await?;
    Ok(Limits::of(rows.into_iter().map(|row| (row.name, row.value))))
}

/// Holds a quota until the transaction ends and makes sure that there is room for one more under it. One round trip.
pub async fn hold(tx: &TenantTx, limit: Limit) -> Result<(), DbError> {
    let kept: &[&dyn Param] = match limit {
        Limit::Exports => &[&"export", &None::<String>],
        Limit::Backups => &[&"backup", &None::<String>],
        Limit::Sandboxes => &[&"restore", &"sandbox"],
        _ => &[],
    };
    let count = match limit {
        Limit::Jobs => sql!("jobs/count.sql"),
        Limit::Schedules => sql!("schedules/count.sql"),
        Limit::Connections => sql!("connections/count.sql"),
        Limit::Users => sql!("members/count.sql"),
        Limit::Exports | Limit::Backups | Limit::Sandboxes => sql!("operations/count_kept.sql"),
        _ => return Err(DbError::Defect(format!("{limit} is not held by counting").into())),
    };
    // A workspace that is full can still be taken along, and brought back.
    let bytes = kept.is_empty().then(|| Limit::StoredBytes.initial());
    let (name, initial) = (limit.as_str(), limit.initial());
    let held: [&dyn Param; 3] = [&name, &initial, &bytes];
    let (most, used) = futures_util::try_join!(
        tx.one::<Most>(sql!("limits/hold.sql"), &held),
        tx.one::<Used>(count, kept),
    )?;
    if used.used < most.most {
        return Ok(());
    }
    Err(DbError::Refused(Refusal::Quota(Quota { limit, most: most.most })))
}

/// Takes the one place that the workspace has for work of a name, until the transaction ends. False where somebody has it.
pub async fn hold_alone(tx: &TenantTx, what: &str) -> Result<bool, DbError> {
    Ok(tx.one::<Alone>(sql!("limits/hold_alone.sql"), &[&what]).await?.is_held)
}

/// Leases a block and commits, all in one round trip. None where the workspace cannot be entered.
pub async fn lease(tx: SystemTx, ask: Ask) -> Result<Option<Block>, DbError> {
    let [rate, burst] = ask.initial.map(Limit::initial);
    let [used, limited] = ask.counts;
    let params: [&dyn Param; 7] = [&ask.tenant, &ask.bucket, &rate, &burst, &used, &limited, &ask.owed];
    let rows: Vec<Row> = tx.last(sql!("system_portal/lease_tokens.sql"), &params).await?;
    rows.first().map(crate::db::FromRow::from_row).transpose()
}

/// Adds counts of calls, let through and refused, to several workspaces' usage, and commits.
pub async fn note_calls(tx: SystemTx, counts: &[(TenantId, [i64; 2])]) -> Result<(), DbError> {
    let tenants: Vec<TenantId> = counts.iter().map(|(tenant, _)| *tenant).collect();
    let used: Vec<i64> = counts.iter().map(|(_, [used, _])| *used).collect();
    let limited: Vec<i64> = counts.iter().map(|(_, [_, limited])| *limited).collect();
    tx.last(sql!("system_portal/note_calls.sql"), &[&tenants, &used, &limited]).await.map(drop)
}

/// The limits of a workspace as the steward sees them, its place held and its row locked. Absent where nobody may enter it.
pub async fn lock(tx: &SystemTx, tenant: TenantId) -> Result<Limits, DbError> {
    tx.rows(sql!("system/hold_place_of.sql"), &[&tenant]).await?;
    if tx.rows(sql!("system/lock_tenant.sql"), &[&tenant]).await?.is_empty() {
        return Err(DbError::Refused(Refusal::Absent));
    }
    let rows: Vec<Stored> = tx.all(sql!("system/limits.sql"), &[&tenant]).await?;
    Ok(Limits::of(rows.into_iter().map(|row| (row.name, row.value))))
}

/// Sets limits, or none: back to the initial values. With the workspace's audit row.
pub async fn change(
    tx: &SystemTx,
    tenant: TenantId,
    changes: &BTreeMap<Limit, Option<i64>>,
    audit: AuditId,
) -> Result<(), DbError> {
    let set: Vec<(Limit, i64)> =
        changes.iter().filter_map(|(limit, value)| Some((*limit, (*value)?))).collect();
    let names: Vec<&str> = set.iter().map(|(limit, _)| limit.as_str()).collect();
    let values: Vec<i64> = set.iter().map(|(_, value)| *value).collect();
    tx.execute(sql!("system/set_limits.sql"), &[&tenant, &names, &values]).await?;
    let reset: Vec<&str> = changes.iter().filter(|(_, v)| v.is_none()).map(|(l, _)| l.as_str()).collect();
    tx.execute(sql!("system/reset_limits.sql"), &[&tenant, &reset]).await?;
    let detail = serde_json::to_value(changes).map_err(|error| DbError::Defect(error.into()))?;
    tx.rows(sql!("system/audit_platform.sql"), &[&tenant, &audit, &"limits.update", &detail]).await.map(drop)
}
