//! A tenant transaction in all the ways it ends: what was not confirmed is not kept, and its connection is not used again.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use local::stack::Stack;
use shared::{
    db::{Database, SystemRole, SystemTx, TenantTx},
    error::{DbError, Refusal},
    model::{
        ids::SessionId,
        role::{Permission, Role, RoleRef},
    },
};
use tests::{
    database, stack,
    tenant::{Workspace, random_id},
};
use tokio_postgres::error::SqlState;

const VAULT: &str = "insert into vaults (id, name, kind, created_at, updated_at, updated_by)
                     values ($1, $2, 'managed', system.now(), system.now(), $1)";

async fn vaults(stack: &Stack, workspace: &Workspace) -> i64 {
    let client = database::superuser(stack).await;
    let ask = format!("select count(*) from \"{}\".vaults", workspace.schema);
    client.query_one(&ask, &[]).await.expect("a count").get(0)
}

/// The server's code behind a defect.
fn code(error: &DbError) -> Option<SqlState> {
    let DbError::Defect(source) = error else { return None };
    source.downcast_ref::<tokio_postgres::Error>()?.code().cloned()
}

/// A whole transaction of a workspace on this pool, and the process that served it.
async fn visit(pool: &Database, workspace: &Workspace) -> i32 {
    let tx = TenantTx::begin(pool, &workspace.scope(Permission::VaultsWrite), "visit")
        .await
        .expect("a connection");
    let ask = "select current_user::text, current_setting('app.tenant_id'), current_setting('search_path'), pg_backend_pid(),
                      pg_current_xact_id_if_assigned() is null";
    let row = tx.rows(ask, &[]).await.expect("the scope opens").remove(0);
    let schema = &workspace.schema;
    assert_eq!(row.get::<_, String>(0), *schema);
    assert_eq!(row.get::<_, String>(1), workspace.id.to_string());
    assert_eq!(row.get::<_, String>(2), format!("{schema}, pg_temp"));
    assert!(row.get::<_, bool>(4), "the transaction is fresh");
    tx.commit().await.expect("a commit");
    row.get(3)
}

#[test]
fn a_commit_that_was_a_rollback_is_an_error() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let pool = database::of(stack, "portal", 1).await;
        let tx = TenantTx::begin(&pool, &workspace.scope(Permission::VaultsWrite), "aborted").await.unwrap();
        tx.execute_one("vault", VAULT, &[&random_id(), &"kept?"]).await.expect("an insert");
        let failed = tx.rows("select 1 / (length($1) - 1)", &[&"x"]).await.unwrap_err();
        assert_eq!(code(&failed), Some(SqlState::DIVISION_BY_ZERO));
        tx.commit().await.expect_err("the server answers a commit of a failed transaction with a rollback");
        assert_eq!(vaults(stack, &workspace).await, 0);
        visit(&pool, &workspace).await;
    });
}

#[test]
fn a_statement_that_fails_together_with_its_commit_keeps_nothing() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let pool = database::of(stack, "portal", 1).await;
        let tx = TenantTx::begin(&pool, &workspace.scope(Permission::VaultsWrite), "last").await.unwrap();
        tx.execute_one("vault", VAULT, &[&random_id(), &"kept?"]).await.expect("an insert");
        tx.last("select 1 / (length($1) - 1)", &[&"x"]).await.expect_err("it failed");
        assert_eq!(vaults(stack, &workspace).await, 0);
        let tx = TenantTx::begin(&pool, &workspace.scope(Permission::VaultsWrite), "last").await.unwrap();
        tx.last(VAULT, &[&random_id(), &"kept"]).await.expect("an insert and its commit");
        assert_eq!(vaults(stack, &workspace).await, 1);
        visit(&pool, &workspace).await;
    });
}

#[test]
fn a_scope_that_does_not_open_runs_none_of_its_statements_and_commits_nothing() {
    stack::with(async |stack| {
        let (workspace, other) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let pool = database::of(stack, "portal", 1).await;
        let mut stranger = workspace.scope(Permission::VaultsWrite);
        if let shared::db::Scope::Person { session, .. } = &mut stranger {
            *session = SessionId::from(random_id());
        }
        for last in [false, true] {
            let attempt = async || {
                let tx = TenantTx::begin(&pool, &stranger, "stranger").await.unwrap();
                if last {
                    return tx.last(VAULT, &[&random_id(), &"kept?"]).await.map(drop).unwrap_err();
                }
                let refused = tx.execute(VAULT, &[&random_id(), &"kept?"]).await.unwrap_err();
                tx.commit().await.expect_err("nothing was opened");
                refused
            };
            // At first the workspace might only have moved; the next scope looks that up before it opens.
            let mut refused = attempt().await;
            assert!(last || refused.is_retryable(), "{refused:?}");
            if refused.is_retryable() {
                refused = attempt().await;
            }
            assert!(matches!(refused, DbError::Refused(Refusal::NoSession)), "{refused:?}");
            visit(&pool, &other).await;
        }
        assert_eq!(vaults(stack, &workspace).await, 0);
    });
}

