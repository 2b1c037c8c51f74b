//! Platform operators of tests: people of the operating company's directory, with the role or without, who sign in at their
//! own door.

use local::{
    oidc::Account,
    people::{OPERATIONS, sign_in},
    stack::{OPERATORS_CLIENT_ID, Stack},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    caller::{Caller, Proof},
    tenant::random_id,
};

/// Where their API stands, as [`Caller::request`] takes it.
pub const API: &str = "//operators/v1";

/// Somebody of the operating company, without the role.
pub fn colleague(stack: &Stack, name: &str) -> Account {
    let object_id = random_id();
    let user_name = format!("{name}.{}@operations.example", object_id.simple());
    let account =
        Account { directory_id: OPERATIONS.directory_id, object_id, name: name.to_owned(), user_name };
    stack.oidc().add_person(account.clone());
    account
}

/// Somebody whom the directory gave the role.
pub fn account(stack: &Stack, name: &str) -> Account {
    let account = colleague(stack, name);
    stack.oidc().assign(OPERATORS_CLIENT_ID, account.object_id, "operator");
    account
}

/// An operator, signed in.
pub async fn new(stack: &Stack) -> Caller {
    signed_in(stack, &account(stack, "olga")).await
}

/// Signs somebody in at the operators' door.
pub async fn signed_in(stack: &Stack, account: &Account) -> Caller {
    match sign_in::operator_token_of(stack.url(), &account.user_name).await {
        Ok(token) => Caller::new(stack.url(), Proof::Bearer(token)),
        Err(error) => panic!("{} cannot sign in: {error}", account.user_name),
    }
}

/// The status with which somebody is refused there.
pub async fn refused(stack: &Stack, account: &Account) -> u16 {
    match sign_in::operator_token_of(stack.url(), &account.user_name).await {
        Err(sign_in::SignInError::Refused { status, .. }) => status.as_u16(),
        Err(error) => panic!("{} was not answered: {error}", account.user_name),
        Ok(_) => panic!("{} is signed in", account.user_name),
    }
}

/// What a grant for this workspace is asked for with.
pub fn ask(workspace: Uuid) -> Value {
    json!({ "workspace_id": workspace, "reason": "Runs do not start any more", "ticket": "OPS-17", "minutes": 30 })
}

/// An open grant.
pub async fn grant(operator: &Caller, workspace: Uuid) -> Value {
    operator.post(&format!("{API}/grants"), &ask(workspace)).await.expect(201)
}

/// Ends a grant.
pub async fn close(operator: &Caller, grant: &Value) -> Value {
    let id = grant["id"].as_str().expect("an id");
    operator.post(&format!("{API}/grants/{id}/close"), &json!({})).await.expect(200)
}
