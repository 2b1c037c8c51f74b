//! Beginning and ending sessions in the database. Where no spare workspace is left for a first sign-in, the steward is asked
//! for one and the sign-in waits for it, holding no connection.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use shared::{
    auth::{InvitationSecret, LIFETIME, access_token::Application, id_token::SignedIn},
    db::{Database, SystemRole, SystemTx, retrying},
    error::{DbError, Refusal as Because},
    model::{
        ids::{SessionId, TenantId},
        tenant::DatabaseName,
    },
    queue::Call,
    store::sign_in::{self, Begun, Source, Terms},
};
use tokio::time::Instant;

use crate::{Signin, answer::Refusal};

const BETWEEN: Duration = Duration::from_millis(250);

/// Begins a session for somebody whose token was verified. Where a workspace must be made first, waits until then.
pub(crate) async fn begin(
    signin: &Signin,
    who: &SignedIn,
    source: &Source,
    until: Instant,
) -> Result<Begun, Refusal> {
    let mut asked = false;
    loop {
        match at_home(signin, who, source).await {
            Ok(begun) => {
                tracing::info!(user = %begun.principal.tenant_user_id, claimed = begun.claimed, "a session began");
                return Ok(begun);
            }
            Err(DbError::Refused(Because::NoSpare)) if Instant::now() + BETWEEN < until => {
                if !asked {
                    signin.0.steward.call(Call::Refill, Duration::ZERO).await;
                    asked = true;
                }
                tokio::time::sleep(BETWEEN).await;
            }
            // Who came by an invitation may come again.
            Err(error @ DbError::Refused(Because::NotOnboarded | Because::NoRole)) => {
                return guest(signin, who, None, source).await.map_err(|other| because(told(error, other)));
            }
            Err(error) => return Err(because(error)),
        }
    }
}

/// Begins a session with an invitation, which makes its bearer a member.
pub(crate) async fn accept(
    signin: &Signin,
    who: &SignedIn,
    invitation: &str,
    source: &Source,
) -> Result<Begun, Refusal> {
    guest(signin, who, Some(InvitationSecret::hash(invitation)), source).await.map_err(because)
}

/// Begins a session in the one workspace that somebody asked for, whichever database it is in. The first one leads there, and its
/// word on who is kept out holds. Nobody is made anything by it, and whoever is no member there is told what they would be told of
/// a workspace that never was.
pub(crate) async fn enter(
    signin: &Signin,
    who: &SignedIn,
    workspace: TenantId,
    source: &Source,
) -> Result<Begun, Refusal> {
    let (database, terms, clock) = (&signin.0.database, terms(signin), &signin.0.clock);
    // Both again, where the workspace has moved meanwhile.
    let begun = retrying(|| async {
        let tx = SystemTx::begin(database, SystemRole::Signin, "way_to").await?;
        let way = sign_in::way_to(tx, who, terms.open, workspace).await?;
        let home = way.database.map_or_else(|| Ok(database.first()), |name| named(signin, &name))?;
        let tx = SystemTx::begin(&home, SystemRole::Signin, "sign_in_to").await?;
        sign_in::sign_in_to(tx, who, (workspace, way.is_listed), (terms, source), clock).await
    });
    begun.await.map_err(because)
}

/// Begins a session of a service principal, no longer than the token that it came with.
pub(crate) async fn serve(signin: &Signin, who: &Application, source: &Source) -> Result<Begun, Refusal> {
    let parts = &signin.0;
    let lifetime = who.expires_at.duration_since(parts.clock.now());
    if !lifetime.is_positive() {
        return Err(Refusal::NotProven);
    }
    let begun = match try_serve(signin, &parts.database, who, lifetime, source).await {
        Err(DbError::Elsewhere(name)) => match named(signin, &name) {
            Ok(there) => try_serve(signin, &there, who, lifetime, source).await,
            Err(error) => Err(error),
        },
        answered => answered,
    };
    begun.map_err(because)
}

