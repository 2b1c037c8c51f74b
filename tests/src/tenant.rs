//! Tenants of tests: a fresh directory, put on the list by the steward's order, whose people sign in through the gateway.
//!
//! Each test makes its own, so that tests that share a stack see nothing of each other.

use local::{oidc::Account, people::sign_in, stack::Stack};
use serde_json::{Value, json};
use shared::{
    db::{
        Database, Scope,
        placement::{self, Room, Spare},
    },
    model::{
        ids::{Id, SessionId, TenantId, UserId},
        role::Permission,
        tenant::Route,
    },
};
use uuid::Uuid;

use crate::{
    caller::{Administrator, Caller, Operator, Proof},
    database,
};

/// A directory whose people can sign in: onboarded, or not.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Its id (`tid`).
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// One workspace with an Administrator and an Operator.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its directory.
    pub directory: Directory,
    /// The workspace.
    pub id: Uuid,
    /// Its schema, which is also its role.
    pub schema: String,
    /// The database it is in, unless that is the first.
    pub database: Option<String>,
    /// Its first Administrator.
    pub administrator: Administrator,
    /// An Operator.
    pub operator: Operator,
    /// The Administrator as the provider knows them.
    pub administrator_account: Account,
    /// The Operator as the provider knows them.
    pub operator_account: Account,
}

/// A workspace without the functions: claimed and entered by the same system functions that sign-in calls.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The workspace.
    pub id: Uuid,
    /// Its schema, which is also its role.
    pub schema: String,
    /// The database it is in, unless that is the first.
    pub database: Option<String>,
    /// Its Administrator.
    pub user: Uuid,
    /// Their session.
    pub session: Uuid,
}

/// Where a fixture's workspace is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In a schema of its own.
    Schema,
    /// In the pool that all pooled workspaces of a stack share.
    Pooled,
    /// In a database of its own: one of those that the stack was started with and that nobody has yet.
    Dedicated,
}

/// Every two placements that can stand side by side.
pub const PAIRS: [(Placement, Placement); 4] = [
    (Placement::Schema, Placement::Schema),
    (Placement::Pooled, Placement::Pooled),
    (Placement::Pooled, Placement::Schema),
    (Placement::Schema, Placement::Pooled),
];

impl Placement {
    /// As the steward's orders name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Pooled => "pooled",
            Self::Dedicated => "dedicated",
        }
    }
}

impl Workspace {
    /// Claims a spare one, for a person who was never seen before.
    pub async fn claim(stack: &Stack) -> Self {
        Self::claim_in(stack, Placement::Schema).await
    }

    /// Claims a spare one of a placement.
    pub async fn claim_in(stack: &Stack, placement: Placement) -> Self {
        Self::claim_as(stack, &Directory::unknown(stack), placement).await
    }

    /// Claims a spare one for a directory that has none yet.
    pub async fn claim_for(stack: &Stack, directory: &Directory) -> Self {
        Self::claim_as(stack, directory, Placement::Schema).await
    }

    async fn claim_as(stack: &Stack, directory: &Directory, placement: Placement) -> Self {
        let person = directory.person(stack, "ada");
        directory.onboard_in(stack, Some(person.object_id), placement).await;
        let ids: Vec<Uuid> = (0..4).map(|_| random_id()).collect();
        let database = database::of_directory(stack, directory.id).await;
        let client = database::superuser_in(stack, database.as_deref()).await;
        let sign_in = "select session_id, user_id, tenant_id, tenant_schema \
                       from system.sign_in('entra', $1, $2, 'Ada', false, $3, interval '1 hour', '', '')";
        let row = loop {
            match client.query_one(sign_in, &[&directory.id, &person.object_id, &ids]).await {
                Ok(row) => break row,
                Err(error) if error.code().is_some_and(|code| code.code() == "SB503") => {
                    stack.order(json!({ "do": "refill", "spares": 8 })).await.expect("the steward refills");
                }
                Err(error) => panic!("a first sign-in: {error:?}"),
            }
        };
        Self { session: row.get(0), user: row.get(1), id: row.get(2), schema: row.get(3), database }
    }

    /// Where it is.
    pub fn route(&self) -> Route {
        Route { tenant: TenantId::from(self.id), schema: self.schema.parse().expect("a schema name") }
    }

    /// The scope of its Administrator.
    pub fn scope(&self, permission: Permission) -> Scope {
        let (session, user) = (SessionId::from(self.session), UserId::from(self.user));
        Scope::Person { session, user, route: self.route(), permission: Some(permission) }
    }
}

/// A fresh tenant of this stack, which may make as many calls as a test can.
pub async fn new(stack: &Stack) -> Tenant {
    new_in(stack, Placement::Schema).await
}

/// A fresh tenant of this stack in a placement.
pub async fn new_in(stack: &Stack, placement: Placement) -> Tenant {
    made(stack, placement, json!({ "api_rate": 10_000, "api_burst": 100_000 })).await
}

/// A fresh tenant of this stack with these limits from its first call on; `{}` for the product's own.
pub async fn with_limits(stack: &Stack, limits: Value) -> Tenant {
    made(stack, Placement::Schema, limits).await
}

