//! API tokens without their secrets, through functions of schema `system` that take the workspace from the scope.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::Page;
use crate::{
    db::{Param, SystemTx, TenantTx},
    error::{DbError, Refusal},
    model::{
        ids::{ApiTokenId, TenantId, UserId},
        role::Permission,
    },
    sql,
};

row! {
    /// An API token, without its secret.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    #[schema(as = ApiToken)]
    pub struct Token {
        /// Its id.
        id: ApiTokenId,
        /// Who made it; it may do what they may, within its permissions.
        user_id: UserId,
        /// Its name.
        name: String,
        /// What it may do at most.
        permissions: Vec<String>,
        /// When it was made.
        #[schema(value_type = String, format = DateTime)]
        created_at: Timestamp,
        /// When it ends by itself.
        #[schema(value_type = String, format = DateTime)]
        expires_at: Timestamp,
        /// When it was last used, to the hour; null if never.
        #[schema(value_type = Option<String>, format = DateTime)]
        last_used_at: Option<Timestamp>,
    }
}

row! {
    struct Ended {
        ended: bool,
    }
}

/// A token to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    /// Its id.
    pub id: ApiTokenId,
    /// Who makes it.
    pub user: UserId,
    /// SHA-256 of its text.
    pub hash: &'a [u8],
    /// Its name.
    pub name: &'a str,
    /// What it may do at most.
    pub permissions: &'a [Permission],
    /// When it ends by itself, from now.
    pub lifetime: SignedDuration,
}

/// A page of the tokens of one member, or of all, and the commit.
pub async fn list(tx: TenantTx, of: Option<UserId>, page: Page) -> Result<Vec<Token>, DbError> {
    let limit = i32::try_from(page.limit).unwrap_or(i32::MAX);
    super::last(tx, sql!("api_tokens/list.sql"), &[&of, &page.before, &limit]).await
}

/// One token, of one member or of anybody.
pub async fn read(tx: &TenantTx, of: Option<UserId>, id: ApiTokenId) -> Result<Token, DbError> {
    tx.one(sql!("api_tokens/get.sql"), &[&of, &id]).await
}

/// Keeps a token. Refused as `Limit` where its maker has as many as there may be.
pub async fn insert(tx: &TenantTx, new: NewToken<'_>) -> Result<Token, DbError> {
    let permissions: Vec<&str> = new.permissions.iter().map(|permission| permission.as_str()).collect();
    let lifetime_s = new.lifetime.as_secs();
    let params: [&dyn Param; 6] = [&new.id, &new.user, &new.hash, &new.name, &permissions, &lifetime_s];
    tx.rows(sql!("api_tokens/insert.sql"), &params).await?;
    read(tx, Some(new.user), new.id).await
}

/// Ends a token; one that is not there is absent.
pub async fn end(tx: &TenantTx, was: &Token) -> Result<(), DbError> {
    let ended: Ended = tx.one(sql!("api_tokens/end.sql"), &[&was.user_id, &was.id]).await?;
    if ended.ended { Ok(()) } else { Err(DbError::Refused(Refusal::Absent)) }
}

/// Whether a token is this person's in this workspace, and the commit. Notes that it is in use; at most once an hour is anything
/// written.
pub async fn used(tx: SystemTx, hash: &[u8], user: UserId, tenant: TenantId) -> Result<bool, DbError> {
    let rows = tx.last(sql!("system_portal/api_token_used.sql"), &[&hash, &user, &tenant]).await?;
    rows.first().map_or(Ok(false), |row| Ok(row.try_get("is_one")?))
}