/// Ends a session, in whichever database it is: nothing but its id is known, and one that is nowhere is no error. A database that
/// is out of reach matters only where none of the others knows the session.
pub(crate) async fn end(signin: &Signin, session: SessionId, source: &Source) -> Result<(), Refusal> {
    let parts = &signin.0;
    let databases = parts.database.each();
    let ends = databases.iter().map(|database| {
        retrying(move || async move {
            let tx = SystemTx::begin(database, SystemRole::Signin, "sign_out").await?;
            sign_in::sign_out(tx, session, source, &parts.clock).await
        })
    });
    let ended = join_all(ends).await;
    if ended.iter().any(|was_known| matches!(was_known, Ok(true))) {
        return Ok(());
    }
    ended.into_iter().find_map(Result::err).map_or(Ok(()), |error| Err(because(error)))
}

/// The database in which a directory's workspace is, as the first one has named it.
fn named(signin: &Signin, name: &DatabaseName) -> Result<Database, DbError> {
    let unknown = || DbError::Unavailable(format!("there is no login for the database {name}").into());
    signin.0.database.named(name).ok_or_else(unknown)
}

/// Guests, and invitations, may be of any database: each is asked until one knows them. The first one's word on who is kept out
/// holds for all. One that is out of reach is passed over, and told of only to somebody with an invitation that may be its own.
async fn guest(
    signin: &Signin,
    who: &SignedIn,
    invitation: Option<Vec<u8>>,
    source: &Source,
) -> Result<Begun, DbError> {
    let (parts, invitation) = (&signin.0, invitation.as_deref());
    let mut refused = DbError::Refused(Because::NotOnboarded);
    let mut away = None;
    for database in parts.database.each() {
        let begun = retrying(|| async {
            let tx = SystemTx::begin(&database, SystemRole::Signin, "sign_in_guest").await?;
            sign_in::sign_in_guest(tx, who, invitation, (terms(signin), source), &parts.clock).await
        });
        match begun.await {
            Err(error @ DbError::Refused(Because::NotOnboarded | Because::Invitation)) => refused = error,
            Err(error @ DbError::Unavailable(_)) if database.name().is_some() => away = Some(error),
            answered => return answered,
        }
    }
    Err(away.filter(|_| invitation.is_some()).unwrap_or(refused))
}

/// What somebody is told who is neither a member nor a guest: the first, unless the second is more than that they are unknown.
fn told(first: DbError, second: DbError) -> DbError {
    if matches!(second, DbError::Refused(Because::NotOnboarded)) { first } else { second }
}

fn terms(signin: &Signin) -> Terms {
    Terms { open: signin.0.settings.open, lifetime: LIFETIME }
}

/// Asks the first database, and where that names another, the other.
async fn at_home(signin: &Signin, who: &SignedIn, source: &Source) -> Result<Begun, DbError> {
    match try_begin(signin, &signin.0.database, who, source).await {
        Err(DbError::Elsewhere(name)) => try_begin(signin, &named(signin, &name)?, who, source).await,
        answered => answered,
    }
}

async fn try_begin(
    signin: &Signin,
    database: &Database,
    who: &SignedIn,
    source: &Source,
) -> Result<Begun, DbError> {
    retrying(|| async {
        let tx = SystemTx::begin(database, SystemRole::Signin, "sign_in").await?;
        sign_in::sign_in(tx, who, terms(signin), source, &signin.0.clock).await
    })
    .await
}

async fn try_serve(
    signin: &Signin,
    database: &Database,
    who: &Application,
    lifetime: SignedDuration,
    source: &Source,
) -> Result<Begun, DbError> {
    retrying(|| async {
        let tx = SystemTx::begin(database, SystemRole::Signin, "sign_in_service").await?;
        sign_in::sign_in_service(tx, who, lifetime, source, &signin.0.clock).await
    })
    .await
}

fn because(error: DbError) -> Refusal {
    let refusal = match error {
        DbError::Refused(Because::NotOnboarded | Because::Blocked) => Refusal::NotOnboarded,
        DbError::Refused(Because::NoRole) => Refusal::NoRole,
        DbError::Refused(Because::NoSpare) => Refusal::NoSpare,
        DbError::Refused(Because::Invitation) => Refusal::Invitation,
        DbError::Refused(Because::Quota(_)) => Refusal::Full,
        _ => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a session could not be begun or ended"
            );
            return Refusal::Unavailable;
        }
    };
    tracing::info!(%error, "a sign-in was refused");
    refusal
}
