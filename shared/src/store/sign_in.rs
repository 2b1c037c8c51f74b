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
        ids::{SessionId, TenantId},
        limit::Limit,
        role::{Permission, Role},
        tenant::{DatabaseName, SchemaName},
    },
    sql,
};

/// The one identity provider, as people are kept by it.
pub(super) const PROVIDER: &str = "entra";

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

/// Somebody's way to one workspace, as the first database knows it.
#[derive(Clone, Debug)]
pub struct Way {
    /// The database in which the workspace is, unless it is the first one's, or nobody's.
    pub database: Option<DatabaseName>,
    /// Whether the people of their directory come as a customer's; of others guests do.
    pub is_listed: bool,
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

/// Asks the first database for somebody's way to one workspace, and commits. Refuses with `Blocked`; nothing is said of whether there
/// is such a workspace.
pub async fn way_to(tx: SystemTx, who: &SignedIn, open: bool, workspace: TenantId) -> Result<Way, DbError> {
    let params: [&dyn Param; 4] = [&PROVIDER, &who.directory_id, &open, &workspace];
    let rows = tx.last(sql!("system_signin/way_to.sql"), &params).await?;
    rows.first().ok_or(DbError::Refused(Refusal::NoRole)).and_then(Way::from_row)
}

/// Begins a session in one workspace, where it is, and commits. Refuses with `NoRole` whoever is no member, also of one that is not
/// there.
pub async fn sign_in_to(
    tx: SystemTx,
    who: &SignedIn,
    (workspace, is_listed): (TenantId, bool),
    (terms, source): (Terms, &Source),
    clock: &Clock,
) -> Result<Begun, DbError> {
    let fresh: Vec<Uuid> = (0..2).map(|_| clock.new_id()).collect();
    let params: [&dyn Param; 10] = [
        &workspace,
        &PROVIDER,
        &who.directory_id,
        &who.object_id,
        &who.display_name.as_str(),
        &is_listed,
        &fresh,
        &terms.lifetime.as_secs(),
        &source.request_id.as_str(),
        &source.address.as_str(),
    ];
    let rows = tx.last(sql!("system_signin/sign_in_to.sql"), &params).await?;
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

impl FromRow for Way {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let name: Option<&str> = row.try_get("database_name")?;
        let database = name.map(str::parse).transpose().map_err(|error| DbError::Defect(Box::new(error)))?;
        Ok(Self { database, is_listed: row.try_get("listed")? })
    }
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
