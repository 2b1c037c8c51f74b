//! Workspaces without the functions: for tests of what stands in the database.

use local::{oidc::Account, stack::Stack};
use serde_json::json;
use shared::{
    db::Scope,
    model::{
        ids::{SessionId, TenantId, UserId},
        role::Permission,
        tenant::Route,
    },
};
use uuid::Uuid;

use super::{Directory, Placement, random_id};
use crate::database;

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

    /// Claims a spare one in a database beside the first, whoever else is there. Only that database knows its directory.
    pub async fn claim_beside(stack: &Stack, database: &str) -> Self {
        let directory = Directory::unknown(stack);
        let person = directory.person(stack, "ada");
        let client = database::superuser_in(stack, Some(database)).await;
        let list = "insert into system.directories (id, name, placement, first_administrator, created_at)
                    values ($1, $2, 'dedicated', $3, now())";
        client
            .execute(list, &[&directory.id, &directory.name, &person.object_id])
            .await
            .expect("it is listed");
        Self::enter(stack, &person, Some(database.to_owned())).await
    }

    async fn claim_as(stack: &Stack, directory: &Directory, placement: Placement) -> Self {
        let person = directory.person(stack, "ada");
        directory.onboard_in(stack, Some(person.object_id), placement).await;
        Self::enter(stack, &person, database::of_directory(stack, directory.id).await).await
    }

    /// A first sign-in, where its directory is listed.
    async fn enter(stack: &Stack, person: &Account, database: Option<String>) -> Self {
        let ids: Vec<Uuid> = (0..4).map(|_| random_id()).collect();
        let client = database::superuser_in(stack, database.as_deref()).await;
        let sign_in = "select session_id, user_id, tenant_id, tenant_schema \
                       from system.sign_in('entra', $1, $2, 'Ada', false, $3, interval '12 hours', '', '')";
        let row = loop {
            match client.query_one(sign_in, &[&person.directory_id, &person.object_id, &ids]).await {
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
