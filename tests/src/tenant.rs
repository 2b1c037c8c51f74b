//! Tenants of tests: a fresh directory, put on the list by the steward's order, whose people sign in through the gateway.
//!
//! Each test makes its own, so that tests that share a stack see nothing of each other.

mod places;
mod workspace;

use local::{oidc::Account, people::sign_in, stack::Stack};
use serde_json::{Value, json};
use shared::{
    db::{
        Database,
        placement::{self, Room, Spare},
    },
    model::ids::{Id, TenantId},
};
use uuid::Uuid;

use crate::{
    caller::{Administrator, Caller, Operator, Proof},
    database,
};

pub use places::{APART, PAIRS, Placement};
pub use workspace::Workspace;

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

/// The same tenant with an Operator, who may have been removed, and with room for many more things.
pub async fn staffed(stack: &Stack, tenant: Tenant) -> Tenant {
    let room = json!({ "connections": 10_000, "users": 10_000, "jobs": 10_000, "schedules": 10_000 });
    limit(stack, tenant.id, room).await;
    let account = &tenant.operator_account;
    let member =
        json!({ "directory_id": account.directory_id, "object_id": account.object_id, "role": "operator" });
    let answer = tenant.administrator.post("/users", &member).await;
    assert!(matches!(answer.status, 201 | 409), "{}", answer.text());
    let operator = Operator(signed_in(stack, account).await);
    Tenant { operator, ..tenant }
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

    /// Lists it, as its own, in a database in which others of tests are already: the steward would not.
    async fn list_beside(&self, stack: &Stack, database: &str, first_administrator: Option<Uuid>) -> Value {
        let list = "insert into system.directories (id, name, placement, first_administrator, database_name, created_at)
                    values ($1, $2, 'dedicated', $3, $4, now())";
        for (at, elsewhere) in [(None, Some(database)), (Some(database), None)] {
            let client = database::superuser_in(stack, at).await;
            let listed =
                client.execute(list, &[&self.id, &self.name, &first_administrator, &elsewhere]).await;
            listed.expect("it is listed");
        }
        json!({ "directory_id": self.id })
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
        // One at a time, so that no two find the same database free.
        static TAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let mut taking = None;
        if placement == Placement::Dedicated {
            taking = Some(TAKING.lock().await);
            let database = database::free(stack).await;
            if !database::is_free_for(stack, &database, self.id).await {
                return self.list_beside(stack, &database, first_administrator).await;
            }
            order["database"] = database.into();
        }
        let answer = stack.order(order).await;
        drop(taking);
        answer.expect("the steward onboards")
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
