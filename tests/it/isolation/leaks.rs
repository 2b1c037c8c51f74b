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
    tenant::{Workspace, random_id},
};
use uuid::Uuid;

/// Points at which a transaction is cut off, by each of the [`POOLS`] at once.
const POINTS: usize = 500;

/// Pools that are tried side by side: most of the time goes into opening connections anew.
const POOLS: usize = 4;

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
    let ask = "select current_user::text = $1 and session_user = 'signalbox_portal'
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
        .rows(ask, &[&workspace.schema, &workspace.id.to_string(), &began])
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
    let client = database::superuser(stack).await;
    let ask = format!("select count(*) from \"{}\".vaults where name like $1", workspace.schema);
    client.query_one(&ask, &[&like]).await.expect("a count").get(0)
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
            panic!("cut {cut} after {left} polls: {how}");
        }
    }
    confirmed
}

#[test]
fn whoever_borrows_after_a_cut_is_clean_and_what_was_cut_is_not_committed() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let seeds = (1..).map(|seed| [seed; 32]).take(POOLS);
        let confirmed = join_all(seeds.map(|seed| cut_and_look(stack, &ours, &theirs, seed))).await;
        assert_eq!(count(stack, &ours, "%abandoned").await, 0);
        let (kept, confirmed) = (count(stack, &ours, "%committed").await, confirmed.iter().sum::<i64>());
        assert_eq!(kept % 2, 0, "both rows of a transaction or none");
        assert!(kept / 2 >= confirmed, "{kept} rows, {confirmed} commits were confirmed");
    });
}
