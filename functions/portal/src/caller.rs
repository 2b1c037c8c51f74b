//! The caller: who a request's token says they are, and the way to a transaction. Reads go through [`Caller::read`], writes
//! through [`Caller::write`]; both open the scope with the permission that the route declares, which the database checks.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::{HeaderMap, Method, StatusCode, header::IF_MATCH};
use serde::Serialize;
use shared::{
    auth::{self, Principal},
    db::{Entered, Scope},
    model::{
        Problem,
        ids::{Id, UserId},
        tenant::TenantState,
    },
    store::{audit, idempotency, limits},
};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use uuid::Uuid;

use crate::{
    App,
    argument::{Argument, Described, Taking},
    door::{Door, Held},
    fault::{Answered, Fault, Stop},
    reply::Reply,
    serve::Incoming,
    work::Work,
};

/// Longer paths lead nowhere: what is kept of them is their beginning, in characters.
const MAX_OPERATION: usize = 300;
/// When to come back to what is worked for one caller at a time, in seconds: about as long as it takes at most.
const ALONE_RETRY_AFTER_S: u32 = 5;

/// A signed-in person with their request.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) app: App,
    pub(crate) principal: Principal,
    pub(crate) request: Arc<Request>,
    scope: Scope,
    door: Arc<Door>,
}

/// What of the request is recorded or looked at again.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) source_address: String,
    /// The operation, `vaults.create`: the transaction's name.
    pub(crate) operation: &'static str,
    /// The action under which this read is recorded.
    pub(crate) recorded: Option<&'static str>,
    /// Worked for one caller of a workspace at a time.
    is_alone: bool,
    /// The first id of the path.
    pub(crate) target: Option<Uuid>,
    pub(crate) key: Option<idempotency::Key>,
    if_match: Option<IfMatch>,
    /// The token came in `Authorization`, not in the cookie.
    pub(crate) has_bearer: bool,
}

/// What the request says of the version that it is meant for.
#[derive(Debug)]
struct IfMatch {
    tags: String,
    was_asked: AtomicBool,
}

impl Caller {
    /// Who they are, by the token.
    pub(crate) fn user(&self) -> UserId {
        self.principal.tenant_user_id
    }

    /// Spends one of the workspace's calls, once a request however often its handler runs; 429 where none is left.
    pub(crate) async fn admit(&self) -> Result<(), Fault> {
        self.door.admission.ask(&self.app, &self.principal).await
    }

    /// A transaction for reading. Where the route says so, nobody else of the workspace works on such a one meanwhile, and that it is
    /// read stands in the audit log with its commit.
    pub(crate) async fn read(&self) -> Result<Held, Fault> {
        let held = self.enter().await?;
        if self.request.is_alone && !limits::hold_alone(&held, self.request.operation).await? {
            return Err(Fault::one_at_a_time(ALONE_RETRY_AFTER_S));
        }
        if let Some(action) = self.request.recorded {
            held.open().await?;
            audit::insert(&held, &self.record(&held, action, self.request.target)?).await?;
        }
        Ok(held)
    }

    /// A transaction, with nothing recorded.
    pub(crate) async fn enter(&self) -> Result<Held, Fault> {
        self.admit().await?;
        Ok(self.door.begin(&self.app.database, &self.scope, self.request.operation).await?)
    }

    /// An audit row of this request, once its scope is open. What is of no one thing is of the workspace.
    pub(crate) fn record(
        &self,
        held: &Held,
        action: &'static str,
        target: Option<Uuid>,
    ) -> Result<audit::Record, Fault> {
        Ok(audit::Record {
            id: self.app.clock.new_id(),
            actor: self.user(),
            actor_name: actor_name(held.entered()?),
            action,
            target_kind: action.split('.').next().unwrap_or_default(),
            target: target.unwrap_or_else(|| self.principal.tenant_id.uuid()),
            before: None,
            after: None,
            request_id: self.request.id.clone(),
            source_address: self.request.source_address.chars().take(60).collect(),
        })
    }

    /// A transaction for writing: refused where the workspace is suspended, replayed where the key was used.
    pub(crate) async fn write(&self) -> Answered<Work> {
        Work::begin(self, &[TenantState::Active]).await
    }

    /// A transaction for writing in another state of the workspace than `active`.
    pub(crate) async fn write_while(&self, states: &'static [TenantState]) -> Answered<Work> {
        Work::begin(self, states).await
    }

    /// Whether they may do this at all, and whether their key stands for another request: asked before a request is called
    /// wrong, so that nobody learns more than they may.
    pub(crate) async fn authorise(&self) -> Result<(), Fault> {
        if self.request.key.is_some() {
            return match self.write().await {
                Ok(_) | Err(Stop::Replay(_)) => Ok(()),
                Err(Stop::Fault(fault)) => Err(fault),
            };
        }
        let held = self.enter().await?;
        held.open().await?;
        Ok(())
    }

    /// 412 where `If-Match` names another version than the one that is there.
    pub(crate) fn check_version(&self, version: i32) -> Result<(), Fault> {
        let version = version.to_string();
        self.check_tags(|tag| tag.split('.').next() == Some(version.as_str()))
    }

