//! Tenant A's role against tenant B's schema: what happens when each verb is tried on each table. What the
//! privileges say for every pair of tenants is [`super::matrix`]'s.

use local::stack::Stack;
use tests::{
    database, stack,
    tenant::{Placement, Workspace, random_id},
};
use tokio_postgres::{Client, error::SqlState};

use super::leaks::neighbours;

/// The code a statement is refused with; none where it is not refused.
async fn refusal(client: &Client, statement: &str) -> Option<SqlState> {
    let answer = client.simple_query(statement).await;
    answer.err().map(|error| error.code().cloned().unwrap_or_else(|| panic!("{statement}: {error:?}")))
}

async fn tables(client: &Client, schema: &str) -> Vec<String> {
    let ask = "select tablename::text from pg_tables where schemaname = $1 order by 1";
    let rows = client.query(ask, &[&schema]).await.expect("the tables");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn their_tables_are_denied(stack: &Stack, (ours, theirs): (Workspace, Workspace)) {
    let client = database::inside(stack, &ours).await;
    let superuser = database::superuser_in(stack, theirs.database.as_deref()).await;
    let tables = tables(&superuser, &theirs.schema).await;
    assert!(tables.len() >= 18, "{tables:?}");
    let there = &theirs.schema;
    for table in tables {
        for statement in [
            format!("select from \"{there}\".{table}"),
            format!("select tableoid from \"{there}\".{table} for update"),
            format!("insert into \"{there}\".{table} default values"),
            format!("update \"{there}\".{table} set tenant_id = tenant_id"),
            format!("delete from \"{there}\".{table}"),
            format!("truncate \"{there}\".{table}"),
            format!("copy \"{there}\".{table} to stdout"),
            format!("drop table \"{there}\".{table}"),
            format!("alter table \"{there}\".{table} disable row level security"),
            format!("create trigger x after insert on \"{there}\".{table} execute function x()"),
        ] {
            assert_eq!(
                refusal(&client, &statement).await,
                Some(SqlState::INSUFFICIENT_PRIVILEGE),
                "{statement}"
            );
        }
    }
}

#[test]
fn another_tenants_tables_are_denied_to_every_verb() {
    stack::with(async |stack| {
        their_tables_are_denied(stack, (Workspace::claim(stack).await, Workspace::claim(stack).await)).await;
    });
}

#[test]
fn so_they_are_in_a_database_beside_the_first() {
    stack::with_databases(async |stack| {
        their_tables_are_denied(stack, neighbours(stack, Placement::Dedicated).await).await;
    });
}

#[test]
fn a_tenant_role_owns_nothing_and_changes_no_log() {
    stack::with(async |stack| {
        let ours = Workspace::claim(stack).await;
        let client = database::inside(stack, &ours).await;
        for statement in [
            "select from schema_migrations",
            "update audit set action = 'x'",
            "delete from audit",
            "truncate audit",
            "update events set to_state = 'x'",
            "delete from events",
            "update job_versions set version = 2",
            "delete from job_tasks",
            "create table mine (a int)",
            "create temp table mine (a int)",
            "create schema mine",
            "create function mine() returns int language sql as 'select 1'",
            "alter table vaults disable row level security",
            "drop table vaults",
            "select from system.tenants",
            "select from system.sessions",
            "select from system.tenant_keys",
            "select from system.outbox",
            "select from system.due",
            "select from system.memberships",
            "select from system.roles",
            "select from system.api_tokens",
            "select from system.invitations",
            "select system.people_lock()",
            "select from system.sign_in_guest('entra', null, null, '', true, null, null, null, null, '', '')",
            "select system.api_token_seen(null)",
            "select from system.sign_in_service('entra', null, null, '', null, null, '', '')",
            "select from system.sign_in('entra', null, null, '', true, null, null, '', '')",
            "select from system.way_to('entra', null, true, null)",
            "select from system.sign_in_to(null, 'entra', null, null, '', true, null, null, '', '')",
            "select from system.workspaces_of_person('entra', null, null)",
            "select from system.switch_session(null, null, null, null, '', '')",
            "select from system.write_audit(null, null, null, '', '', '', null, '', '')",
            "select from system.authorize(null, null, null, null, '', '', null)",
        ] {
            assert_eq!(
                refusal(&client, statement).await,
                Some(SqlState::INSUFFICIENT_PRIVILEGE),
                "{statement}"
            );
        }
    });
}

#[test]
fn the_setting_alone_gives_no_other_tenant() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let client = database::inside(stack, &ours).await;
        let vault = format!(
            "insert into vaults (id, name, kind, created_at, updated_at, updated_by)
             values ('{}', 'v', 'managed', now(), now(), '{}')",
            random_id(),
            ours.user
        );
        client.batch_execute(&vault).await.expect("a tenant writes its own rows");
        client.batch_execute(&format!("set app.tenant_id = '{}'", theirs.id)).await.expect("a setting");
        let seen = client.query("select from vaults", &[]).await.expect("its own table");
        assert_eq!(seen.len(), 0, "row security hides what is not of the setting's tenant");
        let refused = refusal(&client, "select system.tenant()").await.expect("refused");
        assert_eq!(refused.code(), "SB401", "role and setting must name the same tenant");
        let forged =
            vault.replace("(id,", "(tenant_id, id,").replace("values (", &format!("values ('{}', ", ours.id));
        let refused = refusal(&client, &forged).await.expect("refused");
        assert_eq!(refused, SqlState::INSUFFICIENT_PRIVILEGE, "no row is written for another tenant");
        client.batch_execute("reset app.tenant_id").await.expect("a setting");
        assert!(refusal(&client, "select from vaults").await.is_some(), "no setting, no rows");
    });
}

