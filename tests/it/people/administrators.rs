//! One active Administrator always, whoever demotes and removes whom at the same time (threat C3).

use futures_util::future::join_all;
use local::stack::Stack;
use serde_json::json;
use tests::{
    caller::Caller,
    database, scale, stack,
    tenant::{self, Workspace, random_id},
    work,
};
use tokio_postgres::Client;
use uuid::Uuid;

/// How many work on one workspace at once.
const AT_ONCE: usize = 4;

/// Numbers that look random and are the same for the same seed (xorshift64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}

/// A workspace with three Administrators; their ids.
async fn administrators(stack: &Stack, client: &Client) -> (Workspace, Vec<Uuid>) {
    let workspace = Workspace::claim(stack).await;
    let inside = database::inside(stack, &workspace).await;
    let mut ids = vec![workspace.user];
    for _ in 0..2 {
        let add = "select system.member_add($1, $2, $3, 'administrator')";
        let row = inside.query_one(add, &[&random_id(), &random_id(), &random_id()]).await.expect("a member");
        ids.push(row.get(0));
    }
    let count = "select count(*) from system.memberships where tenant_id = $1 and role = 'administrator'";
    assert_eq!(client.query_one(count, &[&workspace.id]).await.expect("a count").get::<_, i64>(0), 3);
    (workspace, ids)
}

/// One change in a transaction of its own, with pauses where others may come between. True: it was done.
async fn change(client: &Client, who: Uuid, role: Option<&str>, pauses: [usize; 2]) -> bool {
    client.batch_execute("begin").await.expect("a transaction");
    for _ in 0..pauses[0] {
        tokio::task::yield_now().await;
    }
    let done = client.query_one("select system.member_change($1, null, $2)", &[&who, &role]).await;
    for _ in 0..pauses[1] {
        tokio::task::yield_now().await;
    }
    match done {
        Ok(row) => {
            client.batch_execute("commit").await.expect("a commit");
            row.get(0)
        }
        Err(error) => {
            let refused = error.as_db_error().expect("the server's word");
            assert_eq!((refused.code().code(), refused.message()), ("SB409", "last_administrator"));
            client.batch_execute("rollback").await.expect("a rollback");
            false
        }
    }
}

#[test]
fn one_administrator_stays_through_every_interleaving() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        let (workspace, ids) = administrators(stack, &client).await;
        let custom = random_id();
        let insert = "select system.role_insert($1, 'watcher', array['runs.read'])";
        let inside = database::inside(stack, &workspace).await;
        inside.query_one(insert, &[&custom]).await.expect("a role");
        let custom = custom.to_string();
        let at_once = join_all((0..AT_ONCE).map(|_| database::inside(stack, &workspace))).await;
        let reset = "update system.memberships set role = 'administrator', role_id = null, state = 'active' where tenant_id = $1";
        let left = "select count(*) from system.memberships where tenant_id = $1 and role = 'administrator' and state = 'active'";
        let (seed, rounds) = (4711, scale::of(1_000, 10_000));
        let mut chance = Chance(seed);
        let (mut done, mut refused, mut alone) = (0, 0, 0);
        for round in 0..rounds {
            client.execute(reset, &[&workspace.id]).await.expect("as before");
            let changes = at_once.iter().map(|client| {
                let who = ids[chance.below(ids.len())];
                let role = [None, Some("operator"), Some(custom.as_str()), None, Some("administrator")];
                change(client, who, role[chance.below(role.len())], [chance.below(6), chance.below(6)])
            });
            let outcomes = join_all(changes.collect::<Vec<_>>()).await;
            done += outcomes.iter().filter(|done| **done).count();
            refused += outcomes.iter().filter(|done| !**done).count();
            let left: i64 = client.query_one(left, &[&workspace.id]).await.expect("a count").get(0);
            assert!(left >= 1, "round {round} of seed {seed} left no Administrator");
            alone += usize::from(left == 1);
        }
        println!(
            "{rounds} interleavings: {done} changes done, {refused} refused, {alone} times one was left"
        );
        assert!(done > rounds && refused > 0 && alone > 0, "the limit was met: {done} {refused} {alone}");
    });
}

#[test]
fn one_administrator_stays_when_all_demote_and_remove_each_other_by_the_api() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let third = tenant.directory.person(stack, "cyd");
        let member =
            json!({ "directory_id": tenant.directory.id, "object_id": third.object_id, "role": "operator" });
        tenant.administrator.post("/users", &member).await.expect(201);
        let third = tenant::signed_in(stack, &third).await;
        let all: [&Caller; 3] = [&tenant.administrator, &tenant.operator, &third];
        let mut paths = Vec::new();
        for caller in all {
            paths.push(format!("/users/{}", work::id(&caller.get("/me").await.expect(200)["user"])));
        }
        let up = json!({ "role": "administrator" });
        for round in 0..scale::of(10, 500) {
            let mut left = None;
            for caller in all {
                if caller.get("/me").await.expect(200)["role"] == "administrator" {
                    left = Some(caller);
                }
            }
            let left = left.expect("an Administrator is left");
            for path in &paths {
                left.patch(path, &up).await.expect(200);
            }
            let down = json!({ "role": "operator" });
            // Each the next one, and all the same one by turns.
            let target = |n: usize| &paths[if round % 2 == 0 { (n + 1) % 3 } else { n }];
            let changes = all.iter().enumerate().map(|(n, caller)| caller.patch(target(n), &down));
            let statuses: Vec<u16> = join_all(changes).await.iter().map(|answer| answer.status).collect();
            assert!(statuses.iter().all(|status| [200, 403, 409, 503].contains(status)), "{statuses:?}");
            assert!(statuses.iter().filter(|status| **status == 200).count() <= 2, "{statuses:?}");
        }
    });
}
