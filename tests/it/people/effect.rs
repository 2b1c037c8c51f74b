//! What was taken away is gone when the answer that says so arrives: of a stream of requests, none that was sent after it is
//! let in (threat A16, N6: at most a second; here it is none at all).

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use futures_util::future::{join, join_all};
use serde_json::json;
use tests::{
    caller::{Answer, Caller},
    database, scale, stack, tenant,
    work::{self, SOON, until},
};

use super::tokens::token;

/// Streams at once of each caller.
const STREAMS: usize = 3;

/// Asks for a path over and over while something is taken away: of what was sent after the answer that says so, nothing is let in.
async fn gone_at_once(what: &str, callers: &[&Caller], path: &str, taken: impl Future<Output = Answer>) {
    let (gone, stop) = (OnceLock::<Instant>::new(), AtomicBool::new(false));
    let (before, after, late) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let stream = async |by: &Caller| {
        while !stop.load(Ordering::Relaxed) {
            let sent = Instant::now();
            let answer = by.get(path).await;
            assert!([200, 401, 403].contains(&answer.status), "{}", answer.text());
            let is_late = gone.get().is_some_and(|gone| sent > *gone);
            late.fetch_add(usize::from(is_late), Ordering::Relaxed);
            let counted = if is_late { &after } else { &before };
            counted.fetch_add(usize::from(answer.status == 200), Ordering::Relaxed);
        }
    };
    let enough = scale::of(20, 1_000) * callers.len();
    let within = SOON * u32::try_from(scale::of(1, 10)).expect("a few");
    let change = async {
        until("a stream of requests", within, async || before.load(Ordering::Relaxed) >= enough).await;
        let answer = taken.await;
        assert!([200, 204].contains(&answer.status), "{}", answer.text());
        gone.set(Instant::now()).expect("once");
        until("as many after it", within, async || late.load(Ordering::Relaxed) >= enough).await;
        stop.store(true, Ordering::Relaxed);
    };
    let streams = callers.iter().flat_map(|by| std::iter::repeat_n(*by, STREAMS)).map(stream);
    join(join_all(streams), change).await;
    let [before, after, late] = [before, after, late].map(AtomicUsize::into_inner);
    println!("{what}: let in {before} times before; of {late} requests after, {after}");
    assert_eq!(after, 0, "{what}");
}

#[test]
fn what_is_taken_away_is_gone_at_the_next_request() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let me = tenant.operator.get("/me").await.expect(200);
        let member = format!("/users/{}", work::id(&me["user"]));
        let role =
            json!({ "name": "keeper", "permissions": ["vaults.read", "runs.read", "own_tokens.write"] });
        let role = by.post("/roles", &role).await.expect(201);
        let own = json!({ "role": role["id"] });
        by.patch(&member, &own).await.expect(200);

        let narrower = json!({ "name": "keeper", "permissions": ["runs.read", "own_tokens.write"] });
        let wider =
            json!({ "name": "keeper", "permissions": ["vaults.read", "runs.read", "own_tokens.write"] });
        let path = format!("/roles/{}", work::id(&role));
        let keeper = &tenant.operator.0;
        gone_at_once("a permission of a role", &[keeper], "/vaults", by.put(&path, &narrower)).await;
        by.put(&path, &wider).await.expect(200);

        let (_, program) = token(keeper, &["vaults.read"]).await;
        let down = json!({ "role": "operator" });
        gone_at_once("a role", &[keeper, &program], "/vaults", by.patch(&member, &down)).await;
        assert_eq!(by.delete(&path).await.status, 204, "nobody has it any more");

        let (id, program) = token(keeper, &["runs.read"]).await;
        gone_at_once("a token", &[&program], "/runs", by.delete(&format!("/api-tokens/{id}"))).await;

        let (_, program) = token(keeper, &["runs.read"]).await;
        gone_at_once("a membership", &[keeper, &program], "/runs", by.delete(&member)).await;
    });
}

#[test]
fn a_workspace_that_is_taken_away_lets_nobody_in_and_one_in_its_grace_is_read() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let (_, program) = token(&tenant.operator, &["runs.read"]).await;
        program.get("/runs").await.expect(200);
        let client = database::superuser(stack).await;
        let state = "update system.tenants set state = $2 where id = $1";
        for (state_name, status) in [("purging", 401), ("deleting", 200), ("suspended", 200), ("active", 200)]
        {
            client.execute(state, &[&tenant.id, &state_name]).await.expect("a state");
            assert_eq!(program.get("/runs").await.status, status, "{state_name}");
            assert_eq!(tenant.operator.get("/runs").await.status, status, "{state_name}");
        }
    });
}
