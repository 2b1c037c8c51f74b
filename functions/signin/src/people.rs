//! Beginning and ending sessions in the database. Where no spare workspace is left for a first sign-in, the steward is asked
//! for one and the sign-in waits for it, holding no connection.

use std::time::Duration;

use shared::{
    auth::{InvitationSecret, LIFETIME, access_token::Application, id_token::SignedIn},
    db::{SystemRole, SystemTx, retrying},
    error::{DbError, Refusal as Because},
    model::ids::SessionId,
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
        match try_begin(signin, who, source).await {
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
            Err(DbError::Refused(Because::NotOnboarded)) => return guest(signin, who, None, source).await,
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
    guest(signin, who, Some(InvitationSecret::hash(invitation)), source).await
}

/// Begins a session of a service principal, no longer than the token that it came with.
pub(crate) async fn serve(signin: &Signin, who: &Application, source: &Source) -> Result<Begun, Refusal> {
    let parts = &signin.0;
    let lifetime = who.expires_at.duration_since(parts.clock.now());
    if !lifetime.is_positive() {
        return Err(Refusal::NotProven);
    }
    let begun = retrying(|| async {
        let tx = SystemTx::begin(&parts.database, SystemRole::Signin, "sign_in_service").await?;
        sign_in::sign_in_service(tx, who, lifetime, source, &parts.clock).await
    });
    begun.await.map_err(because)
}

async fn guest(
    signin: &Signin,
    who: &SignedIn,
    invitation: Option<Vec<u8>>,
    source: &Source,
) -> Result<Begun, Refusal> {
    let (parts, invitation) = (&signin.0, invitation.as_deref());
    let begun = retrying(|| async {
        let tx = SystemTx::begin(&parts.database, SystemRole::Signin, "sign_in_guest").await?;
        sign_in::sign_in_guest(tx, who, invitation, (terms(signin), source), &parts.clock).await
    });
    begun.await.map_err(because)
}

fn terms(signin: &Signin) -> Terms {
    Terms { open: signin.0.settings.open, lifetime: LIFETIME }
}

/// Ends a session.
pub(crate) async fn end(signin: &Signin, session: SessionId, source: &Source) -> Result<(), Refusal> {
    let parts = &signin.0;
    let ended = retrying(|| async {
        let tx = SystemTx::begin(&parts.database, SystemRole::Signin, "sign_out").await?;
        sign_in::sign_out(tx, session, source, &parts.clock).await
    });
    ended.await.map_err(because)
}

async fn try_begin(signin: &Signin, who: &SignedIn, source: &Source) -> Result<Begun, DbError> {
    let parts = &signin.0;
    retrying(|| async {
        let tx = SystemTx::begin(&parts.database, SystemRole::Signin, "sign_in").await?;
        sign_in::sign_in(tx, who, terms(signin), source, &parts.clock).await
    })
    .await
}

fn because(error: DbError) -> Refusal {
    let refusal = match error {
        DbError::Refused(Because::NotOnboarded) => Refusal::NotOnboarded,
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
