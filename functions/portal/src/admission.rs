//! Whether a workspace may make one call more, asked once a request: after its token was verified, before anything of the
//! workspace is read. And what the answer says of it: the fields of draft-ietf-httpapi-ratelimit-headers-09.
//!
//! Every admitted answer names the policy. How much is left is told only where nothing is: tokens are spent by several instances
//! from blocks of their own, and none of them knows the rest. A request of nobody's (401) spends nothing.
//!
//! A call costs one token for each tenth of a second that it began: the first as it is let through, the others once it is answered.
//! So a workspace holds instances only as long as its rate allows, whatever its calls are.
//!
//! An API token is not signed: whom it names is true only if the database says so. It is asked before the call is counted
//! ([`seen`]), so that nobody uses up a workspace's calls who knows its id, and nobody's calls go uncounted who has many tokens.

use std::{sync::OnceLock, time::Duration};

use http::StatusCode;
use shared::{
    auth::{Credential, Principal},
    limiter::{Bucket, RETRY_AFTER_S, Standing},
    model::ids::TenantId,
};

use crate::{App, fault::Fault, reply::Reply, seen};

/// For how long an instance works on a call for one token.
const TENTH: Duration = Duration::from_millis(100);

/// What came of a request's admission.
#[derive(Default)]
pub(crate) struct Admission(OnceLock<Spent>);

/// A call was spent, or there was none to spend.
struct Spent {
    tenant: TenantId,
    credential: Credential,
    standing: Standing,
}

impl Admission {
    /// Spends one call of the caller's workspace, the first time it is asked; 429 where there was none to spend, 401 where the
    /// caller's API token is none.
    pub(crate) async fn ask(&self, app: &App, caller: &Principal) -> Result<(), Fault> {
        let (tenant, credential, now) = (caller.tenant_id, caller.credential, app.clock.now());
        let standing = match self.0.get() {
            Some(spent) => spent.standing,
            None => {
                if let Credential::ApiToken(hash) = credential
                    && !seen::prove(app, caller, hash, now).await?
                {
                    return Ok(());
                }
                let Some(standing) = app.limiter.admit(tenant, Bucket::Api, now).await? else {
                    return Ok(());
                };
                self.0.get_or_init(|| Spent { tenant, credential, standing });
                standing
            }
        };
        if standing.is_admitted { Ok(()) } else { Err(Fault::too_many_calls(RETRY_AFTER_S)) }
    }

    /// Charges what the answer took, and marks it with the policy; or gives back what a request of nobody's had spent.
    pub(crate) fn settle(&self, app: &App, took: Duration, reply: Reply) -> Reply {
        let Some(Spent { tenant, credential, standing }) = self.0.get() else { return reply };
        if reply.status == StatusCode::UNAUTHORIZED {
            if let Credential::ApiToken(hash) = credential {
                app.seen.forget(hash);
            }
            if standing.is_admitted {
                app.limiter.give_back(*tenant, Bucket::Api);
            }
            return reply;
        }
        let policy = format!("\"api\";q={};w={}", standing.burst, standing.window_s());
        let reply = reply.header("ratelimit-policy", &policy);
        if standing.is_admitted {
            app.limiter.charge(*tenant, Bucket::Api, beyond_the_first(took));
            return reply;
        }
        reply.header("ratelimit", &format!("\"api\";r=0;t={RETRY_AFTER_S}"))
    }
}

/// Tokens that a call has cost beyond the one that it was let through for.
fn beyond_the_first(took: Duration) -> i64 {
    i64::try_from(took.as_millis() / TENTH.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_costs_a_token_for_each_tenth_of_a_second_that_it_began() {
        for (ms, more) in [(0, 0), (99, 0), (100, 1), (199, 1), (200, 2), (5_000, 50)] {
            assert_eq!(beyond_the_first(Duration::from_millis(ms)), more, "{ms} ms");
        }
    }
}
