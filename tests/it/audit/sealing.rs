//! Sealing: every row under one seal, in spite of transactions that commit late, of passes that meet, and of loads from elsewhere.

use futures_util::future::join_all;
use local::stack::Stack;
use serde_json::json;
use shared::{
    db::{Database, Scope, TenantTx},
    store::seals,
};
use tests::{
    audit, database, stack,
    tenant::{self, Workspace, random_id},
};
use tokio_postgres::Client;

/// A connection that bypasses the fence but stands in one workspace, as far as its tables' defaults and triggers ask.
async fn within(stack: &Stack, workspace: &Workspace) -> Client {
    let client = database::superuser(stack).await;
    let Workspace { schema, id, .. } = workspace;
    let enter = format!("set search_path = \"{schema}\"; set app.tenant_id = '{id}'");
    client.batch_execute(&enter).await.expect("the workspace");
    client
}

/// Writes so many audit rows in one statement.
async fn write(client: &Client, rows: i32) {
    let insert = "insert into audit (id, at, actor_kind, action, target_kind, detail)
                  select gen_random_uuid(), now(), 'system', 'test.write', 'test', jsonb_build_object('n', n, 'a', 'ä\"')
                  from generate_series(1, $1) n";
    client.execute(insert, &[&rows]).await.expect("audit rows");
}

async fn count(client: &Client, of: &str) -> i64 {
    client.query_one(&format!("select count(*) from {of}"), &[]).await.expect("a count").get(0)
}

/// Due rows of the sealing: open ones, and those it has taken.
async fn due(client: &Client, workspace: &Workspace) -> (i64, i64) {
    let ask = "select count(*) filter (where horizon is null), count(*) filter (where horizon is not null)
               from system.due where kind = 'seal' and tenant_id = $1";
    let row = client.query_one(ask, &[&workspace.id]).await.expect("the due index");
    (row.get(0), row.get(1))
}

const COVERED: &str = "select coalesce(sum(audit_rows + event_rows), 0)::bigint from seals";

async fn covered(client: &Client) -> i64 {
    client.query_one(COVERED, &[]).await.expect("the seals").get(0)
}

#[test]
fn what_a_workspace_does_is_sealed_and_verified() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        audit::seal(stack, tenant.id).await;
        let found = audit::verify(&tenant.administrator, None).await;
        assert_eq!(found["verified"], true, "{found}");
        assert!(found["rows"].as_u64() >= Some(4), "claim, two sign-ins, a member: {found}");
        let head = tenant.administrator.get("/audit/head").await.expect(200);
        assert_eq!((&head["head"], &head["sealed_at"]), (&found["head"], &found["sealed_through"]));
        assert!(!audit::is_due(&database::superuser(stack).await, tenant.id).await);
        // Nothing new, no new seal.
        stack.order(json!({ "do": "seal" })).await.expect("the steward seals");
        assert_eq!(tenant.administrator.get("/audit/head").await.expect(200), head);
        tenant.operator.get("/audit/verify").await.problem(403, "forbidden");
        tenant.administrator.get("/audit/verify?head=x").await.problem(400, "invalid_request");
    });
}

#[test]
fn a_row_that_commits_late_is_sealed_after_it_and_its_wake_up_is_not_lost() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        audit::seal(stack, workspace.id).await;
        let (late, early, look) = (
            within(stack, &workspace).await,
            within(stack, &workspace).await,
            within(stack, &workspace).await,
        );
        let sealed = covered(&look).await;
        audit::between_ticks(&look).await;

        // An open due row is there; the late writer relies on it and adds none.
        write(&early, 1).await;
        late.batch_execute("begin").await.expect("a transaction");
        write(&late, 1).await;
        write(&early, 2).await;
        assert_eq!(due(&look, &workspace).await, (1, 0), "one row says it for all");

        // Rows of later transactions are committed, but must not be sealed ahead of the late one's.
        audit::pass(stack, &look, workspace.id).await;
        assert!(covered(&look).await <= sealed + 1, "only what is below the late transaction");
        assert_eq!(due(&look, &workspace).await, (0, 1), "taken, but kept: somebody relies on it");
        audit::pass(stack, &look, workspace.id).await;
        assert_eq!(due(&look, &workspace).await, (0, 1));

        // Whoever comes now does not rely on it.
        write(&early, 1).await;
        assert_eq!(due(&look, &workspace).await, (1, 1));
        late.batch_execute("commit").await.expect("a commit");
        audit::seal(stack, workspace.id).await;
        assert_eq!(covered(&look).await, count(&look, "audit").await);
        assert_eq!(covered(&look).await, sealed + 5);
    });
}

