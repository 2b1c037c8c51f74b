//! What a whole statement of somebody else's could do inside a scope, one by one: stopped by the server, or possible and kept
//! out by something else. What is possible is asserted too, so that the page that says so (docs/isolation.md) cannot rot.

use local::stack::Stack;
use tests::{
    database, stack,
    tenant::{Workspace, random_id},
};
use tokio_postgres::{Client, SimpleQueryMessage, error::SqlState};

use super::super::checks::Pair;

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Refused by the server.
    Stopped,
    /// The server does it.
    Possible,
}
use Outcome::{Possible, Stopped};

/// The words of the page, the statement, and what comes of it.
const TABLE: &[(&str, &str, Outcome)] = &[
    ("another workspace's tables by name", "select id from \"{theirs}\".vaults", Stopped),
    (
        "`set role` to another workspace",
        "set local role \"{theirs}\"; select id from \"{theirs}\".vaults",
        Possible,
    ),
    ("`reset role`", "reset role", Possible),
    ("`reset role`, then a table", "reset role; select id from \"{ours}\".vaults", Stopped),
    ("`set role` to the owner", "set local role signalbox_owner", Stopped),
    ("`set_config` in an expression", "select set_config('role', '{theirs}', true)", Stopped),
    (
        "`set_config` and `query_to_xml` in one statement",
        "select set_config('role', '{theirs}', true), query_to_xml('select id from \"{theirs}\".vaults', true, false, '')",
        Stopped,
    ),
    ("`update pg_settings`", "update pg_settings set setting = '{theirs}' where name = 'role'", Stopped),
    ("`do`", "do $$ begin set local role \"{theirs}\"; end $$", Stopped),
    ("a cursor `with hold`", "declare held cursor with hold for select id from vaults", Possible),
    ("a temporary table", "create temp table vaults (id uuid)", Stopped),
    ("`listen`", "listen anyone", Possible),
    ("`notify`", "notify anyone, 'a secret'", Possible),
    ("`pg_notify` in an expression", "select pg_notify('anyone', 'a secret')", Stopped),
    ("a lock of the session", "select pg_advisory_lock(1, hashtext('{their_id}'))", Stopped),
    ("a lock of the transaction", "select pg_advisory_xact_lock(1, hashtext('{their_id}'))", Possible),
    ("`set statement_timeout`", "set local statement_timeout = 0", Possible),
    ("`set_config` of `statement_timeout`", "select set_config('statement_timeout', '0', true)", Stopped),
    ("a setting of the session", "set search_path = \"{theirs}\"", Possible),
    (
        "names of other schemas and roles",
        "select nspname from pg_namespace where nspname = '{theirs}'",
        Possible,
    ),
    (
        "how many rows other workspaces have, roughly",
        "select n_live_tup from pg_stat_all_tables where schemaname = '{theirs}'",
        Possible,
    ),
    (
        "values of other workspaces in statistics",
        "select 1 / count(*) from pg_stats where schemaname = '{theirs}'",
        Stopped,
    ),
    (
        "statements of others",
        "select 1 / count(*) from pg_stat_activity where usename <> 'signalbox_portal' and query not in ('', '<insufficient privilege>')",
        Stopped,
    ),
];

/// Tries a statement in a transaction that is rolled back.
async fn outcome(client: &Client, statement: &str) -> Outcome {
    client.batch_execute("begin").await.expect("a transaction");
    let answer = client.simple_query(statement).await;
    client.batch_execute("rollback").await.expect("nothing stays");
    match answer {
        Ok(_) => Possible,
        Err(error) => {
            let code = error.code().cloned().unwrap_or_else(|| panic!("{statement}: {error:?}"));
            let known = [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::DIVISION_BY_ZERO];
            assert!(known.contains(&code), "{statement}: {error:?}");
            Stopped
        }
    }
}

