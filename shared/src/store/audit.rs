//! The audit log: what people did, one row a change, in the transaction of the change. Inserted, never changed.

use aws_lc_rs::digest::{SHA256, digest as sha256};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Page;
use crate::{
    db::{Param, SystemTx, TenantTx},
    error::DbError,
    model::ids::{AuditId, TenantId, UserId},
    sql,
};

row! {
    /// An entry as it is read.
    #[derive(Clone, Debug)]
    pub struct Entry {
        /// Its id.
        id: AuditId,
        /// When.
        at: Timestamp,
        /// `user`, `system` or `operator`.
        actor_kind: String,
        /// Who.
        actor_id: Option<Uuid>,
        /// Their name then.
        actor_name: String,
        /// What was done: `connection.create`.
        action: String,
        /// To what kind of thing.
        target_kind: String,
        /// To which.
        target_id: Option<Uuid>,
        /// SHA-256 of what was there, in hex.
        before_digest: Option<String>,
        /// SHA-256 of what is there now, in hex.
        after_digest: Option<String>,
        /// The request that did it.
        request_id: String,
        /// Where that came from.
        source_address: String,
        /// What else is to be known: a platform operator's reason and ticket.
        detail: Option<Value>,
    }
}

/// Writes what the platform has done to a workspace by itself, into the workspace's own log. In the transaction that does it, and
/// only where that has done it: whoever does it again writes nothing.
pub async fn insert_platform(
    tx: &SystemTx,
    tenant: TenantId,
    id: AuditId,
    action: &'static str,
    detail: &Value,
) -> Result<(), DbError> {
    tx.rows(sql!("system/audit_platform.sql"), &[&tenant, &id, &action, detail]).await.map(drop)
}

/// An entry to be written.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its id.
    pub id: AuditId,
    /// Who.
    pub actor: UserId,
    /// Their name now.
    pub actor_name: String,
    /// What was done.
    pub action: &'static str,
    /// To what kind of thing.
    pub target_kind: &'static str,
    /// To which.
    pub target: Uuid,
    /// Digest of what was there.
    pub before: Option<Vec<u8>>,
    /// Digest of what is there now.
    pub after: Option<Vec<u8>>,
    /// The request.
    pub request_id: String,
    /// Where it came from.
    pub source_address: String,
}

/// Writes an entry, and commits what it tells of.
pub async fn commit(tx: TenantTx, record: &Record) -> Result<(), DbError> {
    tx.last(sql!("audit/insert.sql"), &values(record)).await.map(drop)
}

/// Writes an entry; the transaction goes on.
pub async fn insert(tx: &TenantTx, record: &Record) -> Result<(), DbError> {
    tx.execute_one("write an audit entry", sql!("audit/insert.sql"), &values(record)).await
}

/// Writes an entry and commits, unless the same person has one of that action since an instant.
pub async fn commit_once_since(tx: TenantTx, record: &Record, since: Timestamp) -> Result<(), DbError> {
    let [id, actor, name, action, kind, target, _, _, request, address] = values(record);
    // Ids begin with their time.
    let ms = u128::try_from(since.as_millisecond()).unwrap_or(0);
    let from = Uuid::from_u128(ms << 80);
    let params: [&dyn Param; 9] = [id, actor, name, action, kind, target, request, address, &from];
    tx.last(sql!("audit/insert_once.sql"), &params).await.map(drop)
}

fn values(r: &Record) -> [&dyn Param; 10] {
    [
        &r.id,
        &r.actor,
        &r.actor_name,
        &r.action,
        &r.target_kind,
        &r.target,
        &r.before,
        &r.after,
        &r.request_id,
        &r.source_address,
    ]
}

/// A page of entries made at or after `from`, newest first, and the commit.
pub async fn list(tx: TenantTx, page: Page, from: Uuid) -> Result<Vec<Entry>, DbError> {
    super::last(tx, sql!("audit/list.sql"), &[&page.before, &page.limit, &from]).await
}

/// SHA-256 of a thing's canonical JSON: no white space, keys sorted.
#[must_use]
pub fn digest(thing: &impl Serialize) -> Vec<u8> {
    let mut text = String::new();
    write(&serde_json::to_value(thing).unwrap_or(Value::Null), &mut text);
    sha256(&SHA256, text.as_bytes()).as_ref().to_vec()
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, value) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(value, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_does_not_change_a_digest_and_every_value_does() {
        let one: Value = serde_json::from_str(r#"{"a":{"x":1,"y":[true,null]},"b":"t"}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"b":"t","a":{"y":[true,null],"x":1}}"#).unwrap();
        let changed: Value = serde_json::from_str(r#"{"a":{"x":1,"y":[true,0]},"b":"t"}"#).unwrap();
        assert_eq!(digest(&one), digest(&other));
        assert_ne!(digest(&one), digest(&changed));
    }
}