#[test]
fn how_long_the_oldest_row_has_waited_is_told_until_it_is_sealed() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let workspace = Workspace::claim(&stack).await;
        let look = within(&stack, &workspace).await;
        audit::seal(&stack, workspace.id).await;
        let late = within(&stack, &workspace).await;
        late.batch_execute("begin").await.expect("a transaction");
        write(&late, 1).await;
        write(&look, 1).await;
        let earlier = "update system.due set since = since - interval '700 seconds' where kind = 'seal' and tenant_id = $1";
        assert_eq!(look.execute(earlier, &[&workspace.id]).await.expect("the due index"), 1);
        for _ in 0..2 {
            let told = audit::pass(&stack, &look, workspace.id).await;
            assert!((700..760).contains(&told["unsealed_s"].as_i64().expect("a number")), "{told}");
        }
        late.batch_execute("commit").await.expect("a commit");
        audit::seal(&stack, workspace.id).await;
        let told = stack.order(json!({ "do": "seal" })).await.expect("the steward seals");
        assert!(told["unsealed_s"].as_i64() < Some(600), "{told}");
        stack.stop().await;
    });
}

#[test]
fn a_writer_that_nobody_follows_is_sealed_all_the_same() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        audit::seal(stack, workspace.id).await;
        let (late, early, look) = (
            within(stack, &workspace).await,
            within(stack, &workspace).await,
            within(stack, &workspace).await,
        );
        write(&early, 1).await;
        late.batch_execute("begin").await.expect("a transaction");
        write(&late, 1).await;
        for _ in 0..3 {
            audit::pass(stack, &look, workspace.id).await;
        }
        // The sealer has been here three times; the writer commits, and nothing is written any more.
        late.batch_execute("commit").await.expect("a commit");
        audit::seal(stack, workspace.id).await;
        assert_eq!(covered(&look).await, count(&look, "audit").await);
    });
}

#[test]
fn many_rows_are_sealed_in_several_seals_and_a_transaction_may_be_cut() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let client = within(stack, &workspace).await;
        audit::seal(stack, workspace.id).await;
        let before = count(&client, "seals").await;
        write(&client, 4500).await;
        audit::seal(stack, workspace.id).await;
        assert_eq!(count(&client, "seals").await - before, 3);
        assert_eq!(covered(&client).await, count(&client, "audit").await);
        assert_eq!(count(&client, "seals where audit_rows + event_rows > 2001").await, 0);
    });
}

#[test]
fn passes_that_meet_make_one_chain() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let client = within(stack, &workspace).await;
        for _ in 0..5 {
            write(&client, 700).await;
            let mine = "update system.due set at = system.now() - interval '1 hour'
                        where kind = 'seal' and tenant_id = $1";
            client.execute(mine, &[&workspace.id]).await.expect("the due index");
            let passes = (0..4).map(|_| stack.order(json!({ "do": "seal" })));
            assert!(join_all(passes).await.iter().all(Result::is_ok));
        }
        audit::seal(stack, workspace.id).await;
        assert_eq!(covered(&client).await, count(&client, "audit").await);
        let broken = "seals s where number > 1 and previous <> (select hash from seals p where p.number = s.number - 1)";
        assert_eq!(count(&client, broken).await, 0);
    });
}