async fn is_stopped_or_known(stack: &Stack, pair: Pair) {
    let client = database::inside(stack, &pair.ours).await;
    let root = local::settings::workspace();
    let page = std::fs::read_to_string(root.join("docs/isolation.md")).expect("the page");
    for (what, statement, expected) in TABLE {
        assert_eq!(outcome(&client, &pair.fill(statement)).await, *expected, "{what}");
        let cell = if *expected == Stopped { "stopped" } else { "possible" };
        let row = format!("| {what} | {cell} |");
        assert!(page.contains(&row), "docs/isolation.md has no row `{row}`");
    }
}

#[test]
fn each_escape_is_stopped_or_known() {
    stack::with(async |stack| is_stopped_or_known(stack, Pair::new(stack).await).await);
}

#[test]
fn so_each_is_in_a_database_beside_the_first() {
    stack::with_databases(async |stack| is_stopped_or_known(stack, Pair::beside(stack).await).await);
}

fn texts(messages: &[SimpleQueryMessage]) -> Vec<String> {
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    rows.collect()
}

/// What one tenant leaves on a connection reaches the next one there: why nothing of a session is ever set, and a connection
/// whose transaction was not seen to its end is closed.
#[test]
fn what_is_left_on_a_connection_reaches_whoever_has_it_next() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let client = database::login(stack, "portal").await;
        let enter = |it: &Workspace| {
            format!(
                "begin; set local role \"{0}\"; set local search_path = \"{0}\", pg_temp; set local app.tenant_id = '{1}'",
                it.schema, it.id
            )
        };
        let vault = format!(
            "insert into vaults (id, name, kind, created_at, updated_at, updated_by) values ('{}', 'a secret name', 'managed', now(), now(), '{}')",
            random_id(),
            ours.user
        );
        client.batch_execute(&format!("{}; {vault}", enter(&ours))).await.expect("a scope");
        let hold = "declare held cursor with hold for select name from vaults; listen anyone; set app.left_there = 'behind'; commit";
        client.batch_execute(hold).await.expect("what a scope may");
        client.batch_execute(&enter(&theirs)).await.expect("another scope");
        let held = client.simple_query("fetch all from held").await.expect("rows of the one before");
        assert_eq!(texts(&held), ["a secret name"], "a cursor leaks");
        let left = client.simple_query("select current_setting('app.left_there')").await.expect("a setting");
        assert_eq!(texts(&left), ["behind"], "a setting leaks");
        let listens = client.simple_query("select pg_listening_channels()").await.expect("channels");
        assert_eq!(texts(&listens), ["anyone"], "a channel leaks");
        client.batch_execute("rollback").await.expect("an end");
        // What was set for the transaction has gone with it.
        let who = client.simple_query("select current_user::text || coalesce(nullif(current_setting('app.tenant_id', true), ''), '')").await;
        assert_eq!(texts(&who.expect("an answer")), ["signalbox_portal"]);
    });
}

/// An expression could take another workspace's lock. It lasts as long as its transaction may; the other one is told to come
/// again, and loses nothing.
#[test]
fn a_lock_that_is_held_by_another_tenant_costs_a_retry() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let (one, other) = (database::inside(stack, &ours).await, database::inside(stack, &theirs).await);
        let lock = format!("begin; select pg_advisory_xact_lock(1, hashtext('{}'))", theirs.id);
        one.batch_execute(&lock).await.expect("a lock");
        let hold = "begin; set local lock_timeout = '200ms'; select system.hold_tenant()";
        let refused = other.batch_execute(hold).await.expect_err("it is held");
        assert_eq!(refused.code(), Some(&SqlState::LOCK_NOT_AVAILABLE));
        let refused = shared::error::DbError::from(refused);
        assert!(refused.is_retryable(), "the product tries again: {refused:?}");
        other.batch_execute("rollback").await.expect("an end");
        one.batch_execute("rollback").await.expect("an end");
        other.batch_execute(&format!("{hold}; rollback")).await.expect("it is free again");
    });
}