    /// 412 where `If-Match` names another answer than the one with which the thing would be shown: for what has no version.
    pub(crate) fn check_unchanged(&self, thing: &impl Serialize) -> Result<(), Fault> {
        let hash = Reply::json(StatusCode::OK, thing).hash();
        self.check_tags(|tag| tag == hash)
    }

    /// 412 where there is an `If-Match` and nobody has asked what it is about: of what cannot be read, no version is the one.
    pub(crate) fn check_was_asked(&self) -> Result<(), Fault> {
        let asked = |it: &IfMatch| it.was_asked.load(Ordering::Relaxed);
        if self.request.if_match.as_ref().is_none_or(asked) { Ok(()) } else { self.check_tags(|_| false) }
    }

    fn check_tags(&self, is_it: impl Fn(&str) -> bool) -> Result<(), Fault> {
        let Some(IfMatch { tags, was_asked }) = &self.request.if_match else { return Ok(()) };
        was_asked.store(true, Ordering::Relaxed);
        let is_it = |tag: &str| {
            let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
            tag == "*" || is_it(tag)
        };
        if tags.split(',').any(is_it) {
            return Ok(());
        }
        let detail = "It has changed since the version that If-Match names. Read it again.";
        Err(Fault::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail))
    }
}

impl Argument for Caller {
    fn take(from: &mut Taking<'_>) -> Result<Self, Fault> {
        let incoming = from.incoming;
        let (app, headers) = (&incoming.app, &incoming.headers);
        let principal = auth::authenticate(headers, &app.session, &app.clock)
            .map_err(|error| Fault::unauthenticated().because(error))?;
        auth::check_origin(&incoming.method, headers, &app.public_url).map_err(|error| {
            Fault::new(
                StatusCode::FORBIDDEN,
                "foreign_origin",
                "This request does not come from our own pages.",
            )
            .because(error)
        })?;
        let request = Request {
            id: incoming.request_id.clone(),
            source_address: incoming.source_address.clone(),
            operation: incoming.operation,
            recorded: incoming.recorded,
            is_alone: incoming.is_alone,
            target: incoming.path.first().and_then(|part| part.parse().ok()),
            key: idempotency_key(incoming)?,
            if_match: if_match(&incoming.method, headers),
            has_bearer: headers.contains_key(http::header::AUTHORIZATION),
        };
        let scope = principal.scope(incoming.access.permission());
        Ok(Self {
            app: app.clone(),
            principal,
            request: Arc::new(request),
            scope,
            door: Arc::clone(&incoming.door),
        })
    }

    /// Nothing: who calls is the operation's security, and the headers that apply follow from its method.
    fn describe(_: &mut Described) {}
}

/// The person as the audit log names them, and the API token that their program came by.
fn actor_name(entered: &Entered) -> String {
    let name = entered.user_name.chars();
    match &entered.token {
        None => name.take(200).collect(),
        Some(token) => {
            let token_name: String = token.name.chars().take(60).collect();
            format!("{} (API token {token_name}, {})", name.take(80).collect::<String>(), token.id)
        }
    }
}

/// Every `If-Match` of a request that changes something, as one list.
fn if_match(method: &Method, headers: &HeaderMap) -> Option<IfMatch> {
    let lists = headers.get_all(IF_MATCH).iter().map(|list| list.to_str().unwrap_or("unreadable"));
    let tags = lists.collect::<Vec<_>>().join(",");
    let is_meant = !method.is_safe() && headers.contains_key(IF_MATCH);
    is_meant.then_some(IfMatch { tags, was_asked: AtomicBool::new(false) })
}

/// Header parameters of every operation with this method, for the document. Only what can be read has a version to name.
pub(crate) fn header_parameters(method: &Method, can_be_read: bool) -> Vec<Parameter> {
    let header = |name: &str, description: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .description(Some(description))
            .schema(Some(<String as utoipa::PartialSchema>::schema()))
            .build()
    };
    match *method {
        Method::POST => vec![header(
            "Idempotency-Key",
            "The same key with the same body gets the same answer for 24 hours.",
        )],
        Method::PUT | Method::PATCH | Method::DELETE if can_be_read => {
            vec![header("If-Match", "The ETag it was read with; 412 if it changed.")]
        }
        _ => Vec::new(),
    }
}

/// The key of a `POST`, with what it stands for.
fn idempotency_key(incoming: &Incoming) -> Result<Option<idempotency::Key>, Fault> {
    let mut values = incoming.headers.get_all("idempotency-key").iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first.filter(|_| incoming.method == Method::POST) else { return Ok(None) };
    let text = value.to_str().ok().filter(|t| (1..=255).contains(&t.len()) && second.is_none());
    let Some(text) = text else {
        let problem = Problem::at("Idempotency-Key", "must be one text of 1 to 255 visible characters");
        return Err(Fault::invalid(vec![problem]));
    };
    let body = incoming.body.as_deref().unwrap_or_default();
    let operation = format!("{} {}", incoming.method, incoming.uri.path());
    let operation = operation.chars().take(MAX_OPERATION).collect();
    Ok(Some(idempotency::Key { key: text.to_owned(), operation, body_hash: idempotency::hash(body) }))
}
