//! The ways to the API: through the gateway to the real function, and the portal's own router in this process, which
//! takes a request many times as fast and is the same code, and that router with a control gone.

use std::sync::Arc;

use axum::{Router, body::Body};
use http_body_util::BodyExt;
use local::stack::Stack;
use portal::{App, AppQueues, AppSecrets, AppSettings};
use reqwest::Method;
use serde_json::Value;
use shared::{
    clock::Clock,
    db::Database,
    queue::{Queue, Signer, StewardQueue},
    secrets::RootKey,
};
use tests::{
    caller::{Answer, Caller, send},
    database,
};
use tower::ServiceExt;

use super::bent::Bent;

/// A request.
#[derive(Clone, Debug)]
pub(in crate::isolation) struct Asked {
    pub(in crate::isolation) method: Method,
    /// Below `/api/v1`, with its query.
    pub(in crate::isolation) path: String,
    pub(in crate::isolation) headers: Vec<(&'static str, String)>,
    pub(in crate::isolation) body: Option<Value>,
}

/// How a request gets there.
#[derive(Clone)]
pub(in crate::isolation) enum Way {
    Gateway,
    Near(Near),
    /// The portal in this process, with a control gone.
    Bent(Arc<Bent>),
}

/// The portal in this process.
#[derive(Clone)]
pub(in crate::isolation) struct Near {
    router: Router,
    /// Its pool.
    pub(in crate::isolation) database: Database,
}

impl Near {
    /// A portal with the function's own login, keys and queue, and so many connections.
    pub(in crate::isolation) async fn new(stack: &Stack, connections: usize) -> Self {
        Self::calling(stack, connections, "provision").await
    }

    /// The same with another queue to call the steward by.
    pub(super) async fn calling(stack: &Stack, connections: usize, steward: &str) -> Self {
        let aws = database::aws(stack).await;
        let secrets = database::secrets(stack).await;
        let ring = async |name: &str| {
            secrets.key_ring(&stack.cloud().secret_arn(name)).await.expect("a key ring of the stack")
        };
        let arn = stack.cloud().secret_arn("root-key");
        let work = Queue::new(&aws, &queue_url(stack, "work"), Signer::new(ring("queue-root").await));
        let queues = AppQueues { work, steward: StewardQueue::new(&aws, &queue_url(stack, steward)) };
        let root = RootKey::read(&secrets, &arn).await.expect("the root key");
        let keys = AppSecrets { root, session: ring("session-key").await };
        let database = database::of(stack, "portal", connections).await;
        let settings = AppSettings {
            public_url: stack.url().parse().expect("the gateway's address"),
            archive: database::archive(stack),
            shortest_grace_s: 86_400,
        };
        let app = App::new(database.clone(), queues, keys, settings, Clock::system());
        Self { router: portal::router(app), database }
    }

    /// The request as the router takes it.
    pub(in crate::isolation) fn request(by: &Caller, asked: &Asked, body: Body) -> http::Request<Body> {
        let mut request =
            http::Request::builder().method(asked.method.clone()).uri(format!("/api/v1{}", asked.path));
        if !by.token().is_empty() {
            request = request.header("authorization", format!("Bearer {}", by.token()));
        }
        if asked.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request =
            asked.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        request.body(body).unwrap_or_else(|error| panic!("{asked:?} is no request: {error}"))
    }

    /// One request and its answer.
    pub(in crate::isolation) async fn ask(&self, by: &Caller, asked: &Asked) -> Answer {
        let body = asked.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let answer = self.serve(Self::request(by, asked, Body::from(body))).await;
        let asked = format!("{} {}", asked.method, asked.path);
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("an answer is whole").to_bytes();
        Answer { asked, status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Serves a request to its end.
    pub(in crate::isolation) async fn serve(&self, request: http::Request<Body>) -> http::Response<Body> {
        match self.router.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }
}

/// Where a queue of the stack is.
pub(super) fn queue_url(stack: &Stack, name: &str) -> String {
    // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME
    let arn = stack.cloud().secret_arn(name);
    let account = arn.split(':').nth(4).expect("an account");
    format!("{}/{account}/{name}", stack.cloud().endpoint_url())
}

impl Way {
    /// What attempts on it are counted as.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Gateway => "gateway_attempts",
            Self::Near(_) => "attempts",
            Self::Bent(_) => "bent_attempts",
        }
    }

    /// One request and its answer.
    pub(in crate::isolation) async fn ask(&self, by: &Caller, asked: &Asked) -> Answer {
        match self {
            Self::Gateway => {}
            Self::Near(portal) => return portal.ask(by, asked).await,
            Self::Bent(bent) => return bent.ask(by, asked).await,
        }
        let request = by.request(asked.method.clone(), &asked.path);
        let request =
            asked.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        send(match &asked.body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }
}
