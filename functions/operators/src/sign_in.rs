//! Signing in and out: `/operators/login`, `/operators/callback`, `/operators/logout`. The same flow as people's, with another
//! application, in one directory, for those whom the directory gives the role.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use shared::{
    auth::{
        OPERATOR_LIFETIME, OPERATOR_ROLE, Operator, SignInError, authenticate_operator,
        cookie::{self, FlowCookie},
        flow::{Flow, Flows},
        id_token::SignedIn,
    },
    error::{DbError, Refusal as Because, chain},
    store::operators::{self, Begun},
};

use uuid::Uuid;

use crate::{
    answer::{Answer, Refusal},
    call::Call,
    databases,
};

/// The function has 15 s for an answer.
const LONGEST: Duration = Duration::from_secs(13);
/// Where a browser goes once it is signed in.
const HOME: &str = "/operators/v1/me";

/// Sends the browser to the directory's sign-in.
pub(crate) async fn begin(call: Call) -> Answer {
    call.no_query()?;
    let parts = call.parts();
    let now = parts.clock.now();
    let flow = Flow::begin(HOME.to_owned(), now).ok_or(Refusal::unavailable())?;
    let address = parts.provider.authorize_url(&flow, &parts.clock).await?;
    let mut flows = Flows::read(&call.headers, &parts.keys, FlowCookie::OPERATORS, now);
    flows.add(flow);
    Ok(go(StatusCode::FOUND, address.as_str(), &flows.cookie(&parts.keys)))
}

/// The browser comes back: error first, then state against the cookie, then the code, then the ID token, then directory and
/// role, then the database; the first that does not hold ends it.
pub(crate) async fn finish(call: Call) -> Answer {
    let parts = call.parts();
    let mut flows = Flows::read(&call.headers, &parts.keys, FlowCookie::OPERATORS, parts.clock.now());
    // Used is gone, whichever way this ends.
    let flow = call.query.get("state").and_then(|state| flows.take(state));
    let used = flow.is_some();
    let ended = tokio::time::timeout(LONGEST, prove(&call, flow)).await;
    let ended = ended.unwrap_or_else(|_| Err(SignInError::Unavailable.into()));
    let mut answer = ended.unwrap_or_else(|refusal| refusal.answer(&call.source.request_id));
    if used && let Ok(kept) = HeaderValue::from_str(&flows.cookie(&parts.keys)) {
        answer.headers_mut().append(header::SET_COOKIE, kept);
    }
    Ok(answer)
}

/// Ends the session on the server, then in the browser.
pub(crate) async fn end(call: Call) -> Answer {
    call.no_query()?;
    let parts = call.parts();
    // Nothing to end: a token that is not believed opens nothing either.
    if let Ok(operator) = authenticate_operator(&call.headers, &parts.keys, &parts.clock) {
        end_in_each(&Call { operator: Some(operator), ..call }).await?;
    }
    let gone = [(header::SET_COOKIE, cookie::clear(cookie::OPERATOR_SESSION))];
    Ok((StatusCode::NO_CONTENT, gone).into_response())
}

/// Ends the session in every database. All are tried before one that cannot be reached is an error: who asks again ends what is
/// left.
async fn end_in_each(call: &Call) -> Result<(), Refusal> {
    let access = call.access()?;
    let ended =
        databases::ask(call, call.parts().database.each(), |tx| operators::sign_out(tx, &access)).await;
    ended.into_iter().try_for_each(|told| match told.answer {
        // It has ended there already, or never began.
        Ok(()) | Err(DbError::Refused(Because::NoSession)) => Ok(()),
        Err(error) => Err(error.into()),
    })
}

/// Begins the session in every further database too, before anybody holds its token. Where that fails it does not hold; the
/// operator sees so in `/operators/v1/me`, and signs in again once the database is back.
async fn begin_in_others(call: &Call, who: &SignedIn, begun: &Begun) {
    let others = call.parts().database.each().split_off(1);
    let begin = |tx| {
        let audit = call.parts().clock.new_id();
        async move { operators::begin_in(tx, who, begun, audit, &call.source).await }
    };
    for told in databases::ask(call, others, begin).await {
        if let Err(error) = told.answer {
            let (database, session) = (told.name, begun.session_id);
            tracing::warn!(database, %session, cause = chain(&error), "an operator's session does not hold in a database");
        }
    }
}

async fn prove(call: &Call, flow: Option<Flow>) -> Answer {
    if let Some(error) = call.query.get("error") {
        return Err(SignInError::said(error).into());
    }
    let flow = flow.ok_or(Refusal::flow_lost())?;
    let code = call.query.get("code").ok_or(Refusal::flow_lost())?;
    let parts = call.parts();
    let who = parts.provider.prove(&flow, code, &parts.clock).await?;
    check(&who, parts.settings.directory_id)?;
    let first = call.system(&call.first()).await?;
    let begun = operators::sign_in(first, &who, OPERATOR_LIFETIME, &call.source, &parts.clock).await?;
    begin_in_others(call, &who, &begun).await;
    tracing::info!(session = %begun.session_id, operator = %begun.operator_id, "an operator's session began");
    let now = parts.clock.now();
    let operator = Operator { operator_id: begun.operator_id, session_id: begun.session_id };
    let token = parts.keys.mint_operator(operator, now, begun.expires_at).map_err(|error| {
        tracing::error!(%error, "a session was begun and cannot be handed out");
        Refusal::unavailable()
    })?;
    let lifetime_s = begun.expires_at.as_second() - now.as_second();
    Ok(go(StatusCode::FOUND, &flow.return_to, &cookie::set(cookie::OPERATOR_SESSION, &token, lifetime_s)))
}

/// Of the operating company's own directory, and given the role there: nothing else makes an operator.
fn check(who: &SignedIn, directory_id: Uuid) -> Result<(), Refusal> {
    let ours = who.directory_id == directory_id;
    let given = who.roles.iter().any(|role| role == OPERATOR_ROLE);
    if ours && given {
        return Ok(());
    }
    tracing::warn!(directory = %who.directory_id, object = %who.object_id, ours, given, "not an operator");
    Err(Refusal::not_an_operator())
}

fn go(status: StatusCode, to: &str, set: &str) -> Response {
    (status, [(header::LOCATION, to.to_owned()), (header::SET_COOKIE, set.to_owned())]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threat C4. The provider of one directory lets nobody else through; this does not rely on it.
    #[test]
    fn an_operator_is_of_our_directory_and_has_the_role() {
        let (ours, theirs) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let who = |directory_id, roles: &[&str]| SignedIn {
            directory_id,
            object_id: Uuid::from_u128(3),
            display_name: "Olga".to_owned(),
            roles: roles.iter().map(ToString::to_string).collect(),
        };
        assert!(check(&who(ours, &["reader", "operator"]), ours).is_ok());
        for nobody in [
            who(theirs, &["operator"]),
            who(ours, &[]),
            who(ours, &["Operator"]),
            who(ours, &["operators", "administrator", ""]),
        ] {
            assert!(check(&nobody, ours).is_err(), "{nobody:?}");
        }
    }
}
