//! Platform operators' sessions: begun in the first database, then in each further one, and ended in all of them. The operators'
//! function calls this, and the steward where somebody was dismissed.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Access, first};
use crate::{
    auth::{Operator, id_token::SignedIn},
    clock::Clock,
    db::{Param, SystemTx},
    error::DbError,
    model::ids::{AuditId, OperatorId, OperatorSessionId},
    sql,
    store::sign_in::Source,
};

row! {
    /// A session that was begun.
    #[derive(Clone, Copy, Debug)]
    pub struct Begun {
        /// The session.
        session_id: OperatorSessionId,
        /// Whose.
        operator_id: OperatorId,
        /// When its row ends, in database time.
        expires_at: Timestamp,
    }
}

/// Begins a session and commits, for somebody whose token, directory and role were verified.
pub async fn sign_in(
    tx: SystemTx,
    who: &SignedIn,
    lifetime: SignedDuration,
    source: &Source,
    clock: &Clock,
) -> Result<Begun, DbError> {
    let fresh: Vec<Uuid> = (0..3).map(|_| clock.new_id()).collect();
    let params: [&dyn Param; 7] = [
        &who.directory_id,
        &who.object_id,
        &who.display_name,
        &fresh,
        &lifetime.as_secs(),
        &source.request_id,
        &source.address,
    ];
    first(tx, sql!("system_operators/sign_in.sql"), &params).await
}

/// Begins a session that the first database began in another, and commits. Begun twice it is begun once.
pub async fn begin_in(
    tx: SystemTx,
    who: &SignedIn,
    begun: &Begun,
    audit: AuditId,
    source: &Source,
) -> Result<(), DbError> {
    let params: [&dyn Param; 9] = [
        &begun.session_id,
        &begun.operator_id,
        &who.directory_id,
        &who.object_id,
        &who.display_name,
        &begun.expires_at,
        &audit,
        &source.request_id,
        &source.address,
    ];
    tx.last(sql!("system_operators/session_begin.sql"), &params).await.map(drop)
}

/// How many grants an operator has open in one database; refused as `NoSession` where their session is not alive there.
pub async fn open_grants(tx: SystemTx, operator: &Operator) -> Result<i64, DbError> {
    let params: [&dyn Param; 2] = [&operator.session_id, &operator.operator_id];
    let rows = tx.last(sql!("system_operators/open_grants.sql"), &params).await?;
    rows.first().map_or(Ok(0), |row| Ok(row.try_get("open")?))
}

/// Ends a session in one database and commits. Refused as `NoSession` where it has ended, or never was.
pub async fn sign_out(tx: SystemTx, access: &Access) -> Result<(), DbError> {
    let Access { operator, audit, source } = access;
    let params: [&dyn Param; 5] =
        [&operator.session_id, &operator.operator_id, audit, &source.request_id, &source.address];
    tx.last(sql!("system_operators/sign_out.sql"), &params).await.map(drop)
}

/// Ends every session of whoever has this id in the directory in one database, and commits; says how many there were.
pub async fn end_sessions(tx: SystemTx, object: Uuid, audit: AuditId) -> Result<i64, DbError> {
    let rows = tx.last(sql!("system/end_operator_sessions.sql"), &[&object, &audit]).await?;
    rows.first().map_or(Ok(0), |row| Ok(row.try_get("ended")?))
}
