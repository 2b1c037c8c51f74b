//! One request in, one answer out: gives it an id, reads it within its limits, finds its route, runs the handler (again where
//! the database asks for it), and puts on every answer what every answer carries.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRequestParts, RawPathParams, Request},
    response::Response,
    routing::{MethodFilter, on},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header::IF_NONE_MATCH};
use lambda_http::request::RequestContext;

use crate::{
    App,
    argument::{Argument, Taking},
    body::MAX_BODY,
    caller::Caller,
    crossing,
    door::Door,
    fault::{Fault, Stop},
    pages,
    reply::Reply,
    route::{Access, Route},
    routes,
};

/// Where the API stands.
pub(crate) const API: &str = "/api/v1";
/// How long to wait before working a request again where the database asked for it, in milliseconds.
const PAUSES_MS: [u64; 3] = [5, 25, 100];

/// A request as arguments are read from it.
pub(crate) struct Incoming {
    pub(crate) app: App,
    pub(crate) access: Access,
    pub(crate) operation: &'static str,
    /// The action under which this read is recorded.
    pub(crate) recorded: Option<&'static str>,
    /// Worked for one caller of a workspace at a time.
    pub(crate) is_alone: bool,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// The parts of the path that a route leaves open, in order.
    pub(crate) path: Vec<String>,
    /// None where it was too large.
    pub(crate) body: Option<Bytes>,
    pub(crate) request_id: String,
    pub(crate) source_address: String,
    pub(crate) door: Arc<Door>,
}

/// The whole portal as one service.
pub fn router(app: App) -> Router {
    let mut router = pages::routes(&app);
    for route in routes::all() {
        let (app, route) = (app.clone(), Arc::new(route));
        let path = format!("{API}{}", route.path);
        let filter = MethodFilter::try_from(route.method.clone()).expect("routes use the five usual methods");
        router =
            router.route(&path, on(filter, move |request| serve(app.clone(), Arc::clone(&route), request)));
    }
    let (here, there) = (app.clone(), app.clone());
    let nowhere = || Fault::new(StatusCode::NOT_FOUND, "not_found", "The address is not one of signalbox's.");
    router.fallback(move || refuse(here.clone(), nowhere())).method_not_allowed_fallback(move || {
        let fault = Fault::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "That method is not for this address.",
        );
        refuse(there.clone(), fault)
    })
}

async fn serve(app: App, route: Arc<Route>, request: Request) -> Response {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    let request_id = fresh_id(&app);
    let Ok(params) = RawPathParams::from_request_parts(&mut parts, &()).await else {
        return respond(Fault::not_found().into_reply(&request_id), &request_id);
    };
    let path = params.iter().map(|(_, value)| value.to_owned()).collect();
    let source_address = source_address(parts.extensions.get());
    let incoming = Incoming {
        access: route.access,
        operation: route.name,
        recorded: route.recorded,
        is_alone: route.is_alone,
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        path,
        body: to_bytes(body, MAX_BODY).await.ok(),
        request_id: request_id.clone(),
        source_address,
        door: Arc::default(),
        app,
    };
    let reply = conditional(&incoming.method, &incoming.headers, answer(&route, &incoming).await);
    respond(incoming.door.admission.settle(&incoming.app, began.elapsed(), reply), &request_id)
}

/// Runs the handler. It works in one transaction, so where that may be tried again, so may the handler.
async fn answer(route: &Route, incoming: &Incoming) -> Reply {
    let mut pauses = PAUSES_MS.into_iter();
    loop {
        let result = match (route.start)(incoming) {
            Ok(running) => running.await,
            Err(fault) => Err(Stop::Fault(fault)),
        };
        incoming.door.close().await;
        let fault = match result {
            Ok(reply) | Err(Stop::Replay(reply)) => return reply,
            Err(Stop::Fault(fault)) => fault,
        };
        match pauses.next() {
            Some(pause) if fault.may_retry() => tokio::time::sleep(Duration::from_millis(pause)).await,
            _ => {
                let fault = may_be_told(route, incoming, fault).await;
                crossing::watch(incoming, &fault).await;
                let is_said = !fault.is_unauthenticated()
                    || incoming.app.refusals.may_be_logged(incoming.app.clock.now());
                let fault = if is_said { fault } else { fault.unsaid() };
                return fault.into_reply(&incoming.request_id);
            }
        }
    }
}

/// What is wrong with a request is told only to those who may make it; the others are told that they may not.
async fn may_be_told(route: &Route, incoming: &Incoming, fault: Fault) -> Fault {
    if route.access == Access::Public || incoming.door.was_opened() || fault.is_refusal() {
        return fault;
    }
    let mut pauses = PAUSES_MS.into_iter();
    loop {
        let refused = match Caller::take(&mut Taking::new(incoming)) {
            Ok(caller) => caller.authorise().await,
            Err(refused) => Err(refused),
        };
        incoming.door.close().await;
        match (refused, pauses.next()) {
            (Err(refused), Some(pause)) if refused.may_retry() => {
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            (refused, _) => return refused.err().unwrap_or(fault),
        }
    }
}

/// 304 where the caller has this very answer.
fn conditional(method: &Method, headers: &HeaderMap, reply: Reply) -> Reply {
    if !matches!(*method, Method::GET | Method::HEAD) || reply.status != StatusCode::OK {
        return reply;
    }
    let reply = if reply.get("etag").is_some() {
        reply
    } else {
        let tag = format!("\"{}\"", reply.hash());
        reply.header("etag", &tag)
    };
    let tag = reply.get("etag").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let asked =
        headers.get_all(IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    let is_same = asked.map(|t| t.trim().trim_start_matches("W/")).any(|t| t == tag || t == "*");
    if !is_same {
        return reply;
    }
    let headers = reply.headers.into_iter().filter(|(name, _)| name != "content-type").collect();
    Reply { status: StatusCode::NOT_MODIFIED, headers, body: Bytes::new() }
}

/// Answers a request that no route is for.
async fn refuse(app: App, fault: Fault) -> Response {
    let request_id = fresh_id(&app);
    respond(fault.into_reply(&request_id), &request_id)
}

/// A page or one of its files.
pub(crate) async fn page(app: App, request: Request, reply: Reply) -> Response {
    respond(conditional(request.method(), request.headers(), reply), &fresh_id(&app))
}

fn respond(reply: Reply, request_id: &str) -> Response {
    let reply = reply.header("x-request-id", request_id).header("x-content-type-options", "nosniff");
    let reply = if reply.get("cache-control").is_some() {
        reply
    } else {
        reply.header("cache-control", "private, no-cache")
    };
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    response.headers_mut().extend(reply.headers);
    response
}

/// Ours, never the caller's: a log must not hold what a caller wrote.
fn fresh_id(app: &App) -> String {
    app.clock.new_id::<uuid::Uuid>().to_string()
}

fn source_address(context: Option<&RequestContext>) -> String {
    match context {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.clone().unwrap_or_default(),
        _ => String::new(),
    }
}
