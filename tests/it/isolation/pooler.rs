//! Two tenants on one backend, behind a real PgBouncer in transaction mode: work in scopes stays apart whatever is cut off,
//! and what would not stay apart without them is shown not to.

use std::{collections::BTreeSet, time::Duration};

use local::stack::Stack;
use shared::{
    db::{Database, TenantTx},
    model::role::Permission,
};
use tests::{
    database,
    dice::Dice,
    install::absent,
    pgbouncer::PgBouncer,
    scale, stack,
    tenant::{Placement, Workspace, random_id},
};
use tokio_postgres::Client;

use super::leaks::neighbours;

const INSERT: &str = "insert into vaults (id, name, kind, created_at, updated_at, updated_by)
                      values ($1, $2, 'managed', system.now(), system.now(), $3)";

/// The backend that serves a statement.
async fn backend(client: &Client) -> i32 {
    client.query_typed("select pg_backend_pid()", &[]).await.expect("an answer")[0].get(0)
}

/// One unit of work: who it was, on which backend, and how many rows that are not its own it saw.
async fn unit(pool: &Database, workspace: &Workspace) -> (bool, i32, i64) {
    let tx =
        TenantTx::begin(pool, &workspace.scope(Permission::VaultsWrite), "unit").await.expect("a connection");
    let name = format!("{} {}", workspace.id, random_id());
    tx.execute_one("vault", INSERT, &[&random_id(), &name, &workspace.user]).await.expect("an insert");
    let ask = "select current_user::text = $1 and current_setting('app.tenant_id') = $2, pg_backend_pid(),
                      (select count(*) from vaults where name not like $2 || ' %')";
    let rows = tx.rows(ask, &[&workspace.schema, &workspace.id.to_string()]).await.expect("an answer");
    let seen = (rows[0].get(0), rows[0].get(1), rows[0].get(2));
    tx.commit().await.expect("a commit");
    seen
}

/// Units of one tenant, some of them cut off: wrong ones, whole ones, cut ones, and the backends that served.
async fn units(
    pool: Database,
    workspace: Workspace,
    seed: u64,
    wanted: usize,
) -> (Vec<String>, usize, usize, BTreeSet<i32>) {
    let mut dice = Dice::new(seed);
    let (mut wrong, mut whole, mut cut, mut backends) = (Vec::new(), 0, 0, BTreeSet::new());
    for n in 0..wanted {
        let pause = Duration::from_micros(if dice.below(8) == 0 { dice.any() % 6_000 } else { 20_000_000 });
        match tokio::time::timeout(pause, unit(&pool, &workspace)).await {
            Err(_) => cut += 1,
            Ok((is_ours, backend, foreign)) => {
                whole += 1;
                backends.insert(backend);
                if !is_ours || foreign > 0 {
                    wrong.push(format!("seed {seed}, unit {n}: is ours {is_ours}, {foreign} rows of others"));
                }
            }
        }
    }
    (wrong, whole, cut, backends)
}

/// A PgBouncer before the database of a workspace, or none and a loud word about it.
async fn bouncer(stack: &Stack, workspace: &Workspace) -> Option<PgBouncer> {
    match PgBouncer::start(database::login_to(stack, "portal", workspace).await).await {
        Ok(bouncer) => Some(bouncer),
        Err(why) => {
            absent("PgBouncer", &why);
            None
        }
    }
}

/// Two connections, and that one backend serves both.
async fn one_backend(bouncer: &PgBouncer) -> (Client, Client) {
    let (one, other) = (database::connect(&bouncer.login).await, database::connect(&bouncer.login).await);
    assert_eq!(backend(&one).await, backend(&other).await, "if they never met, the result is meaningless");
    (one, other)
}