async fn made(stack: &Stack, placement: Placement, limits: Value) -> Tenant {
    let directory = Directory::unknown(stack);
    let (first, second) = (directory.person(stack, "ada"), directory.person(stack, "ben"));
    directory.onboard_in(stack, Some(first.object_id), placement).await;
    let administrator = Administrator(signed_in(stack, &first).await);
    let database = database::of_directory(stack, directory.id).await;
    let (id, schema) = placed(stack, directory.id).await.expect("the first sign-in made a workspace");
    limit(stack, id, limits).await;
    let member = json!({ "directory_id": directory.id, "object_id": second.object_id, "role": "operator" });
    administrator.post("/users", &member).await.expect(201);
    let operator = Operator(signed_in(stack, &second).await);
    Tenant {
        directory,
        id,
        schema,
        database,
        administrator,
        operator,
        administrator_account: first,
        operator_account: second,
    }
}

/// Makes a spare workspace with a schema of its own at an older version.
pub async fn spare_at(database: &Database, id: TenantId, version: i32) {
    let spare = Spare { tenant: id, pool: id.uuid(), salt: vec![7; 32] };
    placement::provision_at(database, shared::model::tenant::Placement::Schema, &spare, Room::USUAL, version)
        .await
        .expect("a spare workspace");
}

/// Has the steward set limits of a workspace. An instance goes by them from its next block on.
pub async fn limit(stack: &Stack, workspace: Uuid, limits: Value) {
    let mut order = json!({ "do": "limits", "tenant_id": workspace });
    let limits = limits.as_object().expect("limits by name");
    if limits.is_empty() {
        return;
    }
    for (name, value) in limits {
        order[name] = value.clone();
    }
    stack.order(order).await.expect("the steward sets limits");
}

/// Signs somebody in, as a browser would, and gives their session to a program.
pub async fn signed_in(stack: &Stack, account: &Account) -> Caller {
    match sign_in::token_of(stack.url(), &account.user_name).await {
        Ok(token) => Caller::new(stack.url(), Proof::Bearer(token)),
        Err(error) => panic!("{} cannot sign in: {error}", account.user_name),
    }
}

/// The status and the word with which somebody's sign-in is refused.
pub async fn refused(stack: &Stack, account: &Account) -> (u16, String) {
    match sign_in::token_of(stack.url(), &account.user_name).await {
        Err(sign_in::SignInError::Refused { status, said, .. }) => (status.as_u16(), said),
        Err(error) => panic!("{} was not answered: {error}", account.user_name),
        Ok(_) => panic!("{} is signed in", account.user_name),
    }
}

/// The refusal of somebody to whom nobody gave a role.
pub const NO_ROLE: (u16, &str) = (403, "You have no role here yet");
/// The refusal of somebody whose directory is not on the list.
pub const NOT_ONBOARDED: (u16, &str) = (403, "Your organisation has no workspace here");

/// The workspace of a directory and its schema, as the routing rows have it.
pub async fn placed(stack: &Stack, directory: Uuid) -> Option<(Uuid, String)> {
    let client =
        database::superuser_in(stack, database::of_directory(stack, directory).await.as_deref()).await;
    let ask = "select t.id, t.schema_name from system.directories d join system.tenants t on t.id = d.tenant_id \
               where d.id = $1";
    let row = client.query_opt(ask, &[&directory]).await.expect("the routing rows")?;
    Some((row.get(0), row.get(1)))
}

impl Directory {
    /// A directory that the provider knows and the product does not.
    pub fn unknown(stack: &Stack) -> Self {
        let id = random_id();
        let name = format!("Directory {}", id.simple());
        stack.oidc().add_directory(id, name.clone());
        Self { id, name }
    }

    /// Adds somebody to the provider.
    pub fn person(&self, stack: &Stack, name: &str) -> Account {
        let account = Account {
            directory_id: self.id,
            object_id: random_id(),
            name: name.to_owned(),
            user_name: format!("{name}@{}.example", self.id.simple()),
        };
        stack.oidc().add_person(account.clone());
        account
    }

    /// Puts it on the list of customers, with the object id of the first Administrator.
    pub async fn onboard(&self, stack: &Stack, first_administrator: Option<Uuid>) -> Value {
        self.onboard_in(stack, first_administrator, Placement::Schema).await
    }

    /// The same, with the placement of the workspace to come.
    pub async fn onboard_in(
        &self,
        stack: &Stack,
        first_administrator: Option<Uuid>,
        placement: Placement,
    ) -> Value {
        let mut order = json!({
            "do": "onboard", "directory_id": self.id, "name": self.name, "first_administrator": first_administrator,
            "placement": placement.name(),
        });
        if placement == Placement::Dedicated {
            order["database"] = database::free(stack).await.into();
        }
        stack.order(order).await.expect("the steward onboards")
    }
}

/// An id that nothing has.
#[expect(
    clippy::disallowed_methods,
    reason = "the ids of tests are random; the product's come from its clock"
)]
pub fn random_id() -> Uuid {
    Uuid::new_v4()
}
