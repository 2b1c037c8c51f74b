//! What the catalogs say about who may do what: asked of Postgres itself, over everything there is. The questions stand in
//! [`super::checks::questions`], because the sabotage asks them too.

use tests::{database, stack, tenant::Workspace};

use super::checks::{
    Pair,
    questions::{self, LOGINS},
};

/// Asks one question of the list about two workspaces and everything they share.
fn nothing(claim: &str) {
    stack::with(async |stack| {
        let pair = Pair::new(stack).await;
        let client = database::superuser(stack).await;
        let found = questions::of(&client, &pair, claim).await;
        assert!(found.is_empty(), "{claim}:\n{}", found.join("\n"));
    });
}

#[test]
fn a_login_has_no_privilege_on_any_table_or_sequence() {
    nothing("a login has no privilege on any table");
}

#[test]
fn a_login_executes_its_one_way_into_workspaces_and_nothing_else() {
    nothing("a login executes its one way into workspaces and nothing else");
}

#[test]
fn a_login_owns_nothing_inherits_nothing_and_has_no_path() {
    nothing("a login owns nothing, inherits nothing and has no path");
}

#[test]
fn nobody_calls_what_was_taken_from_everybody() {
    nothing("nobody calls what was taken from everybody");
}

#[test]
fn only_three_functions_become_tenants_and_nobody_becomes_the_owner() {
    nothing("only three functions become tenants, and nobody the owner");
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let client = database::superuser(stack).await;
        for login in LOGINS {
            let row =
                client.query_one("select pg_has_role($1, $2, 'member')", &[&login, &workspace.schema]).await;
            let becomes: bool = row.expect("an answer").get(0);
            assert_eq!(
                becomes,
                ["signalbox_portal", "signalbox_dispatcher", "signalbox_operators"].contains(&login),
                "{login}"
            );
        }
    });
}

#[test]
fn a_tenant_role_belongs_to_the_tenants_and_to_no_tenant() {
    nothing("a tenant role is nobody's member but the tenants', and no tenant's");
    nothing("nobody has a role of the server's own");
}

#[test]
fn nobody_may_create_and_public_has_nothing() {
    nothing("nobody may create and public has nothing");
}

#[test]
fn every_definer_function_is_the_owners_with_a_pinned_path() {
    nothing("every function outside the server's own schemas is the owner's with a pinned path");
    nothing("what a tenant or a group role may call is a definer's");
    nothing("what a tenant may call takes the tenant from the scope");
}

#[test]
fn a_tenants_schema_is_the_owners_and_granted_to_its_own_role_alone() {
    nothing("a tenant's schema holds tables, indexes and nothing that reaches out");
    nothing("a tenant's schema and tables are granted to their own role alone");
    nothing("a log is inserted into and read, never changed");
}

#[test]
fn every_tenant_table_forces_row_security_and_leads_its_keys_with_the_tenant() {
    nothing("every tenant table forces row-level security by the scope's tenant");
    nothing("every key and reference of a tenant table starts with the tenant");
    nothing("system rows that bear a tenant are fenced too");
    nothing("a group role reads of schema system what it is known to");
}

#[test]
fn a_database_lets_in_its_own_logins_and_nobody_else() {
    nothing("a login connects to its own database alone");
    nothing("nobody else connects to a database");
}

#[test]
fn the_questions_are_asked_of_something() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let client = database::superuser(stack).await;
        let ask = "select (select count(*) from pg_tables where schemaname = $1), (select count(*) from pg_tables where schemaname = 'system')";
        let row = client.query_one(ask, &[&workspace.schema]).await.expect("the catalog");
        let (own, system): (i64, i64) = (row.get(0), row.get(1));
        assert!(own >= 18 && system >= 10, "{own} tables of a workspace, {system} of schema system");
    });
}
