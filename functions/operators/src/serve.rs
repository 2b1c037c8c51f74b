//! One request in, one answer out: gives it an id, finds its route, turns its token into an operator, runs the handler, and
//! puts on every answer what every answer carries.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::to_bytes,
    extract::{FromRequestParts, RawPathParams, Request},
    response::Response,
    routing::any,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lambda_http::{RequestExt, request::RequestContext};
use shared::{
    auth::{Query, authenticate_operator, check_origin},
    store::sign_in::Source,
};
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    Operators,
    answer::{Answer, Refusal},
    call::Call,
    route::{Access, ROUTES, Route},
};

/// The largest body, in bytes: a reason has 500 characters.
const MAX_BODY: usize = 16 * 1024;

impl Operators {
    /// The whole door as one service.
    pub fn router(self) -> Router {
        let mut paths: BTreeMap<&str, Vec<Route>> = BTreeMap::new();
        for route in ROUTES {
            paths.entry(route.path).or_default().push(*route);
        }
        let nowhere = self.clone();
        let router = paths.into_iter().fold(Router::new(), |router, (path, routes)| {
            let (operators, routes) = (self.clone(), Arc::new(routes));
            router.route(path, any(move |request| serve(operators.clone(), Arc::clone(&routes), request)))
        });
        router.fallback(move |request| serve(nowhere.clone(), Arc::default(), request))
    }
}

async fn serve(operators: Operators, routes: Arc<Vec<Route>>, request: Request) -> Response {
    let source = source(&request, &operators);
    let id = source.request_id.clone();
    let span = tracing::info_span!("request", request_id = id, path = request.uri().path());
    let answer = answer(operators, &routes, source, request).instrument(span).await;
    let mut response = answer.unwrap_or_else(|refusal| refusal.answer(&id));
    strict(response.headers_mut());
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

async fn answer(operators: Operators, routes: &[Route], source: Source, request: Request) -> Answer {
    if routes.is_empty() || spelt_otherwise(&request) {
        return Err(Refusal::not_found());
    }
    let Some(route) = routes.iter().find(|route| route.method == request.method()) else {
        let allowed: Vec<_> = routes.iter().map(|route| route.method.as_str()).collect();
        return Err(Refusal::method(&allowed.join(", ")));
    };
    let (mut parts, body) = request.into_parts();
    let settings = &operators.0.settings;
    let operator = match route.access {
        Access::Public => None,
        Access::Operator | Access::Grant => {
            Some(authenticate_operator(&parts.headers, &operators.0.keys, &operators.0.clock)?)
        }
    };
    check_origin(&parts.method, &parts.headers, &settings.public_url).map_err(|_| {
        let detail = "This request does not come from our own pages.";
        Refusal::new(StatusCode::FORBIDDEN, "foreign_origin", detail)
    })?;
    let params = RawPathParams::from_request_parts(&mut parts, &()).await;
    let path = params.map_err(|_| Refusal::not_found())?.iter().map(|(_, it)| it.to_owned()).collect();
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "A body may have 16 KiB.")
    })?;
    let query = Query::read(&parts.uri)?;
    let (name, headers, body) = (route.name, parts.headers, body.to_vec());
    (route.handler)(Call { operators, name, operator, source, path, query, headers, body }).await
}

/// Our own id, never the caller's, and the address that the gateway saw.
fn source(request: &Request, operators: &Operators) -> Source {
    let address = match request.extensions().get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone(),
        _ => None,
    };
    let plain = |byte: u8| byte.is_ascii_hexdigit() || b".:".contains(&byte);
    let address = address.filter(|it| it.len() <= 45 && it.bytes().all(plain)).unwrap_or_default();
    Source { request_id: operators.0.clock.new_id::<Uuid>().to_string(), address }
}

/// Whether the path became what it is only as the event was made a request: control characters dropped, `..` resolved, a
/// decoded `?` taken for the query's.
fn spelt_otherwise(request: &Request) -> bool {
    let raw = request.extensions().raw_http_path();
    !raw.is_empty() && raw != request.uri().path()
}

fn strict(headers: &mut HeaderMap) {
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