#[test]
fn a_tenants_role_can_neither_say_when_a_row_was_written_nor_make_a_seal() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let inside = database::inside(stack, &workspace).await;
        for attempt in [
            "insert into audit (id, at, actor_kind, action, target_kind, tx) values (gen_random_uuid(), now(), 'user', 'x', 'x', '3')",
            "insert into audit (id, at, actor_kind, action, target_kind, epoch) values (gen_random_uuid(), now(), 'user', 'x', 'x', 1)",
            "insert into events (id, run_id, to_state, actor_kind, at, tx) values (gen_random_uuid(), gen_random_uuid(), 'x', 'user', now(), '3')",
            "update audit set action = 'x'",
            "delete from events",
            "insert into seals (number, epoch, audit_rows, event_rows, first_tx, first_id, last_tx, last_id, root, previous, hash, sealed_at)
             select number + 1, epoch, audit_rows, event_rows, first_tx, first_id, last_tx, last_id, root, previous, hash, sealed_at from seals",
            "update seals set number = 9",
            "delete from seals",
            "truncate seals",
            "select system.note_unsealed()",
        ] {
            let error = inside.batch_execute(attempt).await.expect_err(attempt);
            assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{attempt}");
        }
        inside.batch_execute("select from seals").await.expect("its own seals may be read");
    });
}

#[test]
fn every_stored_column_is_in_the_hash() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let client = database::superuser(stack).await;
        let ask = "select attname::text from pg_attribute
                   where attrelid = ($1 || '.' || $2)::regclass and attnum > 0 and not attisdropped order by attnum";
        let sealed: [(&str, &[&str], &[&str]); 3] = [
            ("audit", &shared::seal::AUDIT, &["epoch"]),
            ("events", &shared::seal::EVENTS, &["epoch"]),
            ("seals", &shared::seal::SEALS, &["hash"]),
        ];
        for (table, hashed, aside) in sealed {
            let rows = client.query(ask, &[&workspace.schema, &table]).await.expect("the catalog");
            let mut stored: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            stored.retain(|column| !aside.contains(&column.as_str()));
            stored.sort();
            let mut hashed = hashed.to_vec();
            hashed.sort_unstable();
            assert_eq!(stored, hashed, "{table}");
        }
    });
}

/// As the steward opens a workspace's tables as their owner.
async fn owner(database: &Database, workspace: &Workspace) -> TenantTx {
    TenantTx::begin(database, &Scope::Owner(workspace.route()), "test").await.expect("a connection")
}

#[test]
fn a_chain_goes_on_in_another_database_behind_its_old_head() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let workspace = Workspace {
            id: tenant.id,
            schema: tenant.schema.clone(),
            user: random_id(),
            session: random_id(),
            database: None,
        };
        let client = within(stack, &workspace).await;
        audit::seal(stack, tenant.id).await;
        write(&client, 3).await;
        // As if every row had come from a database whose transaction ids are far ahead of ours.
        let shift = "set session_replication_role = replica;
                     update audit set tx = '99999999999' where action = 'test.write';
                     set session_replication_role = origin";
        client.batch_execute(shift).await.expect("a load");
        let steward = database::of(stack, "steward", 1).await;
        let tx = owner(&steward, &workspace).await;
        let opened = seals::open_epoch(&tx, workspace.route().tenant).await.expect("an epoch");
        tx.commit().await.expect("a commit");
        assert_eq!((opened.epoch, opened.rows()), (2, 0));
        write(&client, 2).await;
        audit::seal(stack, tenant.id).await;
        let found = audit::verify(&tenant.administrator, None).await;
        assert_eq!(found["verified"], true, "{found}");
        assert_eq!(covered(&client).await, count(&client, "audit").await);
        assert_eq!(count(&client, "audit where epoch = 0").await, 5);

        // A row that claims to be of a closed epoch is one too many.
        let stray = "insert into audit (id, at, actor_kind, action, target_kind, epoch, tx)
                     values (gen_random_uuid(), now(), 'system', 'x', 'x', 1, '99999999999')";
        client.batch_execute(stray).await.expect("a stray row");
        let found = audit::verify(&tenant.administrator, None).await;
        assert_eq!(found["first_problem"]["code"], "rows_added", "{found}");
        assert_eq!(found["first_problem"]["seal"], opened.number);
        client.batch_execute("update audit set epoch = 7 where action = 'x'").await.expect("a stray row");
        let found = audit::verify(&tenant.administrator, None).await;
        assert_eq!(found["first_problem"]["code"], "rows_added", "{found}");
    });
}
