//! The exact list of what is served: method, path, who may, and the handler. A path spelled otherwise is not there.

use std::pin::Pin;

use http::Method;

use crate::{answer::Answer, call::Call, grants, inside, reads, sign_in, workspaces};

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody: signing in and out.
    Public,
    /// Every operator.
    Operator,
    /// An operator with an open grant for the workspace in the path.
    Grant,
}

type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

/// One operation.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: &'static Method,
    pub(crate) path: &'static str,
    /// `<resource>.<verb>`: the operation's id, and the action in both audit logs.
    pub(crate) name: &'static str,
    /// One sentence.
    pub(crate) summary: &'static str,
    pub(crate) access: Access,
    pub(crate) handler: Handler,
}

macro_rules! routes {
    ($($access:ident $method:ident $path:literal $name:literal $handler:path, $summary:literal;)*) => {
        &[$(Route {
            method: &Method::$method,
            path: $path,
            name: $name,
            summary: $summary,
            access: Access::$access,
            handler: |call| Box::pin($handler(call)),
        },)*]
    };
}

/// Every operation. What is not here is not served.
pub(crate) const ROUTES: &[Route] = routes! {
    Public GET "/operators/login" "session.begin" sign_in::begin, "Begins a sign-in at the operating company's directory";
    Public GET "/operators/callback" "session.start" sign_in::finish, "Ends a sign-in";
    Public POST "/operators/logout" "session.end" sign_in::end, "Ends the session";
    Operator GET "/operators/v1/openapi.json" "openapi.get" reads::document, "This document";
    Operator GET "/operators/v1/me" "me.get" reads::me, "Who is asking, and in which databases the session holds";
    Operator GET "/operators/v1/audit" "audit.list" reads::audit, "The operators' own audit log in one database, newest first";
    Operator GET "/operators/v1/overview" "overview.get" workspaces::totals, "Everything at once, of each database";
    Operator GET "/operators/v1/operations" "operations.list" workspaces::operations, "What the steward is doing to the workspaces of one database, newest first";
    Operator GET "/operators/v1/workspaces" "workspaces.list" workspaces::list, "How every workspace of one database is doing";
    Operator GET "/operators/v1/workspaces/{id}" "workspaces.get" workspaces::get, "How one workspace is doing";
    Operator GET "/operators/v1/grants" "grants.list" grants::list, "Your own grants in one database, newest first";
    Operator POST "/operators/v1/grants" "operator.grant" grants::open, "Opens a grant for one workspace";
    Operator POST "/operators/v1/grants/{id}/close" "operator.grant_close" grants::close, "Ends a grant of yours early";
    Grant GET "/operators/v1/workspaces/{id}/runs" "runs.list" inside::runs, "A workspace's runs, newest first";
    Grant GET "/operators/v1/workspaces/{id}/runs/{run_id}" "runs.get" inside::run, "One run, with tasks, attempts and events";
    Grant GET "/operators/v1/workspaces/{id}/jobs" "jobs.list" inside::jobs, "A workspace's jobs, newest first";
    Grant GET "/operators/v1/workspaces/{id}/schedules" "schedules.list" inside::schedules, "A workspace's schedules, newest first";
    Grant GET "/operators/v1/workspaces/{id}/connections" "connections.list" inside::connections, "A workspace's connections, without secrets";
    Grant GET "/operators/v1/workspaces/{id}/audit" "audit.read" inside::audit, "A workspace's own audit log, newest first";
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Threat A21.
    #[test]
    fn only_signing_in_and_out_is_public() {
        let public: Vec<_> =
            ROUTES.iter().filter(|it| it.access == Access::Public).map(|it| it.path).collect();
        assert_eq!(public, ["/operators/login", "/operators/callback", "/operators/logout"]);
    }

    #[test]
    fn what_is_inside_a_workspace_needs_a_grant() {
        for route in ROUTES {
            let inside = route.path.starts_with("/operators/v1/workspaces/{id}/");
            assert_eq!(inside, route.access == Access::Grant, "{}", route.path);
        }
    }
}