async fn stay_apart(stack: &Stack, placement: Placement, wanted: usize) {
    let (ours, theirs) = neighbours(stack, placement).await;
    let Some(bouncer) = bouncer(stack, &ours).await else { return };
    drop(one_backend(&bouncer).await);
    let mut tasks = Vec::new();
    for (seed, workspace) in [(1, &ours), (2, &theirs), (3, &ours), (4, &theirs)] {
        let pool = database::at(stack, &bouncer.login, 1).await;
        tasks.push(tokio::spawn(units(pool, workspace.clone(), seed, wanted)));
    }
    let (mut wrong, mut whole, mut cut, mut backends) = (Vec::new(), 0, 0, Vec::new());
    for task in tasks {
        let done = task.await.expect("it comes to its end");
        wrong.extend(done.0);
        (whole, cut) = (whole + done.1, cut + done.2);
        backends.push(done.3);
    }
    let shared = backends[0].intersection(&backends[1]).count();
    let counts = [
        ("placement", placement.name().to_owned()),
        ("pooled_transactions", whole.to_string()),
        ("cut", cut.to_string()),
        ("backends_shared", shared.to_string()),
        ("violations", wrong.len().to_string()),
    ];
    scale::say("isolation", &counts);
    assert!(wrong.is_empty(), "{placement:?}: {}", wrong.join("\n"));
    assert!(shared > 0 && cut > 0, "{shared} backends served both, {cut} were cut off");
    let client = database::superuser_in(stack, ours.database.as_deref()).await;
    for workspace in [&ours, &theirs] {
        let ask = format!(
            "select count(*) from \"{}\".vaults where tenant_id = $1 and name not like $2 || ' %'",
            workspace.schema
        );
        let row = client.query_one(&ask, &[&workspace.id, &workspace.id.to_string()]).await.expect("a count");
        assert_eq!(row.get::<_, i64>(0), 0, "no row went to the other");
    }
}

#[test]
fn two_tenants_on_one_backend_stay_apart() {
    stack::with_databases(async |stack| stay_apart(stack, Placement::Schema, scale::of(600, 20_000)).await);
}

/// Their schema and role are one; all that tells them apart is set in the transaction.
#[test]
fn two_tenants_of_one_pool_on_one_backend_stay_apart() {
    stack::with_databases(async |stack| stay_apart(stack, Placement::Pooled, scale::of(600, 20_000)).await);
}

#[test]
fn two_tenants_on_one_backend_of_a_further_database_stay_apart() {
    stack::with_databases(async |stack| stay_apart(stack, Placement::Dedicated, scale::of(150, 5_000)).await);
}

/// What the product never does, because of this.
#[test]
fn what_is_set_for_the_session_reaches_the_next_tenant_on_the_backend() {
    stack::with(async |stack| {
        let (ours, theirs) = (Workspace::claim(stack).await, Workspace::claim(stack).await);
        let Some(bouncer) = bouncer(stack, &ours).await else { return };
        let (one, other) = one_backend(&bouncer).await;
        let who = "select current_user::text || ' ' || current_setting('search_path') || ' ' || coalesce(current_setting('app.tenant_id', true), '')";
        let session = format!(
            "set role \"{0}\"; set search_path = \"{0}\", pg_temp; set app.tenant_id = '{1}'",
            ours.schema, ours.id
        );
        one.batch_execute(&session).await.expect("a session's settings");
        let seen: String = other.query_typed(who, &[]).await.expect("an answer")[0].get(0);
        assert_eq!(seen, format!("{0} {0}, pg_temp {1}", ours.schema, ours.id), "it leaks");
        // What a cursor holds is read by whoever comes next.
        let vault = format!(
            "insert into vaults (id, name, kind, created_at, updated_at, updated_by)
             values ('{}', 'a secret name', 'managed', now(), now(), '{}')",
            random_id(),
            ours.user
        );
        one.batch_execute(&vault).await.expect("an insert");
        one.batch_execute(
            "begin; declare held cursor with hold for select name from vaults; commit; reset role",
        )
        .await
        .expect("a cursor");
        let become_theirs = format!("begin; set local role \"{}\"", theirs.schema);
        other.batch_execute(&become_theirs).await.expect("another tenant");
        let rows = other.query_typed("fetch all from held", &[]).await.expect("a cursor of somebody's");
        assert_eq!(rows[0].get::<_, String>(0), "a secret name", "it leaks");
        other.batch_execute("rollback; close held").await.expect("nothing stays");
    });
}