#[test]
fn no_expression_switches_identity() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let client = database::inside(stack, &ours).await;
        // What an injected expression could call; a statement of its own it cannot be.
        for (setting, value) in [
            ("role", theirs.schema.clone()),
            ("role", "none".to_owned()),
            ("app.tenant_id", theirs.id.to_string()),
            ("search_path", theirs.schema.clone()),
        ] {
            for local in ["true", "false"] {
                let escape = format!("select set_config('{setting}', '{value}', {local})");
                assert_eq!(
                    refusal(&client, &escape).await,
                    Some(SqlState::INSUFFICIENT_PRIVILEGE),
                    "{escape}"
                );
            }
        }
        let who = client.query_one("select current_user::text", &[]).await.expect("an answer");
        assert_eq!(who.get::<_, String>(0), ours.schema);
    });
}

#[test]
fn a_login_without_a_scope_reads_nothing() {
    stack::with(async |stack| {
        let ours = Workspace::claim(stack).await;
        for function in ["signin", "portal", "scheduler", "dispatcher"] {
            let client = database::login(stack, function).await;
            for statement in [
                "select from vaults".to_owned(),
                format!("select from \"{}\".vaults", ours.schema),
                "select from system.tenants".to_owned(),
                "select from system.sessions".to_owned(),
                "select system.tenant()".to_owned(),
                "select system.now()".to_owned(),
                "select system.enqueue(null, null, null, null)".to_owned(),
            ] {
                let refused = refusal(&client, &statement).await;
                let refused = refused.unwrap_or_else(|| panic!("{function} may {statement}"));
                assert!(
                    [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::UNDEFINED_TABLE].contains(&refused),
                    "{function}: {statement}: {refused:?}"
                );
            }
        }
    });
}

#[test]
fn a_scope_is_refused_unless_session_person_workspace_and_schema_agree() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let client = database::login(stack, "portal").await;
        let ask = async |session: &str, user: &str, tenant: &str, schema: &str, roles: &str| {
            let (session, user) = (quoted(session), quoted(user));
            let call = format!(
                "select * from system.authorize({session}, null, {user}, '{tenant}', '{schema}', 'vaults.read', '{{{roles}}}')"
            );
            refusal(&client, &call).await.map(|code| code.code().to_owned())
        };
        let (session, user) = (ours.session.to_string(), ours.user.to_string());
        let (id, schema) = (ours.id.to_string(), ours.schema.clone());
        let refused = |code: &str| Some(code.to_owned());
        assert_eq!(ask(&session, &user, &id, &schema, "administrator").await, None);
        assert_eq!(ask(&session, &user, &id, &schema, "operator").await, refused("SB403"));
        assert_eq!(ask(&session, &user, &id, &schema, "").await, refused("SB403"));
        assert_eq!(ask("", "", &id, &schema, "").await, refused("SB401"), "the portal is no worker");
        let (other, other_id) = (theirs.user.to_string(), theirs.id.to_string());
        let unknown = random_id().to_string();
        for (session, user, id, schema) in [
            (&unknown, &user, &id, &schema),
            (&session, &other, &id, &schema),
            (&session, &user, &other_id, &theirs.schema),
            (&session, &user, &id, &theirs.schema),
            (&session, &user, &other_id, &schema),
        ] {
            assert_eq!(ask(session, user, id, schema, "administrator").await, refused("SB401"));
        }
        for function in ["signin", "scheduler"] {
            let client = database::login(stack, function).await;
            let call = format!(
                "select from system.authorize(null, null, null, '{id}', '{schema}', 'signed_in', '{{}}')"
            );
            assert!(refusal(&client, &call).await.is_some(), "{function} enters no workspace");
        }
    });
}

fn quoted(id: &str) -> String {
    if id.is_empty() { "null".to_owned() } else { format!("'{id}'") }
}
