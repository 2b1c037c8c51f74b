//! Two workspaces of one pool. Schema and role are the same; row-level security is what stands between them. These tests say
//! what it stops, table by table, and what it does not claim to: docs/security.md says the same.

use tests::{
    database, stack,
    tenant::{Placement, Workspace, random_id},
};
use tokio_postgres::{Client, error::SqlState};

/// A workspace with one row in each of a few tables that refer to each other.
async fn filled(stack: &local::stack::Stack) -> (Workspace, uuid::Uuid) {
    let workspace = Workspace::claim_in(stack, Placement::Pooled).await;
    let client = database::inside(stack, &workspace).await;
    let (vault, user) = (random_id(), workspace.user);
    let fill = format!(
        "insert into vaults (id, name, kind, created_at, updated_at, updated_by) values ('{vault}', 'v', 'managed', now(), now(), '{user}');
         insert into credentials (vault_id, name, key_version, sealed, updated_at, updated_by) values ('{vault}', 'c', 1, '\\x00', now(), '{user}');
         insert into jobs (id, name, version, created_at, updated_at, updated_by) values ('{vault}', 'j', 1, now(), now(), '{user}')"
    );
    client.batch_execute(&fill).await.expect("rows of its own");
    (workspace, vault)
}

async fn code(client: &Client, statement: &str) -> Option<SqlState> {
    let answer = client.simple_query(statement).await;
    answer.err().map(|error| error.code().cloned().unwrap_or_else(|| panic!("{statement}: {error:?}")))
}

async fn tables(client: &Client, schema: &str) -> Vec<String> {
    let ask = "select tablename::text from pg_tables where schemaname = $1 and tablename <> 'schema_migrations' order by 1";
    let rows = client.query(ask, &[&schema]).await.expect("the tables");
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn no_row_of_a_neighbour_in_the_pool_is_read_changed_removed_or_written() {
    stack::with(async |stack| {
        let ((ours, _), (theirs, their_vault)) = (filled(stack).await, filled(stack).await);
        assert_eq!(ours.schema, theirs.schema);
        let (client, superuser) = (database::inside(stack, &ours).await, database::superuser(stack).await);
        let tables = tables(&superuser, &ours.schema).await;
        assert!(tables.len() >= 17, "{tables:?}");
        let (mut tried, neighbour) = (0, theirs.id);
        for table in &tables {
            for statement in [
                format!("select 1 from {table} where tenant_id = '{neighbour}'"),
                format!("select 1 from {table} where tenant_id <> '{}'", ours.id),
                format!("select 1 from \"{}\".{table} where tenant_id = '{neighbour}'", theirs.schema),
                format!("update {table} set tenant_id = tenant_id where tenant_id = '{neighbour}'"),
                format!("delete from {table} where tenant_id = '{neighbour}'"),
            ] {
                match client.execute(&statement, &[]).await {
                    Ok(rows) => assert_eq!(rows, 0, "{statement}"),
                    Err(error) => {
                        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{statement}")
                    }
                }
                tried += 1;
            }
            let forged = format!("insert into {table} (tenant_id) values ('{neighbour}')");
            assert_eq!(code(&client, &forged).await, Some(SqlState::INSUFFICIENT_PRIVILEGE), "{forged}");
            assert_eq!(
                code(&client, &format!("truncate {table}")).await,
                Some(SqlState::INSUFFICIENT_PRIVILEGE),
                "{table}"
            );
            tried += 2;
        }
        let given = format!("update vaults set tenant_id = '{neighbour}'");
        assert_eq!(
            code(&client, &given).await,
            Some(SqlState::INSUFFICIENT_PRIVILEGE),
            "nothing is given away"
        );
        // A neighbour's row cannot be referred to, and its key is free: keys begin with the workspace.
        let user = ours.user;
        let reference = format!(
            "insert into credentials (vault_id, name, key_version, sealed, updated_at, updated_by)
             values ('{their_vault}', 'c', 1, '\\x00', now(), '{user}')"
        );
        assert_eq!(code(&client, &reference).await, Some(SqlState::FOREIGN_KEY_VIOLATION));
        let same = format!(
            "insert into vaults (id, name, kind, created_at, updated_at, updated_by)
             values ('{their_vault}', 'theirs?', 'managed', now(), now(), '{user}')"
        );
        assert_eq!(code(&client, &same).await, None, "an id that a neighbour has tells nothing");
        for table in ["vaults", "credentials", "jobs"] {
            let ask = format!("select count(*) from \"{}\".{table} where tenant_id = $1", theirs.schema);
            let kept: i64 = superuser.query_one(&ask, &[&neighbour]).await.expect("a count").get(0);
            assert_eq!(kept, 1, "{table} of the neighbour");
        }
        assert!(tried > 100, "{tried}");
    });
}

#[test]
fn system_functions_in_a_pool_answer_for_the_scope_alone() {
    stack::with(async |stack| {
        let ((ours, _), (theirs, _)) = (filled(stack).await, filled(stack).await);
        let client = database::inside(stack, &ours).await;
        let row = client.query_one("select id from system.workspace()", &[]).await.expect("its own");
        assert_eq!(row.get::<_, uuid::Uuid>(0), ours.id);
        let seen = client.query("select user_id from system.members(null, 100)", &[]).await.expect("members");
        let seen: Vec<uuid::Uuid> = seen.iter().map(|row| row.get(0)).collect();
        assert_eq!(seen, [ours.user]);
        let ask = "select count(*) from system.tenant_salts() s join system.tenant_salts() t on true";
        let salts: i64 = client.query_one(ask, &[]).await.expect("the portal may").get(0);
        assert_eq!(salts, 1, "one key, its own");
        // A session of one does not open the other, although schema and role are the same.
        let login = database::login(stack, "portal").await;
        let call = format!(
            "select * from system.authorize('{}', null, '{}', '{}', '{}', 'jobs.read', '{{administrator}}')",
            ours.session, ours.user, theirs.id, theirs.schema
        );
        assert!(code(&login, &call).await.is_some_and(|code| code.code() == "SB401"));
    });
}

/// The limit of the fence within a pool: whoever could run a statement of their own choosing could name the neighbour. What
/// stands against that is that a statement takes no second one, and that expressions may not set anything.
#[test]
fn within_a_pool_only_the_setting_tells_workspaces_apart_and_no_expression_changes_it() {
    stack::with(async |stack| {
        let ((ours, _), (theirs, _)) = (filled(stack).await, filled(stack).await);
        let client = database::inside(stack, &ours).await;
        for local in ["true", "false"] {
            let expression = format!("select set_config('app.tenant_id', '{}', {local})", theirs.id);
            assert_eq!(
                code(&client, &expression).await,
                Some(SqlState::INSUFFICIENT_PRIVILEGE),
                "{expression}"
            );
        }
        let stacked = format!("select id from vaults; set app.tenant_id = '{}'", theirs.id);
        let refused = client.query(&stacked, &[]).await.expect_err("one statement at a time");
        assert_eq!(refused.code(), Some(&SqlState::SYNTAX_ERROR));
        // And this is why pools are not for everybody: as a statement of its own it works.
        client.batch_execute(&format!("set app.tenant_id = '{}'", theirs.id)).await.expect("a setting");
        let seen = client.query("select id from vaults", &[]).await.expect("the neighbour's").len();
        assert_eq!(seen, 1, "if this is stopped some day, docs/security.md has to say so");
    });
}
