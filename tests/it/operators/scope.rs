//! The scope that a grant opens, as the function's own login has it: it reads one workspace, and no more.

use local::stack::Stack;
use shared::{
    clock::Clock,
    db::{Scope, SystemRole, SystemTx, TenantTx},
    error::{DbError, Refusal},
    model::{ids::OperatorSessionId, role::Permission, tenant::Route},
    store::{Page, jobs, vaults},
};
use tests::{
    database,
    operator::{self, API},
    stack,
    tenant::{Workspace, random_id},
};
use tokio_postgres::Client;
use uuid::Uuid;

/// The scope of an operator who has signed in for this.
async fn scope(stack: &Stack, client: &Client, route: Route) -> (Scope, tests::caller::Caller) {
    let caller = operator::new(stack).await;
    let me = caller.get(&format!("{API}/me")).await.expect(200);
    let operator: Uuid = me["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let ask = "select id from system.operator_sessions where operator_id = $1";
    let session: Uuid = client.query_one(ask, &[&operator]).await.expect("a session").get(0);
    (Scope::Operator { session: session.into(), operator: operator.into(), route }, caller)
}

async fn open(database: &shared::db::Database, scope: &Scope) -> Result<(), DbError> {
    let tx = TenantTx::begin(database, scope, "try").await?;
    tx.open().await?;
    tx.rollback().await
}

#[test]
fn a_scope_opens_for_a_live_session_with_an_open_grant_and_for_nothing_else() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        let (workspace, other) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let database = database::of(stack, "operators", 1).await;
        let (scope, caller) = scope(stack, &client, workspace.route()).await;
        let Scope::Operator { session, operator, .. } = scope.clone() else { unreachable!("as it was made") };
        let refused = async |scope: &Scope| match open(&database, scope).await {
            Err(DbError::Refused(refusal)) => Some(refusal),
            _ => None,
        };
        assert_eq!(refused(&scope).await, Some(Refusal::NoGrant));
        let grant = operator::grant(&caller, workspace.id).await;
        open(&database, &scope).await.expect("the grant opens it");
        let mixed = Route { schema: other.route().schema, ..workspace.route() };
        for (wrong, why) in [
            (Scope::Operator { session, operator, route: other.route() }, Refusal::NoGrant),
            (Scope::Operator { session, operator, route: mixed }, Refusal::NoWorkspace),
            (
                Scope::Operator { session, operator: random_id().into(), route: workspace.route() },
                Refusal::NoSession,
            ),
            (
                Scope::Operator {
                    session: OperatorSessionId::from(random_id()),
                    operator,
                    route: workspace.route(),
                },
                Refusal::NoSession,
            ),
        ] {
            assert_eq!(refused(&wrong).await, Some(why), "{wrong:?}");
        }
        operator::close(&caller, &grant).await;
        assert_eq!(refused(&scope).await, Some(Refusal::NoGrant));
        // The way of people and of workers is closed to this login, whatever session it names.
        for way in [workspace.scope(Permission::RunsRead), Scope::Worker(workspace.route())] {
            assert!(open(&database, &way).await.is_err(), "{way:?}");
        }
        // And theirs to the other logins.
        operator::grant(&caller, workspace.id).await;
        for function in ["portal", "dispatcher"] {
            let theirs = database::of(stack, function, 1).await;
            assert!(open(&theirs, &scope).await.is_err(), "{function}");
            assert!(
                SystemTx::begin(&theirs, SystemRole::Operators, "try")
                    .await
                    .expect("a connection")
                    .rows("select 1", &[])
                    .await
                    .is_err(),
                "{function} takes on the operators' role"
            );
        }
    });
}

/// Read-only by the server's own word: neither a statement nor a system function changes anything.
#[test]
fn an_operators_scope_reads_and_no_more() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        let workspace = Workspace::claim(stack).await;
        let database = database::of(stack, "operators", 1).await;
        let (scope, caller) = scope(stack, &client, workspace.route()).await;
        operator::grant(&caller, workspace.id).await;
        let clock = Clock::system();
        let begin = async || TenantTx::begin(&database, &scope, "try").await.expect("a connection");
        let first = Page { before: Uuid::max(), limit: 1 };
        assert!(jobs::list(begin().await, first).await.is_ok());
        let by = workspace.user.into();
        assert!(vaults::insert(&begin().await, clock.new_id(), "v", "managed", by).await.is_err());
        for statement in [
            "delete from audit",
            "insert into idempotency_keys (user_id, key, operation, body_hash, status) values (gen_random_uuid(), 'k', 'o', '', 1)",
            "select system.enqueue(array[gen_random_uuid()], array['run'], array[gen_random_uuid()], array[null::timestamptz])",
            "select system.member_change(gen_random_uuid(), null, 'administrator')",
            "select system.due_clear('watch', gen_random_uuid())",
            "select salt from system.tenant_salts()",
            "select salt from system.tenant_keys",
            "select reason from system.operator_grants",
            "set transaction read write",
            "select set_config('transaction_read_only', 'off', true)",
        ] {
            assert!(begin().await.rows(statement, &[]).await.is_err(), "{statement}");
        }
    });
}
