//! A customer's own database: a login and a database of their own on the embedded server, with the table that a `postgres`
//! connection needs, made by the statements of `docs/connections/postgres.md`.

use local::{postgres::Login, stack::Stack};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::{caller::Administrator, tenant::random_id, work};

const PAGE: &str = include_str!("../../docs/connections/postgres.md");

/// One customer's database.
pub struct Warehouse {
    /// As its owner, who is also who signalbox is there.
    pub login: Login,
}

impl Warehouse {
    /// An empty one.
    pub async fn new(stack: &Stack) -> Self {
        let name = format!("customer_{}", random_id().simple());
        let server = local::postgres::connect(&stack.superuser().url()).await.expect("the server");
        for statement in [
            format!("create role {name} login password 'p4ss-{name}'"),
            format!("grant {name} to current_user"),
            format!("create database {name} owner {name}"),
        ] {
            server.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        }
        let password = format!("p4ss-{name}");
        let login = Login { user: name.clone(), database: name, password, ..stack.superuser() };
        let warehouse = Self { login };
        warehouse.client().await.batch_execute(&documented()).await.expect("what the page says to do");
        warehouse
    }

    /// A connection of the customer's own.
    pub async fn client(&self) -> Client {
        local::postgres::connect(&self.login.url()).await.expect("the customer's login")
    }

    /// One number out of it.
    pub async fn number(&self, sql: &str) -> i64 {
        self.client()
            .await
            .query_one(sql, &[])
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
            .get(0)
    }

    /// A connection to it in a workspace, with its password in a managed vault.
    pub async fn connection(&self, by: &Administrator, name: &str) -> Value {
        let vault = work::vault(by, &format!("vault of {name}")).await;
        work::credential(by, &vault, "password", &self.login.password).await;
        by.post("/connections", &self.body(name)).await.expect(201)
    }

    /// The body of that connection.
    pub fn body(&self, name: &str) -> Value {
        let Login { host, port, database, user, .. } = &self.login;
        json!({
            "name": name, "kind": "postgres",
            "settings": { "host": host, "port": port, "database": database, "user": user, "tls": false },
            "credential": { "vault": format!("vault of {name}"), "name": "password" },
        })
    }
}

/// The statements of the page, but for the role and its rights: here the owner does the work.
fn documented() -> String {
    let block =
        PAGE.split("```sql").nth(1).and_then(|rest| rest.split("```").next()).expect("the page has SQL");
    let ours = |line: &&str| !line.starts_with("create role") && !line.starts_with("grant");
    block.lines().filter(ours).collect::<Vec<_>>().join("\n")
}
