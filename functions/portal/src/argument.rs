//! What a handler takes. Each argument reads itself from the request and describes itself in the document, so the two agree.
//!
//! [`Path`]: the next id in the path; [`Body`]: a JSON body; [`Query`]: the query. The caller is [`crate::caller::Caller`].

use http::StatusCode;
use serde::de::DeserializeOwned;
use shared::{
    model::{Problem, ids::*, role::RoleRef},
    with_ids,
};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        request_body::{RequestBody, RequestBodyBuilder},
    },
};

use crate::{body, document::Schemas, fault::Fault, serve::Incoming};

/// An argument of a handler.
pub(crate) trait Argument: Sized {
    /// Reads it.
    fn take(from: &mut Taking<'_>) -> Result<Self, Fault>;
    /// Describes it.
    fn describe(into: &mut Described);
}

/// A request while a handler's arguments are read from it.
pub(crate) struct Taking<'a> {
    pub(crate) incoming: &'a Incoming,
    parts: std::slice::Iter<'a, String>,
}

/// What arguments say of themselves.
#[derive(Default)]
pub(crate) struct Described {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<RequestBody>,
    pub(crate) schemas: Schemas,
    /// Names in the path that no argument has taken yet.
    pub(crate) path: Vec<String>,
}

/// One part of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<T>(pub(crate) T);

/// The body, as JSON.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// The query; a parameter nobody knows is refused.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// A type that may stand in a path.
pub(crate) trait PathPart: PartialSchema {
    /// Reads it. What cannot be one becomes one that never was, so that malformed and absent go the same way.
    fn read(text: &str) -> Self;
}

macro_rules! path_ids {
    ($($id:ident)*) => {$(
        impl PathPart for $id {
            fn read(text: &str) -> Self {
                // One spelling per id: hyphens, lower case.
                text.parse().ok().filter(|id: &$id| id.to_string() == text).unwrap_or_else(|| uuid::Uuid::nil().into())
            }
        }
    )*};
}
with_ids!(path_ids);

impl PathPart for RoleRef {
    fn read(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl PathPart for String {
    fn read(text: &str) -> Self {
        text.to_owned()
    }
}

impl PathPart for i32 {
    fn read(text: &str) -> Self {
        text.parse().ok().filter(|n: &i32| n.to_string() == text).unwrap_or(0)
    }
}

impl<'a> Taking<'a> {
    /// Starts at the first part of the path.
    pub(crate) fn new(incoming: &'a Incoming) -> Self {
        Self { incoming, parts: incoming.path.iter() }
    }
}

impl<T: PathPart> Argument for Path<T> {
    fn take(from: &mut Taking<'_>) -> Result<Self, Fault> {
        from.parts.next().map(|text| Self(T::read(text))).ok_or_else(Fault::not_found)
    }

    fn describe(into: &mut Described) {
        let name = if into.path.is_empty() { "unnamed".to_owned() } else { into.path.remove(0) };
        let parameter =
            ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
        into.parameters.push(parameter.schema(Some(T::schema())).build());
    }
}

impl<T: DeserializeOwned + ToSchema> Argument for Body<T> {
    fn take(from: &mut Taking<'_>) -> Result<Self, Fault> {
        let Some(bytes) = &from.incoming.body else {
            let detail = "A body may have 1 MiB.";
            return Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
        };
        body::read(&from.incoming.headers, bytes).map(Self)
    }

    fn describe(into: &mut Described) {
        let content = ContentBuilder::new().schema(Some(into.schemas.reference::<T>())).build();
        let body =
            RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True));
        into.body = Some(body.build());
    }
}

impl<T: DeserializeOwned + IntoParams> Argument for Query<T> {
    fn take(from: &mut Taking<'_>) -> Result<Self, Fault> {
        let pairs = url::form_urlencoded::parse(from.incoming.uri.query().unwrap_or_default().as_bytes());
        if let Some((name, _)) = pairs.into_iter().find(|(n, v)| n.contains('\0') || v.contains('\0')) {
            return Err(Fault::invalid(vec![Problem::at(format!("?{name}"), "must not hold NUL")]));
        }
        let reader = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| {
            let name = error.path().to_string();
            let message = error.into_inner().to_string();
            let named =
                message.split('`').nth(1).filter(|_| name == "." || message.starts_with("unknown field"));
            Fault::invalid(vec![Problem::at(format!("?{}", named.unwrap_or(&name)), message)])
        })
    }

    fn describe(into: &mut Described) {
        into.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
    }
}