#[test]
fn of_statements_that_travel_together_the_first_failure_is_told() {
    stack::with(async |stack| {
        let mut workspace = Workspace::claim(stack).await;
        workspace.session = random_id();
        let pool = database::of(stack, "portal", 1).await;
        let tx = TenantTx::begin(&pool, &workspace.scope(Permission::VaultsRead), "together").await;
        let tx = tx.expect("a connection");
        let (mut first, mut second) = (pin!(tx.rows("select 1", &[])), pin!(tx.rows("select 2", &[])));
        // Both are sent; both answers are there before anybody looks again, at the second first.
        assert!(!is_answered(first.as_mut()).await && !is_answered(second.as_mut()).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!is_answered(second.as_mut()).await, "it would tell of a transaction that is aborted");
        let told = first.await;
        // That its session is none; which might only mean that the workspace has moved.
        assert!(matches!(told, Err(DbError::Retry(_))), "{told:?}");
        assert_eq!(code(&second.await.expect_err("aborted")), Some(SqlState::IN_FAILED_SQL_TRANSACTION));
    });
}

/// Whether a look at it finds it answered.
async fn is_answered<F: Future>(mut statement: Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(statement.as_mut().poll(context).is_ready())).await
}

#[test]
fn a_role_that_may_not_is_refused_by_the_scope_itself() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let client = database::superuser(stack).await;
        let demote = "update system.memberships set role = 'operator' where tenant_id = $1";
        client.execute(demote, &[&workspace.id]).await.expect("a demotion");
        let pool = database::of(stack, "portal", 1).await;
        for permission in Permission::ALL {
            let tx = TenantTx::begin(&pool, &workspace.scope(*permission), "role").await.unwrap();
            let opened = tx.open().await.map(|entered| entered.role);
            let may = Role::Operator.may(*permission);
            match opened {
                Ok(role) => assert!(may && role == Some(RoleRef::BuiltIn(Role::Operator)), "{permission}"),
                Err(error) => {
                    assert!(
                        !may && matches!(error, DbError::Refused(Refusal::Role)),
                        "{permission}: {error:?}"
                    );
                }
            }
        }
    });
}

#[test]
fn another_tenants_schema_is_denied_even_when_it_is_named() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let pool = database::of(stack, "portal", 1).await;
        for table in ["vaults", "credentials", "runs", "audit"] {
            let tx = TenantTx::begin(&pool, &ours.scope(Permission::VaultsRead), "crossing").await.unwrap();
            let named: &'static str =
                Box::leak(format!("select from \"{}\".{table}", theirs.schema).into_boxed_str());
            let denied = tx.rows(named, &[]).await.unwrap_err();
            assert_eq!(code(&denied), Some(SqlState::INSUFFICIENT_PRIVILEGE), "{denied:?}");
        }
        visit(&pool, &theirs).await;
    });
}

#[test]
fn a_panic_takes_its_connection_along() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let pool = database::of(stack, "portal", 1).await;
        let before = visit(&pool, &ours).await;
        assert_eq!(visit(&pool, &theirs).await, before, "a confirmed end gives the connection back");
        let (inside, scope) = (pool.clone(), ours.scope(Permission::VaultsWrite));
        let panicked = tokio::spawn(async move {
            let tx = TenantTx::begin(&inside, &scope, "panic").await.unwrap();
            tx.execute_one("vault", VAULT, &[&random_id(), &"abandoned"]).await.unwrap();
            panic!("a defect in the middle of a transaction, as this test wants it");
        });
        assert!(panicked.await.unwrap_err().is_panic());
        assert_ne!(visit(&pool, &theirs).await, before, "another connection");
        assert_eq!(vaults(stack, &ours).await, 0);
    });
}

#[test]
fn a_timeout_takes_its_connection_along() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let pool = database::of(stack, "portal", 1).await;
        let before = visit(&pool, &ours).await;
        let slow = async {
            let tx = TenantTx::begin(&pool, &ours.scope(Permission::VaultsWrite), "slow").await.unwrap();
            tx.execute_one("vault", VAULT, &[&random_id(), &"abandoned"]).await.unwrap();
            tx.rows("select pg_sleep(1)", &[]).await.map(drop)
        };
        tokio::time::timeout(Duration::from_millis(100), slow).await.expect_err("it takes longer");
        assert_ne!(visit(&pool, &theirs).await, before, "another connection");
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert_eq!(vaults(stack, &ours).await, 0, "what was abandoned is not committed when it wakes");
    });
}

#[test]
fn system_roles_reach_their_own_functions_only() {
    stack::with(async |stack| {
        let tried = [
            ("signin", SystemRole::Signin),
            ("portal", SystemRole::Portal),
            ("scheduler", SystemRole::Scheduler),
        ];
        for (function, role) in tried {
            let pool = database::of(stack, function, 1).await;
            for statement in [
                "select from system.tenant_keys",
                "select from system.sessions",
                "select from system.memberships",
                "select from system.users",
                "select from system.directories",
                "select name from system.tenants",
                "delete from system.outbox",
                "insert into system.due (tenant_id, kind, ref, at) values (null, 'watch', null, null)",
                "update system.tenants set state = 'active'",
                "select system.tenant_salts()",
            ] {
                let tx = SystemTx::begin(&pool, role, "probe").await.unwrap();
                let denied = tx.rows(statement, &[]).await.unwrap_err();
                assert_eq!(
                    code(&denied),
                    Some(SqlState::INSUFFICIENT_PRIVILEGE),
                    "{function}: {statement}: {denied:?}"
                );
            }
            for other in [SystemRole::Signin, SystemRole::Portal, SystemRole::Scheduler, SystemRole::Owner] {
                if other != role {
                    let tx = SystemTx::begin(&pool, other, "probe").await.unwrap();
                    let denied = tx.rows("select", &[]).await.unwrap_err();
                    assert_eq!(
                        code(&denied),
                        Some(SqlState::INSUFFICIENT_PRIVILEGE),
                        "{function} as {other:?}"
                    );
                }
            }
        }
    });
}
