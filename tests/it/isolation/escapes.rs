//! What an expression or a statement that somebody slipped into a scope could do: table by table what the server stops, and what
//! only the protocol does, which takes one statement.

mod table;

use tests::{
    database, stack,
    tenant::{Workspace, random_id},
};
use tokio_postgres::{Client, error::SqlState};

/// How a statement that goes through the extended protocol is refused; none where it is not.
async fn refusal(client: &Client, statement: &str) -> Option<SqlState> {
    let answer = client.query(statement, &[]).await;
    answer.err().map(|error| error.code().cloned().unwrap_or_else(|| panic!("{statement}: {error:?}")))
}

#[test]
fn no_expression_reaches_out_of_its_scope_or_leaves_anything_behind() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let (client, other) = (database::inside(stack, &ours).await, database::superuser(stack).await);
        let pid: i32 = other.query_one("select pg_backend_pid()", &[]).await.expect("a session").get(0);
        let attempts = [
            format!("select query_to_xml('select id from \"{}\".vaults', true, false, '')", theirs.schema),
            format!("select table_to_xml('\"{}\".vaults', true, false, '')", theirs.schema),
            "select query_to_xml('select id from system.tenants', true, false, '')".to_owned(),
            "select pg_read_file('postgresql.conf')".to_owned(),
            "select pg_ls_dir('.')".to_owned(),
            "select pg_reload_conf()".to_owned(),
            format!("select pg_terminate_backend({pid})"),
            format!("select pg_cancel_backend({pid})"),
            "select pg_advisory_lock(1, 1)".to_owned(),
            "select pg_advisory_lock_shared(42)".to_owned(),
            "select pg_try_advisory_lock(42)".to_owned(),
            "select pg_notify('anyone', 'a secret')".to_owned(),
            "select lo_create(0)".to_owned(),
            "select lo_from_bytea(0, 'a secret')".to_owned(),
        ];
        for attempt in attempts {
            let refused = refusal(&client, &attempt).await;
            assert_eq!(refused, Some(SqlState::INSUFFICIENT_PRIVILEGE), "{attempt}");
        }
        let ask = "select count(*) from pg_stat_activity where query not in ('', '<insufficient privilege>') and usename <> 'signalbox_portal'";
        let seen = client.query_one(ask, &[]).await.expect("a view of the server's");
        assert_eq!(seen.get::<_, i64>(0), 0, "nobody else's statements are seen");
    });
}

#[test]
fn no_statement_makes_changes_or_opens_anything() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let client = database::inside(stack, &ours).await;
        let (own, other) = (&ours.schema, &theirs.schema);
        let attempts = [
            format!("do $$ begin execute 'set local role \"{other}\"'; end $$"),
            "create temp table vaults (id uuid)".to_owned(),
            "create table mine (id uuid)".to_owned(),
            "create function mine() returns integer language sql as 'select 1'".to_owned(),
            format!("create schema mine_{}", random_id().simple()),
            "create extension dblink".to_owned(),
            format!("create role mine_{}", random_id().simple()),
            format!("grant \"{other}\" to \"{own}\""),
            format!("alter role \"{own}\" login"),
            "alter table vaults no force row level security".to_owned(),
            "drop policy tenant on vaults".to_owned(),
            format!("drop schema \"{other}\" cascade"),
            format!("set session authorization \"{other}\""),
            "set row_security = off".to_owned() + "; select id from vaults",
            "copy vaults to program 'cat'".to_owned(),
            "copy vaults from '/etc/passwd'".to_owned(),
            "alter system set log_statement = 'all'".to_owned(),
            "load '/tmp/any.so'".to_owned(),
            "truncate vaults".to_owned(),
        ];
        for attempt in attempts {
            let refused = client.simple_query(&attempt).await.err().and_then(|error| error.code().cloned());
            assert_eq!(refused, Some(SqlState::INSUFFICIENT_PRIVILEGE), "{attempt}");
        }
        // Whoever may not grant is only warned; what counts is that nothing was granted.
        let grant = format!("grant select on vaults to \"{other}\"");
        client.batch_execute(&grant).await.expect("a warning");
        let ask = format!("select has_table_privilege('{other}', '\"{own}\".vaults', 'select')");
        let may = database::superuser(stack).await.query_one(&ask, &[]).await.expect("an answer");
        assert!(!may.get::<_, bool>(0));
    });
}

/// Each of these would work as a statement of its own, and none can come behind another.
#[test]
fn a_second_statement_cannot_follow_the_first() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let client = database::inside(stack, &ours).await;
        for second in [
            format!("set role \"{}\"", theirs.schema),
            "reset role".to_owned(),
            "declare held cursor with hold for select id from vaults".to_owned(),
            "listen anyone".to_owned(),
            "set statement_timeout = 0".to_owned(),
            "commit".to_owned(),
        ] {
            let stacked = format!("select id from vaults; {second}");
            assert_eq!(refusal(&client, &stacked).await, Some(SqlState::SYNTAX_ERROR), "{stacked}");
        }
        let who = client.query_one("select current_user::text", &[]).await.expect("an answer");
        assert_eq!(who.get::<_, String>(0), ours.schema, "nothing of it was done");
    });
}
