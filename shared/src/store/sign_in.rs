//! Sign-in and sign-out. Whether a person may enter, and where, is decided in the database, in one statement and one
//! transaction: person, first workspace, membership, session and audit come to be together or not at all.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    auth::{Credential, Principal, access_token::Application, id_token::SignedIn},
    clock::Clock,
    db::{FromRow, Param, Row, SystemTx},
    error::{DbError, Refusal},
    model::{
        ids::SessionId,
        limit::Limit,
        role::{Permission, Role},
        tenant::SchemaName,
    },
    sql,
};

const PROVIDER: &str = "entra";

/// Where a request came from, as the audit log keeps it.
#[derive(Clone, Debug)]
pub struct Source {
    /// The request's id.
    pub request_id: String,
    /// The caller's address; empty where there is none.
    pub address: String,
}

/// How sign-in is set up.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Whether a directory that nobody listed may have a workspace.
    pub open: bool,
    /// How long a session lasts.
    pub lifetime: SignedDuration,
}

/// A session that was begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Whose, and in which workspace.
    pub principal: Principal,
    /// When its row ends, in database time.
    pub expires_at: Timestamp,
    /// Whether this sign-in made the directory's workspace.
    pub claimed: bool,
}

/// Begins a session and commits. Refuses with `NotOnboarded`, `NoRole` and `NoSpare`.
pub async fn sign_in(
    tx: SystemTx,
    who: &SignedIn,
    terms: Terms,
    source: &Source,
    clock: &Clock,
) -> Result<Begun, DbError> {
    let fresh: Vec<Uuid> = (0..4).map(|_| clock.new_id()).collect();
    let rows = tx
        .last(
            sql!("system_signin/sign_in.sql"),
            &[
                &PROVIDER,
                &who.directory_id,
                &who.object_id,
                &who.display_name.as_str(),
                &terms.open,
                &fresh,
                &terms.lifetime.as_secs(),
                &source.request_id.as_str(),
                &source.address.as_str(),
            ],
        )
        .await?;
    rows.first().ok_or(DbError::Refused(Refusal::NoRole)).and_then(Begun::from_row)
}

/// Begins a session with an invitation, by its hash, or without one for somebody who came by one and whose directory is on no
/// list; and commits. Refuses with `Invitation`, `NotOnboarded` and `Quota`.
pub async fn sign_in_guest(
    tx: SystemTx,
    who: &SignedIn,
    invitation: Option<&[u8]>,
    (terms, source): (Terms, &Source),
    clock: &Clock,
) -> Result<Begun, DbError> {
    let fresh: Vec<Uuid> = (0..4).map(|_| clock.new_id()).collect();
    let operator: Vec<&str> = Role::Operator.permissions().into_iter().map(Permission::as_str).collect();
    let params: [&dyn Param; 12] = [
        &PROVIDER,
        &who.directory_id,
        &who.object_id,
        &who.display_name.as_str(),
        &terms.open,
        &invitation.map(<[u8]>::to_vec),
        &operator,
        &fresh,
        &terms.lifetime.as_secs(),
        &source.request_id.as_str(),
        &source.address.as_str(),
        &Limit::Users.initial(),
    ];
    let rows = tx.last(sql!("system_signin/sign_in_guest.sql"), &params).await?;
    rows.first().ok_or(DbError::Refused(Refusal::NoRole)).and_then(Begun::from_row)
}

/// Begins a session of a service principal and commits. Refuses with `NoRole`.
pub async fn sign_in_service(
    tx: SystemTx,
    who: &Application,
    lifetime: SignedDuration,
    source: &Source,
    clock: &Clock,
) -> Result<Begun, DbError> {
    let fresh: Vec<Uuid> = (0..2).map(|_| clock.new_id()).collect();
    let name = format!("Application {}", who.client_id);
    let params: [&dyn Param; 8] = [
        &PROVIDER,
        &who.directory_id,
        &who.object_id,
        &name,
        &fresh,
        &lifetime.as_secs(),
        &source.request_id.as_str(),
        &source.address.as_str(),
    ];
    let rows = tx.last(sql!("system_signin/sign_in_service.sql"), &params).await?;
    rows.first().ok_or(DbError::Refused(Refusal::NoRole)).and_then(Begun::from_row)
}

/// Ends a session and commits. Says whether there is such a session; one that ended before, or is none, is no error.
pub async fn sign_out(
    tx: SystemTx,
    session: SessionId,
    source: &Source,
    clock: &Clock,
) -> Result<bool, DbError> {
    let audit: Uuid = clock.new_id();
    let (request_id, address) = (source.request_id.as_str(), source.address.as_str());
    let rows =
        tx.last(sql!("system_signin/sign_out.sql"), &[&session, &audit, &request_id, &address]).await?;
    rows.first().map_or(Ok(false), |row| Ok(row.try_get("was_known")?))
}

impl FromRow for Begun {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let schema: SchemaName = row
            .try_get::<_, &str>("tenant_schema")?
            .parse()
            .map_err(|error| DbError::Defect(Box::new(error)))?;
        Ok(Self {
            principal: Principal {
                tenant_id: row.try_get("tenant_id")?,
                tenant_schema: schema,
                tenant_user_id: row.try_get("user_id")?,
                credential: Credential::Session(row.try_get("session_id")?),
            },
            expires_at: row.try_get("expires_at")?,
            claimed: row.try_get("claimed")?,
        })
    }
}
