//! A request as a handler takes it, and the handler's ways to the database.

use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use shared::{
    auth::{Operator, Query, Unauthenticated},
    db::{Database, SystemRole, SystemTx, TenantTx},
    error::DbError,
    model::{Problem, ids::TenantId, problem::pointer_of, tenant::DatabaseName},
    store::{
        Page,
        operators::{self, Access, Look},
        sign_in::Source,
    },
};
use uuid::Uuid;

use crate::{Operators, Parts, answer::Refusal};

/// The longest page.
const MAX_LIMIT: i64 = 200;
/// What a page has if nothing is said.
const LIMIT: i64 = 50;

/// One request.
pub(crate) struct Call {
    pub(crate) operators: Operators,
    /// The operation.
    pub(crate) name: &'static str,
    /// Who the token says is calling; none on a public route.
    pub(crate) operator: Option<Operator>,
    pub(crate) source: Source,
    /// The parts of the path that a route leaves open, in order.
    pub(crate) path: Vec<String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// The page of a list that was asked for.
pub(crate) struct Asked {
    /// How many items.
    pub(crate) limit: i64,
    /// After which row.
    pub(crate) cursor: Option<Uuid>,
}

impl Asked {
    /// As the store takes it: newest first, with one row more, which tells whether another page follows.
    pub(crate) fn page(&self) -> Page {
        Page { before: self.cursor.unwrap_or(Uuid::max()), limit: self.limit + 1 }
    }

    /// How many items, as lists count.
    pub(crate) fn items(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(0)
    }
}

impl Call {
    pub(crate) fn parts(&self) -> &Parts {
        &self.operators.0
    }

    /// The access that this request is, with a fresh id for its audit rows.
    pub(crate) fn access(&self) -> Result<Access, Refusal> {
        let operator = self.operator.ok_or(Unauthenticated::None)?;
        Ok(Access { operator, audit: self.parts().clock.new_id(), source: self.source.clone() })
    }

    /// A transaction on schema `system` of one database. Of another than the first it is begun once the first has said that the
    /// session is alive: one that was restored to an earlier day does not know what has ended since.
    pub(crate) async fn system(&self, database: &Database) -> Result<SystemTx, Refusal> {
        if database.name().is_some() {
            self.first_word().await??;
        }
        Ok(SystemTx::begin(database, SystemRole::Operators, self.name).await?)
    }

    /// The first database's word on the session.
    pub(crate) async fn first_word(&self) -> Result<Result<(), DbError>, Refusal> {
        let operator = self.access()?.operator;
        let asked = async {
            let first = SystemTx::begin(&self.first(), SystemRole::Operators, self.name).await?;
            operators::open_grants(first, &operator).await.map(drop)
        };
        Ok(asked.await)
    }

    /// The first database, in which sessions begin.
    pub(crate) fn first(&self) -> Database {
        self.parts().database.first()
    }

    /// The database of a workspace: whatever is asked of one is checked, written down and read there.
    pub(crate) async fn home(&self, tenant: TenantId) -> Result<Database, Refusal> {
        Ok(self.parts().database.home_of(tenant).await?)
    }

    /// The database that the query names; the first where it names none.
    pub(crate) fn database(&self) -> Result<Database, Refusal> {
        let Some(text) = self.query.get("database").filter(|name| *name != DatabaseName::FIRST) else {
            return Ok(self.first());
        };
        let one = text.parse().ok().and_then(|name| self.parts().database.named(&name));
        let message = "is not one of the databases that the overview names";
        one.ok_or_else(|| Refusal::invalid(vec![Problem::at("?database", message)]))
    }

    /// A transaction inside the workspace of the path, which can read and no more. The audit rows of the look are committed
    /// before it begins.
    pub(crate) async fn inside(&self, kind: &'static str, target: Option<Uuid>) -> Result<TenantTx, Refusal> {
        let tenant: TenantId = self.id(0).into();
        let look = Look { tenant, action: self.name, target_kind: kind, target };
        let home = self.home(tenant).await?;
        let scope = operators::look(self.system(&home).await?, &self.access()?, look).await?;
        Ok(TenantTx::begin(&home, &scope, self.name).await?)
    }

    /// An id of the path. What cannot be one becomes one that never was, so that malformed and absent go the same way.
    pub(crate) fn id(&self, at: usize) -> Uuid {
        let text = self.path.get(at).map(String::as_str).unwrap_or_default();
        Uuid::try_parse(text).ok().filter(|id| id.to_string() == text).unwrap_or(Uuid::nil())
    }

    /// The page that the query asks for. Besides `limit` and `cursor` it may have `more`.
    pub(crate) fn asked(&self, more: &[&str]) -> Result<Asked, Refusal> {
        let wrong =
            |name: &str, message: String| Refusal::invalid(vec![Problem::at(format!("?{name}"), message)]);
        if let Some(unknown) = self.query.beside(&[&["limit", "cursor"], more].concat()) {
            return Err(wrong(unknown, "is not a parameter of this operation".to_owned()));
        }
        let limit = match self.query.get("limit").map(str::parse) {
            None => LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => return Err(wrong("limit", format!("must be 1 to {MAX_LIMIT}"))),
        };
        Ok(Asked { limit, cursor: self.uuid("cursor")? })
    }

    /// An id in the query.
    pub(crate) fn uuid(&self, name: &str) -> Result<Option<Uuid>, Refusal> {
        let id = self.query.get(name).map(Uuid::try_parse).transpose();
        id.map_err(|_| Refusal::invalid(vec![Problem::at(format!("?{name}"), "is not an id")]))
    }

    /// Refuses a query where there is nothing to ask.
    pub(crate) fn no_query(&self) -> Result<(), Refusal> {
        match self.query.beside(&[]) {
            None => Ok(()),
            Some(name) => {
                let message = "is not a parameter of this operation";
                Err(Refusal::invalid(vec![Problem::at(format!("?{name}"), message)]))
            }
        }
    }

    /// The body, as JSON: one object, each field once, none unknown.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            let detail = "Send JSON, with content-type application/json.";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        // A reader would take a list for the fields of an object in their order.
        if self.body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Refusal::invalid(vec![Problem::at("", "must be an object")]));
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            Refusal::invalid(vec![Problem::at(pointer_of(error.path()), error.into_inner().to_string())])
        })?;
        reader.end().map_err(|error| Refusal::invalid(vec![Problem::at("", error.to_string())]))?;
        Ok(read)
    }
}
