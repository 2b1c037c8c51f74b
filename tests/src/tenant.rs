//! Tenants of tests: a fresh directory, put on the list by the steward's order, whose people sign in through the gateway.
//!
//! Each test makes its own, so that tests that share a stack see nothing of each other.

use local::{oidc::Account, people::sign_in, stack::Stack};
use serde_json::{Value, json};
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
    /// Its first Administrator.
    pub administrator: Administrator,
    /// An Operator.
    pub operator: Operator,
    /// The Administrator as the provider knows them.
    pub administrator_account: Account,
    /// The Operator as the provider knows them.
    pub operator_account: Account,
}

/// A fresh tenant of this stack.
pub async fn new(stack: &Stack) -> Tenant {
    let directory = Directory::unknown(stack);
    let (first, second) = (directory.person(stack, "ada"), directory.person(stack, "ben"));
    directory.onboard(stack, Some(first.object_id)).await;
    let administrator = Administrator(signed_in(stack, &first).await);
    let member = json!({ "directory_id": directory.id, "object_id": second.object_id, "role": "operator" });
    administrator.post("/users", &member).await.expect(201);
    let operator = Operator(signed_in(stack, &second).await);
    let (id, schema) = placed(stack, directory.id).await.expect("the first sign-in made a workspace");
    Tenant {
        directory,
        id,
        schema,
        administrator,
        operator,
        administrator_account: first,
        operator_account: second,
    }
}

/// Signs somebody in, as a browser would, and gives their session to a program.
pub async fn signed_in(stack: &Stack, account: &Account) -> Caller {
    match sign_in::token_of(stack.url(), &account.user_name).await {
        Ok(token) => Caller::new(stack.url(), Proof::Bearer(token)),
        Err(error) => panic!("{} cannot sign in: {error}", account.user_name),
    }
}

/// The workspace of a directory and its schema, as the routing rows have it.
pub async fn placed(stack: &Stack, directory: Uuid) -> Option<(Uuid, String)> {
    let client = database::superuser(stack).await;
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
        let order = json!({
            "do": "onboard", "directory_id": self.id, "name": self.name, "first_administrator": first_administrator,
        });
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
