//! The steward is killed with signal 9 wherever it makes cells, schemas, pools and spares, and sign-in wherever it claims one: a
//! workspace is whole or it is not there, and whoever comes next has one.

use local::{people::sign_in, stack::Stack};
use serde_json::json;
use tests::{
    database, stack,
    steps::{Gate, Sent},
    tenant::{self, Directory, Placement},
};
use tokio_postgres::Client;
use uuid::Uuid;

/// What is there of a workspace, a pool or a cell that is not there as a whole.
async fn halves(client: &Client) -> Vec<String> {
    let ask = "select 'schema ' || n.nspname from pg_namespace n where n.nspname like 't\\_%'
               and not exists (select from system.tenants t where t.schema_name = n.nspname)
               and not exists (select from system.pools p where p.schema_name = n.nspname)
               union all select 'role ' || r.rolname from pg_roles r where r.rolname like 't\\_%'
               and not exists (select from pg_namespace n where n.nspname = r.rolname)
               union all select 'cell ' || r.rolname from pg_roles r where r.rolname like 'cell\\_%'
               and not exists (select from system.cells c where c.name = r.rolname)
               union all select 'without a schema ' || t.id from system.tenants t
               where not exists (select from pg_namespace n where n.nspname = t.schema_name)
               union all select 'without keys ' || t.id from system.tenants t
               where not exists (select from system.tenant_keys k where k.tenant_id = t.id)
               union all select 'in the making ' || t.id from system.tenants t where t.state = 'provisioning'";
    client.query(ask, &[]).await.expect("the catalog").iter().map(|row| row.get(0)).collect()
}

async fn count(client: &Client, ask: &str) -> i64 {
    client.query_one(ask, &[]).await.unwrap_or_else(|error| panic!("{ask}: {error:?}")).get(0)
}

async fn spares(client: &Client, placement: &str) -> i64 {
    let ask =
        format!("select count(*) from system.tenants where state = 'spare' and placement = '{placement}'");
    count(client, &ask).await
}

/// Where the making of one more spare of each placement is held, each with a cell of its own and each in a pool of its own.
async fn gate(stack: &Stack, at: &str) -> Gate {
    match at {
        "a schema" => Gate::on_create(stack).await,
        "a spare" => Gate::on_some(stack, "system.tenants", "insert", "new.placement = 'schema'").await,
        "a pool's spare" => {
            Gate::on_some(stack, "system.tenants", "insert", "new.placement = 'pooled'").await
        }
        table => Gate::on(stack, table, "insert").await,
    }
}

#[test]
fn a_spare_whose_making_is_killed_anywhere_is_made_whole_by_the_next_refill() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let client = database::superuser(&stack).await;
        Directory::unknown(&stack).onboard_in(&stack, None, Placement::Pooled).await;
        let mut wanted = spares(&client, "schema").await.max(spares(&client, "pooled").await);
        stack.order(json!({ "do": "refill", "spares": wanted })).await.expect("as many of each");
        for at in
            ["system.cells", "a schema", "a spare", "system.tenant_keys", "system.pools", "a pool's spare"]
        {
            wanted += 1;
            let order = json!({ "do": "refill", "spares": wanted, "per_cell": 1, "per_pool": 1 });
            let gate = gate(&stack, at).await;
            let (killed, ()) = futures_util::future::join(
                stack.order(order.clone()),
                gate.kill(&stack, "steward", Sent::Arrives),
            )
            .await;
            assert!(killed.is_err(), "killed at {at}");
            assert_eq!(halves(&client).await, Vec::<String>::new(), "killed at {at}");
            stack.order(order).await.unwrap_or_else(|error| panic!("after the kill at {at}: {error}"));
            let made = (spares(&client, "schema").await, spares(&client, "pooled").await);
            assert_eq!(made, (wanted, wanted), "killed at {at}");
            assert_eq!(halves(&client).await, Vec::<String>::new(), "after the kill at {at}");
        }
        for placement in [Placement::Schema, Placement::Pooled] {
            let tenant = tenant::new_in(&stack, placement).await;
            tenant.operator.get("/runs").await.expect(200);
        }
        stack.stop().await;
    });
}

/// What a directory's first sign-in makes: users, memberships, sessions, workspaces of its name.
async fn made(client: &Client, directory: &Directory) -> [i64; 4] {
    let ask = "select (select count(*) from system.users where directory_id = $1),
                      (select count(*) from system.memberships m join system.users u on u.id = m.user_id where u.directory_id = $1
                       and m.role = 'administrator'),
                      (select count(*) from system.sessions s join system.users u on u.id = s.user_id where u.directory_id = $1),
                      (select count(*) from system.tenants where name = $2)";
    let row = client.query_one(ask, &[&directory.id, &directory.name]).await.expect("the counts");
    [row.get(0), row.get(1), row.get(2), row.get(3)]
}

async fn provisioned(client: &Client, (id, schema): &(Uuid, String)) -> i64 {
    let ask = format!(
        "select count(*) from \"{schema}\".audit where action = 'workspace.provision' and target_id = $1"
    );
    client.query_one(&ask, &[id]).await.expect("the log").get(0)
}

#[test]
fn a_first_sign_in_that_is_killed_inside_its_claim_claims_one_workspace_once() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let client = database::superuser(&stack).await;
        stack.order(json!({ "do": "refill", "spares": 10 })).await.expect("spares");
        let tables = [
            ("system.users", "insert"),
            ("system.tenants", "update"),
            ("system.memberships", "insert"),
            ("system.sessions", "insert"),
        ];
        for (table, verb) in tables {
            for sent in [Sent::IsLost, Sent::Arrives] {
                let directory = Directory::unknown(&stack);
                let person = directory.person(&stack, "ada");
                directory.onboard(&stack, Some(person.object_id)).await;
                let before = spares(&client, "schema").await;
                let gate = Gate::on(&stack, table, verb).await;
                let first = sign_in::token_of(stack.url(), &person.user_name);
                let (first, ()) = futures_util::future::join(first, gate.kill(&stack, "signin", sent)).await;
                assert!(first.is_err(), "killed at {table}: nobody was told of a session");
                // Whether its commit was with what it had sent is the driver's to say: all of it is there, or none.
                let there = made(&client, &directory).await;
                let is_whole = sent == Sent::Arrives && there == [1, 1, 1, 1];
                assert!(there == [0; 4] || is_whole, "killed at {table}, {sent:?}: {there:?}");
                tenant::signed_in(&stack, &person).await.get("/me").await.expect(200);
                let [users, administrators, sessions, workspaces] = made(&client, &directory).await;
                assert_eq!((users, administrators, workspaces), (1, 1, 1), "killed at {table}, {sent:?}");
                assert_eq!(sessions, 1 + i64::from(is_whole), "killed at {table}, {sent:?}");
                assert_eq!(spares(&client, "schema").await, before - 1, "killed at {table}: one was claimed");
                let place = tenant::placed(&stack, directory.id).await.expect("a workspace");
                assert_eq!(provisioned(&client, &place).await, 1, "killed at {table}, {sent:?}");
            }
        }
        assert_eq!(halves(&client).await, Vec::<String>::new());
        stack.stop().await;
    });
}
