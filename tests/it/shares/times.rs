//! How long a statement may take and how many connections there may be: the server's part of fair shares.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use shared::{
    config::Function,
    db::{Database, Scope, SystemRole, SystemTx, TenantTx, logins},
    error::{DbError, chain},
    model::{
        ids::TenantId,
        role::Permission,
        tenant::{Route, SchemaName},
    },
};
use tests::{
    database, stack,
    tenant::{Workspace, random_id},
};

#[test]
fn a_statement_longer_than_its_limit_is_cancelled_and_its_connection_is_kept() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let database = database::of(stack, "portal", 1).await;
        let scope = workspace.scope(Permission::RunsRead);
        let tx = TenantTx::begin(&database, &scope, "long").await.expect("a connection");
        let began = Instant::now();
        let error = tx.rows("select pg_sleep(60)", &[]).await.expect_err("it is cancelled");
        let took = began.elapsed();
        assert!(chain(&error).contains("57014"), "{}", chain(&error));
        assert!((Duration::from_secs(9)..Duration::from_secs(20)).contains(&took), "{took:?}");
        tx.rollback().await.expect("the connection is kept");
        let tx = TenantTx::begin(&database, &scope, "next").await.expect("a connection");
        tx.open().await.expect("the next one is not disturbed");
        tx.rollback().await.expect("it ends");
    });
}

#[test]
fn every_transaction_has_its_limits() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let ask =
            "select current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') || ' '
                          || current_setting('idle_in_transaction_session_timeout')";
        let wanted = "10s 2s 15s";
        let portal = database::of(stack, "portal", 1).await;
        let dispatcher = database::of(stack, "dispatcher", 1).await;
        let scopes = [
            (&portal, workspace.scope(Permission::RunsRead)),
            (&dispatcher, Scope::Worker(workspace.route())),
        ];
        for (database, scope) in scopes {
            let tx = TenantTx::begin(database, &scope, "limits").await.expect("a connection");
            let rows = tx.rows(ask, &[]).await.expect("settings");
            assert_eq!(rows[0].get::<_, &str>(0), wanted);
            tx.rollback().await.expect("it ends");
        }
        let tx = SystemTx::begin(&portal, SystemRole::Portal, "limits").await.expect("a connection");
        assert_eq!(tx.rows(ask, &[]).await.expect("settings")[0].get::<_, &str>(0), wanted);
        tx.rollback().await.expect("it ends");
    });
}

#[test]
fn a_lock_that_another_holds_is_not_waited_for_long() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let holder = database::superuser(stack).await;
        let hold = format!("begin; lock table {}.jobs in access exclusive mode", workspace.schema);
        holder.batch_execute(&hold).await.expect("a lock");
        let database = database::of(stack, "portal", 1).await;
        let scope = workspace.scope(Permission::RunsRead);
        let tx = TenantTx::begin(&database, &scope, "waits").await.expect("a connection");
        let began = Instant::now();
        let error = tx.rows("select id from jobs", &[]).await.expect_err("it is not waited for");
        assert!(matches!(error, DbError::Retry(_)), "{}", chain(&error));
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        holder.batch_execute("rollback").await.expect("it is let go");
    });
}

#[test]
fn a_login_holds_no_more_connections_than_its_functions_budget() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        let version: i32 = client
            .query_one("select current_setting('server_version_num')::integer", &[])
            .await
            .expect("a version")
            .get(0);
        for function in [
            Function::Signin,
            Function::Portal,
            Function::Scheduler,
            Function::Dispatcher,
            Function::Operators,
        ] {
            let ask = "select rolconnlimit, coalesce(rolconfig::text, '') from pg_roles where rolname = 'signalbox_' || $1";
            let row = client.query_one(ask, &[&function.as_str()]).await.expect("a login");
            assert_eq!(row.get::<_, i32>(0), i32::try_from(logins::connections(function)).expect("few"));
            let settings: &str = row.get(1);
            assert!(settings.contains("statement_timeout=30s"), "{settings}");
            assert!(settings.contains("idle_in_transaction_session_timeout=30s"), "{settings}");
            let has = settings.contains(",transaction_timeout=60s");
            assert_eq!(has, version >= 170_000, "{settings}");
        }
    });
}

/// The server process behind the connection that serves this workspace next.
async fn process(database: &Database, scope: &Scope) -> i32 {
    let tx = TenantTx::begin(database, scope, "use").await.expect("a connection");
    tx.last("select pg_backend_pid()", &[]).await.expect("a process")[0].get(0)
}

#[test]
fn a_connection_ends_before_its_server_process_has_grown_large() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let database = database::of(stack, "dispatcher", 1).await;
        let worker = |tenant| Scope::Worker(Route { tenant, schema: SchemaName::of(tenant) });
        let ours = worker(workspace.id.into());
        let first = process(&database, &ours).await;
        for _ in 0..650 {
            assert_eq!(process(&database, &ours).await, first, "one workspace costs what it costs once");
        }
        // What is nobody's is refused at the door; that it was tried counts.
        let mut processes = BTreeMap::<i32, usize>::new();
        for _ in 0..130 {
            let nobody = worker(TenantId::from(random_id()));
            let tx = TenantTx::begin(&database, &nobody, "use").await.expect("a connection");
            tx.last("select", &[]).await.expect_err("there is no such workspace");
            *processes.entry(process(&database, &ours).await).or_default() += 1;
        }
        let most = processes.values().max().copied().unwrap_or_default();
        assert_eq!((processes.len(), most), (3, 59), "sixty workspaces a connection: {processes:?}");
    });
}
