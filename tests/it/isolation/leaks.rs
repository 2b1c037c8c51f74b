//! Transactions cut off at thousands of points: after each, whoever borrows next from the pool is clean, and nothing of the
//! one that was cut off is ever committed.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::future::join_all;
use local::stack::Stack;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use shared::{
    clock::Clock,
    db::{Database, TenantTx},
    error::DbError,
    model::role::Permission,
};
use tests::{
    database, stack,
    tenant::{Placement, Workspace, random_id},
};
use uuid::Uuid;

/// Points at which a transaction is cut off, by each of the [`POOLS`] at once.
const POINTS: usize = 500;

/// Pools that are tried side by side: most of the time goes into opening connections anew. Each for two workspaces of a
/// placement, whose connections are the same.
const POOLS: [Placement; 4] = [Placement::Schema, Placement::Pooled, Placement::Pooled, Placement::Dedicated];

/// Polls a future so often, then drops it, as a client that hangs up does.
struct Cut<F> {
    left: usize,
    inner: Pin<Box<F>>,
}

impl<F: Future> Future for Cut<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        let done = self.inner.as_mut().poll(context).map(Some);
        if done.is_pending() && self.left == 0 {
            return Poll::Ready(None);
        }
        done
    }
}

/// Two inserts of another tenant's work, and an end that only `commit` confirms.
async fn work(pool: &Database, workspace: &Workspace, mark: Uuid, commit: bool) -> Result<bool, DbError> {
    let insert = "insert into vaults (id, name, kind, created_at, updated_at, updated_by)
                  values ($1, $2, 'managed', system.now(), system.now(), $3)";
    let tx = TenantTx::begin(pool, &workspace.scope(Permission::VaultsWrite), "cut").await?;
    let name = |n: usize| format!("{mark} {n} {}", if commit { "committed" } else { "abandoned" });
    tx.execute_one("vault", insert, &[&random_id(), &name(1), &workspace.user]).await?;
    tx.rows("select name from vaults where id = $1", &[&mark]).await?;
    tx.execute_one("vault", insert, &[&random_id(), &name(2), &workspace.user]).await?;
    if commit {
        tx.commit().await?;
    }
    Ok(commit)
}

/// Who the next borrower is, whether its transaction began with it, and whether any row of another tenant is seen.
pub(super) async fn is_clean(pool: &Database, workspace: &Workspace) -> Result<(), String> {
    let login = workspace.database.as_ref().map_or_else(String::new, |name| format!("_{name}"));
    let ask = "select current_user::text = $1 and session_user = 'signalbox_portal' || $4
                      and current_setting('app.tenant_id') = $2::text
                      and current_setting('search_path') = $1 || ', pg_temp'
                      and current_setting('statement_timeout') = '10s',
                      pg_current_xact_id_if_assigned() is null and now() >= $3,
                      (select count(*) from vaults) + (select count(*) from jobs) + (select count(*) from idempotency_keys)";
    let began = Clock::system().now();
    let tx = TenantTx::begin(pool, &workspace.scope(Permission::VaultsRead), "next")
        .await
        .map_err(|e| e.to_string())?;
    let rows = tx
        .rows(ask, &[&workspace.schema, &workspace.id.to_string(), &began, &login])
        .await
        .map_err(|e| format!("{e:?}"))?;
    let (identity, fresh, foreign): (bool, bool, i64) = (rows[0].get(0), rows[0].get(1), rows[0].get(2));
    tx.commit().await.map_err(|e| e.to_string())?;
    match (identity, fresh, foreign) {
        (true, true, 0) => Ok(()),
        seen => Err(format!("(identity, fresh transaction, rows of others) = {seen:?}")),
    }
}

async fn count(stack: &Stack, workspace: &Workspace, like: &str) -> i64 {
    let client = database::superuser_in(stack, workspace.database.as_deref()).await;
    let ask =
        format!("select count(*) from \"{}\".vaults where tenant_id = $1 and name like $2", workspace.schema);
    client.query_one(&ask, &[&workspace.id, &like]).await.expect("a count").get(0)
}

/// Two workspaces of a placement in one database.
pub(super) async fn neighbours(stack: &Stack, placement: Placement) -> (Workspace, Workspace) {
    if placement == Placement::Dedicated {
        let (name, _) = &stack.databases().further[0];
        return (Workspace::claim_beside(stack, name).await, Workspace::claim_beside(stack, name).await);
    }
    (Workspace::claim_in(stack, placement).await, Workspace::claim_in(stack, placement).await)
}

/// Cuts work of `ours` off at [`POINTS`] points and looks at what `theirs` borrows after each. Returns the confirmed commits.
async fn cut_and_look(stack: &Stack, ours: &Workspace, theirs: &Workspace, seed: [u8; 32]) -> i64 {
    let pool = database::of(stack, "portal", 2).await;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut dice = TestRunner::new_with_rng(Config::default(), rng);
    let polls = 1_usize..14;
    let (mut cut, mut confirmed) = (0, 0);
    while cut < POINTS {
        let left = polls.new_tree(&mut dice).expect("a number").current();
        let commit = left % 3 == 0;
        match (Cut { left, inner: Box::pin(work(&pool, ours, random_id(), commit)) }).await {
            None => cut += 1,
            Some(Ok(committed)) => confirmed += i64::from(committed),
            Some(Err(error)) => panic!("the work failed: {error:?}"),
        }
        if let Err(how) = is_clean(&pool, theirs).await {
            panic!("{ours:?}, cut {cut} after {left} polls: {how}");
        }
    }
    confirmed
}

#[test]
fn whoever_borrows_after_a_cut_is_clean_and_what_was_cut_is_not_committed() {
    stack::with_databases(async |stack| {
        join_all(POOLS.into_iter().zip(1..).map(async |(placement, seed)| {
            let (ours, theirs) = neighbours(stack, placement).await;
            let confirmed = cut_and_look(stack, &ours, &theirs, [seed; 32]).await;
            assert_eq!(count(stack, &ours, "%abandoned").await, 0, "{placement:?}");
            let kept = count(stack, &ours, "%committed").await;
            assert_eq!(kept % 2, 0, "{placement:?}: both rows of a transaction or none");
            assert!(kept / 2 >= confirmed, "{placement:?}: {kept} rows, {confirmed} commits were confirmed");
        }))
        .await;
    });
}

/// A session that is none is refused, looked for in the databases and refused again: all of it is cut off somewhere.
#[test]
fn whoever_borrows_after_a_look_for_a_workspace_was_cut_off_is_clean() {
    stack::with_databases(async |stack| {
        for placement in [Placement::Schema, Placement::Pooled, Placement::Dedicated] {
            let (ours, theirs) = neighbours(stack, placement).await;
            let pool = database::of(stack, "portal", 1).await;
            for left in (1..40).chain(1..40) {
                let stranger = Workspace { session: random_id(), ..ours.clone() };
                let looked_for = async {
                    for _ in 0..2 {
                        work(&pool, &stranger, random_id(), true).await.expect_err("no such session");
                    }
                };
                Cut { left, inner: Box::pin(looked_for) }.await;
                if let Err(how) = is_clean(&pool, &theirs).await {
                    panic!("{placement:?}, {left} polls: {how}");
                }
            }
            assert_eq!(count(stack, &ours, "%").await, 0, "{placement:?}");
        }
    });
}
