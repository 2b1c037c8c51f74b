//! `POST /auth/logout`: ends the session on the server, then in the browser. From our own pages only.

use axum::{
    extract::{Extension, Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use shared::{
    auth::{Unauthenticated, authenticate, check_origin, cookie},
    store::sign_in::Source,
};

use crate::{Signin, answer::Refusal, only, people};

pub(crate) async fn handle(
    State(signin): State<Signin>,
    Extension(source): Extension<Source>,
    request: Request,
) -> Result<Response, Refusal> {
    only(&Method::POST, request.method())?;
    let parts = &signin.0;
    check_origin(request.method(), request.headers(), &parts.settings.public_url)
        .map_err(|_| Refusal::ForeignOrigin)?;
    match authenticate(request.headers(), &parts.keys, &parts.clock) {
        Ok(principal) => {
            if let Some(session) = principal.session() {
                people::end(&signin, session, &source).await?;
            }
        }
        // Nothing to end: a token that is not believed opens nothing either.
        Err(Unauthenticated::None | Unauthenticated::Unclear | Unauthenticated::Rejected(_)) => {}
    }
    let headers = [
        (header::LOCATION, "/signin?signed_out=1".to_owned()),
        (header::SET_COOKIE, cookie::clear(cookie::SESSION)),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
