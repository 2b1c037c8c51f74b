//! The OpenAPI 3.1 document, made from the routes: paths, permissions, arguments and answers are read from the code that serves them.

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use serde_json::json;
use utoipa::{
    ToSchema,
    openapi::{
        Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response,
        ResponseBuilder, Schema,
        extensions::{Extensions, ExtensionsBuilder},
        path::{HttpMethod, Operation, OperationBuilder, PathItem, PathsBuilder},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    argument::Described,
    caller::header_parameters,
    fault::ProblemBody,
    route::{Access, Route},
    serve::API,
};

/// The schemas that operations refer to, by name.
#[derive(Default)]
pub(crate) struct Schemas(BTreeMap<String, RefOr<Schema>>);

/// What an operation answers with when all goes well.
pub(crate) struct Answers {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Option<RefOr<Schema>>,
}

impl Schemas {
    /// Keeps a type's schema and everything it refers to; gives the reference.
    pub(crate) fn reference<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        if !self.0.contains_key(&name) {
            self.0.insert(name.clone(), T::schema());
            let mut more = Vec::new();
            T::schemas(&mut more);
            self.0.extend(more);
        }
        RefOr::Ref(Ref::from_schema_name(name))
    }
}

/// The document, as the route that serves it answers.
#[derive(Serialize, ToSchema)]
#[schema(value_type = Object)]
pub(crate) struct Document(OpenApi);

/// The document of these routes.
pub(crate) fn of(routes: &[Route]) -> Document {
    Document(build(routes))
}

fn build(routes: &[Route]) -> OpenApi {
    let mut schemas = Schemas::default();
    let problem = schemas.reference::<ProblemBody>();
    let mut items: BTreeMap<String, PathItem> = BTreeMap::new();
    for route in routes {
        let can_be_read = routes.iter().any(|it| it.path == route.path && it.method == Method::GET);
        let described = operation(route, can_be_read, &mut schemas, &problem);
        let item = PathItem::new(http_method(&route.method), described);
        match items.get_mut(route.path) {
            Some(known) => known.merge_operations(item),
            None => drop(items.insert(route.path.to_owned(), item)),
        }
    }
    let paths = items
        .into_iter()
        .fold(PathsBuilder::new(), |paths, (path, item)| paths.path(format!("{API}{path}"), item));
    let mut components = Components::new();
    components.schemas.extend(schemas.0);
    components.add_security_scheme(
        "cookie",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("__Host-signalbox"))),
    );
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let info = InfoBuilder::new()
        .title("signalbox")
        .version("1")
        .description(Some("Connections, jobs, schedules and runs of one workspace. The workspace is the caller's: no request names it."))
        .license(Some(utoipa::openapi::LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()));
    OpenApiBuilder::new().info(info.build()).paths(paths.build()).components(Some(components)).build()
}

fn operation(route: &Route, can_be_read: bool, schemas: &mut Schemas, problem: &RefOr<Schema>) -> Operation {
    let mut described =
        Described { path: names_in(route.path), schemas: std::mem::take(schemas), ..Described::default() };
    (route.describe_arguments)(&mut described);
    let answers = (route.describe_answer)(&mut described.schemas);
    *schemas = described.schemas;
    described.parameters.extend(header_parameters(&route.method, can_be_read));
    let mut operation = OperationBuilder::new()
        .tag(route.name.split('.').next().unwrap_or_default())
        .operation_id(Some(route.name.replace('.', "_")))
        .summary(Some(route.summary))
        .parameters(Some(described.parameters))
        .request_body(described.body)
        .response(answers.status.to_string(), response(answers.content_type, "Done.", answers.body))
        .response(
            "default",
            response("application/problem+json", "A problem (RFC 9457).", Some(problem.clone())),
        )
        .extensions(Some(extensions(route)));
    operation = match route.access {
        Access::Public => operation.securities(Some([SecurityRequirement::default()])),
        _ => operation
            .security(SecurityRequirement::new("cookie", Vec::<String>::new()))
            .security(SecurityRequirement::new("bearer", Vec::<String>::new())),
    };
    operation.build()
}

/// Who may, under which action a read of it is recorded, and whether it is worked for one caller of a workspace at a time.
fn extensions(route: &Route) -> Extensions {
    let mut told = ExtensionsBuilder::new().add("x-permission", json!(permission(route.access)));
    if let Some(action) = route.recorded {
        told = told.add("x-recorded", json!(action));
    }
    if route.is_alone {
        told = told.add("x-one-at-a-time", json!(true));
    }
    told.build()
}

fn response(content_type: &str, description: &str, body: Option<RefOr<Schema>>) -> Response {
    let response = ResponseBuilder::new().description(description);
    match body {
        Some(schema) => {
            response.content(content_type, ContentBuilder::new().schema(Some(schema)).build()).build()
        }
        None => response.build(),
    }
}

/// `public`, `signed_in`, or the permission's text.
fn permission(access: Access) -> &'static str {
    match access {
        Access::Public => "public",
        Access::SignedIn => "signed_in",
        Access::Needs(permission) => permission.as_str(),
    }
}

fn names_in(path: &str) -> Vec<String> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(str::to_owned).collect()
}

fn http_method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

#[cfg(test)]
mod tests;
