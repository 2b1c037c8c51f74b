//! Routes: method, path, who may, and the handler. A route that does not say who may is not a [`Route`] and cannot be served.

use http::Method;
use shared::model::role::Permission;

use crate::{
    argument::Described,
    document::{Answers, Schemas},
    endpoint::{Endpoint, Running},
    fault::Fault,
    serve::Incoming,
};

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody, signed in or not.
    Public,
    /// Every member of a workspace.
    SignedIn,
    /// Members whose role gives a permission.
    Needs(Permission),
}

/// Reads a handler's arguments and starts it.
pub(crate) type Start = Box<dyn Fn(&Incoming) -> Result<Running, Fault> + Send + Sync>;

/// One operation of the API.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// Below `/api/v1`.
    pub(crate) path: &'static str,
    /// `<resource>.<verb>`: the operation's id, and its name in the log.
    pub(crate) name: &'static str,
    /// One sentence.
    pub(crate) summary: &'static str,
    pub(crate) access: Access,
    /// The action under which reading it stands in the audit log, where it does.
    pub(crate) recorded: Option<&'static str>,
    /// Worked for one caller of a workspace at a time, over all instances.
    pub(crate) is_alone: bool,
    pub(crate) start: Start,
    pub(crate) describe_arguments: fn(&mut Described),
    pub(crate) describe_answer: fn(&mut Schemas) -> Answers,
}

/// A route that has yet to say who may.
pub(crate) struct Undeclared(Route);

impl Access {
    /// The permission that a scope is opened with; none where membership is enough.
    pub(crate) const fn permission(self) -> Option<Permission> {
        match self {
            Self::Needs(permission) => Some(permission),
            Self::Public | Self::SignedIn => None,
        }
    }
}

impl Undeclared {
    /// For anybody: the exact-match public list of the API is the routes that say this.
    pub(crate) fn public(self) -> Route {
        Route { access: Access::Public, ..self.0 }
    }

    /// For every member.
    pub(crate) fn signed_in(self) -> Route {
        Route { access: Access::SignedIn, ..self.0 }
    }

    /// For members with a permission.
    pub(crate) fn needs(self, permission: Permission) -> Route {
        Route { access: Access::Needs(permission), ..self.0 }
    }
}

impl Route {
    /// For what is sensitive to read: each time it is read is recorded, under `<resource>.read`, in the reading transaction.
    pub(crate) fn recorded(self, action: &'static str) -> Self {
        Self { recorded: Some(action), ..self }
    }

    /// For reads that take long: of each workspace one at a time, whichever instances are asked. The others are told to come back.
    pub(crate) fn alone(self) -> Self {
        Self { is_alone: true, ..self }
    }
}

macro_rules! methods {
    ($($name:ident $method:ident;)*) => {$(
        /// A route of this method: path, operation, summary, handler.
        pub(crate) fn $name<Args: 'static, E: Endpoint<Args>>(
            path: &'static str, name: &'static str, summary: &'static str, endpoint: E,
        ) -> Undeclared {
            Undeclared(Route {
                method: Method::$method,
                path,
                name,
                summary,
                access: Access::Public,
                recorded: None,
                is_alone: false,
                start: Box::new(move |incoming| endpoint.start(incoming)),
                describe_arguments: E::describe_arguments,
                describe_answer: E::describe_answer,
            })
        }
    )*};
}
methods! {
    get GET;
    post POST;
    put PUT;
    patch PATCH;
    delete DELETE;
}
