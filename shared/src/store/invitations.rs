//! Invitations without their secrets, through functions of schema `system` that take the workspace from the scope.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Page;
use crate::{
    db::{Param, TenantTx},
    error::{DbError, Refusal},
    model::{
        ids::{InvitationId, UserId},
        role::RoleRef,
    },
    sql,
};

row! {
    /// An open invitation, without its secret.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    pub struct Invitation {
        /// Its id.
        id: InvitationId,
        /// What it gives: `administrator`, `operator`, or the id of one of the workspace's own roles.
        role: String,
        /// Only somebody of this directory may accept it, and may do so though the directory is on no list. Null: anybody whose
        /// directory is a customer's.
        directory_id: Option<Uuid>,
        /// Only this person of the directory may accept it; null: anybody of it.
        object_id: Option<Uuid>,
        /// Who made it. It is void once they could no longer make it.
        created_by: UserId,
        /// When it was made.
        #[schema(value_type = String, format = DateTime)]
        created_at: Timestamp,
        /// When it ends by itself.
        #[schema(value_type = String, format = DateTime)]
        expires_at: Timestamp,
    }
}

row! {
    struct Ended {
        ended: bool,
    }
}

/// An invitation to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewInvitation<'a> {
    /// Its id.
    pub id: InvitationId,
    /// SHA-256 of its secret.
    pub hash: &'a [u8],
    /// What it gives.
    pub role: RoleRef,
    /// Whose directory.
    pub directory: Option<Uuid>,
    /// Who in it.
    pub object: Option<Uuid>,
    /// Who makes it.
    pub by: UserId,
    /// When it ends by itself, from now.
    pub lifetime: SignedDuration,
}

/// A page of open invitations, and the commit.
pub async fn list(tx: TenantTx, page: Page) -> Result<Vec<Invitation>, DbError> {
    let limit = i32::try_from(page.limit).unwrap_or(i32::MAX);
    super::last(tx, sql!("invitations/list.sql"), &[&page.before, &limit]).await
}

/// One open invitation, and the commit.
pub async fn get(tx: TenantTx, id: InvitationId) -> Result<Invitation, DbError> {
    super::last_one(tx, sql!("invitations/get.sql"), &[&id]).await
}

/// One open invitation.
pub async fn read(tx: &TenantTx, id: InvitationId) -> Result<Invitation, DbError> {
    tx.one(sql!("invitations/get.sql"), &[&id]).await
}

/// Keeps an invitation. Refused as `Limit` where there are as many as there may be.
pub async fn insert(tx: &TenantTx, new: NewInvitation<'_>) -> Result<Invitation, DbError> {
    let (role, lifetime_s) = (new.role.to_string(), new.lifetime.as_secs());
    let params: [&dyn Param; 7] =
        [&new.id, &new.hash, &role, &new.directory, &new.object, &new.by, &lifetime_s];
    tx.rows(sql!("invitations/insert.sql"), &params).await?;
    read(tx, new.id).await
}

/// Revokes an invitation; one that is not open is absent.
pub async fn end(tx: &TenantTx, id: InvitationId) -> Result<(), DbError> {
    let ended: Ended = tx.one(sql!("invitations/end.sql"), &[&id]).await?;
    if ended.ended { Ok(()) } else { Err(DbError::Refused(Refusal::Absent)) }
}
