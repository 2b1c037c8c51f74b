//! Whether a workspace may make one call more, asked once a request: after its token was verified, before anything of the
//! workspace is read. And what the answer says of it: the fields of draft-ietf-httpapi-ratelimit-headers-09.
//!
//! Every admitted answer names the policy. How much is left is told only where nothing is: tokens are spent by several instances
//! from blocks of their own, and none of them knows the rest. A request of nobody's (401) spends nothing.
//!
//! An API token is not signed: whom it names is true only if the database says so. So its first call in an instance spends
//! afterwards, once the database has; else anybody could use up a workspace's calls who knows its id.

use std::sync::OnceLock;

use http::StatusCode;
use shared::{
    auth::{Credential, Principal},
    error::chain,
    limiter::{Bucket, RETRY_AFTER_S, Standing},
    model::ids::TenantId,
};

use crate::{App, fault::Fault, reply::Reply};

/// What came of a request's admission.
#[derive(Default)]
pub(crate) struct Admission(OnceLock<Asked>);

enum Asked {
    /// A call was spent, or there was none to spend.
    Spent(TenantId, Standing),
    /// It is spent once the answer shows that the token is one.
    Later(TenantId),
}

impl Admission {
    /// Spends one call of the caller's workspace, the first time it is asked; 429 where there was none to spend.
    pub(crate) async fn ask(&self, app: &App, caller: &Principal) -> Result<(), Fault> {
        let (tenant, now) = (caller.tenant_id, app.clock.now());
        let standing = match self.0.get() {
            Some(Asked::Later(_)) => return Ok(()),
            Some(Asked::Spent(_, standing)) => *standing,
            None if is_unknown(app, caller) => {
                self.0.get_or_init(|| Asked::Later(tenant));
                return Ok(());
            }
            None => match app.limiter.admit(tenant, Bucket::Api, now).await? {
                Some(standing) => {
                    self.0.get_or_init(|| Asked::Spent(tenant, standing));
                    standing
                }
                None => return Ok(()),
            },
        };
        if standing.is_admitted { Ok(()) } else { Err(Fault::too_many_calls(RETRY_AFTER_S)) }
    }

    /// Whether an answer shows that the database has let the caller in.
    pub(crate) fn has_let_in(&self, status: StatusCode) -> bool {
        use StatusCode as S;
        let is_refused = matches!(status, S::UNAUTHORIZED | S::TOO_MANY_REQUESTS) || status.is_server_error();
        self.0.get().is_some() && !is_refused
    }

    /// Marks an answer with the policy; gives back what a request of nobody's had spent, and spends what was left for later.
    pub(crate) async fn settle(&self, app: &App, reply: Reply) -> Reply {
        match self.0.get() {
            None => reply,
            Some(Asked::Spent(tenant, _)) if reply.status == StatusCode::UNAUTHORIZED => {
                app.limiter.give_back(*tenant, Bucket::Api);
                reply
            }
            Some(Asked::Spent(_, standing)) if standing.is_admitted => named(reply, *standing),
            Some(Asked::Spent(_, standing)) => {
                named(reply, *standing).header("ratelimit", &format!("\"api\";r=0;t={RETRY_AFTER_S}"))
            }
            Some(Asked::Later(_)) if !self.has_let_in(reply.status) => reply,
            Some(Asked::Later(tenant)) => {
                match app.limiter.admit(*tenant, Bucket::Api, app.clock.now()).await {
                    Ok(Some(standing)) => named(reply, standing),
                    Ok(None) => reply,
                    Err(error) => {
                        tracing::info!(cause = chain(&error), "a call was not counted");
                        reply
                    }
                }
            }
        }
    }
}

/// Whether nothing but its own word says whose a credential is.
fn is_unknown(app: &App, caller: &Principal) -> bool {
    match caller.credential {
        Credential::Session(_) => false,
        Credential::ApiToken(hash) => !app.seen.knows(&hash, app.clock.now()),
    }
}

fn named(reply: Reply, standing: Standing) -> Reply {
    let policy = format!("\"api\";q={};w={}", standing.burst, standing.window_s());
    reply.header("ratelimit-policy", &policy)
}
