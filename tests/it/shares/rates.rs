//! Calls a second: over all instances together, for one workspace only, and at no cost inside a block.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::{join, join_all};
use local::stack::Stack;
use serde_json::json;
use tests::{
    caller::{Anonymous, Answer, Caller, Proof},
    database, stack, tenant, work,
};
use uuid::Uuid;

/// Calls until the time is over; gives what was answered.
async fn calls(by: &Caller, until: Instant) -> Vec<Answer> {
    let mut answers = Vec::new();
    while Instant::now() < until {
        answers.push(by.get("/me").await);
    }
    answers
}

/// As many callers as this side by side.
pub(super) async fn flood(by: &Caller, clients: usize, time: Duration) -> Vec<Answer> {
    let until = Instant::now() + time;
    join_all((0..clients).map(|_| calls(by, until))).await.into_iter().flatten().collect()
}

/// How many were answered so.
pub(super) fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// Leases of a workspace's bucket so far.
async fn leases(stack: &Stack, workspace: Uuid) -> i64 {
    let ask = "select coalesce(sum(leases), 0)::bigint from system.rate_buckets where tenant_id = $1";
    database::superuser(stack).await.query_one(ask, &[&workspace]).await.expect("the buckets").get(0)
}

#[test]
fn no_more_calls_are_let_through_than_the_limit_over_all_instances() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (rate, burst, block) = (20.0, 40.0, 2.0);
        let tenant = tenant::with_limits(&stack, json!({ "api_rate": 20, "api_burst": 40 })).await;
        let began = Instant::now();
        let answers = flood(&tenant.operator, 16, Duration::from_secs(4)).await;
        let took = began.elapsed().as_secs_f64();
        let portal = &stack.cloud().functions()["portal"];
        let instances = portal.idle.len() + portal.busy.len();
        assert!(instances >= 2, "several instances served: {instances}");
        let (through, refused) = (count(&answers, 200), count(&answers, 429));
        let other = answers.iter().find(|a| ![200, 429].contains(&a.status));
        assert_eq!(through + refused, answers.len(), "{other:?}");
        let most = burst + rate * took + block * instances as f64;
        let told = format!(
            "{through} of {} in {took:.2} s by {instances} instances, at most {most:.0}",
            answers.len()
        );
        assert!(through as f64 <= most, "{told}");
        assert!(refused > 0 && through as f64 >= rate * (took - 1.0), "neither idle nor starved: {told}");
        println!("rates: {told}");

        // In the second window nothing is left of the burst: what the rate gives, and what instances had.
        let began = Instant::now();
        let answers = flood(&tenant.operator, 16, Duration::from_secs(3)).await;
        let took = began.elapsed().as_secs_f64();
        let most = rate * (took + 0.5) + block * instances as f64;
        let through = count(&answers, 200);
        assert!(through as f64 <= most, "{through} in {took:.2} s, at most {most:.0}");
        stack.stop().await;
    });
}

#[test]
fn a_refusal_says_when_to_come_back_and_what_the_limit_is() {
    stack::with(async |stack| {
        let tenant = tenant::with_limits(stack, json!({})).await;
        let usual = tenant.operator.get("/me").await;
        assert_eq!(usual.header("ratelimit-policy"), "\"api\";q=1000;w=10");
        assert_eq!(usual.header("ratelimit"), "", "nobody knows how much is left until nothing is");
        tenant::limit(stack, tenant.id, json!({ "api_rate": 1, "api_burst": 2 })).await;
        let answers = flood(&tenant.operator, 8, Duration::from_secs(2)).await;
        let refused = answers.iter().find(|answer| answer.status == 429).expect("somebody was refused");
        refused.problem(429, "too_many_requests");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.header("ratelimit-policy"), "\"api\";q=2;w=2");
        assert_eq!(refused.header("ratelimit"), "\"api\";r=0;t=1");
        // Nobody is told what is wrong with a request that is not let through, and nothing is done.
        let refused = work::fresh("refused");
        let bad = json!({ "name": refused, "kind": "managed" });
        let all = join_all((0..12).map(|_| tenant.administrator.post("/vaults", &bad))).await;
        assert!(all.iter().any(|answer| answer.status == 429));
        assert!(count(&all, 201) <= 1, "a name is taken once");
        tenant::limit(stack, tenant.id, json!({ "api_rate": null, "api_burst": null })).await;
        work::until("the usual limits are back", work::SOON, async || {
            tenant.operator.get("/me").await.header("ratelimit-policy") == usual.header("ratelimit-policy")
        })
        .await;
    });
}

#[test]
fn a_quiet_workspace_meets_no_error_beside_a_noisy_one() {
    stack::with(async |stack| {
        let noisy = tenant::with_limits(stack, json!({ "api_rate": 10, "api_burst": 20 })).await;
        let quiet = tenant::with_limits(stack, json!({})).await;
        let time = Duration::from_secs(3);
        let (loud, soft) = join(flood(&noisy.operator, 24, time), flood(&quiet.operator, 1, time)).await;
        assert!(count(&loud, 429) > 0, "the noisy one is refused");
        assert_eq!(count(&soft, 200), soft.len(), "the quiet one never");
        assert!(soft.len() > 5, "{} quiet calls", soft.len());
    });
}

#[test]
fn a_call_inside_a_block_asks_the_database_for_no_token() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let before = leases(stack, tenant.id).await;
        for _ in 0..300 {
            tenant.operator.get("/me").await.expect(200);
        }
        let leased = leases(stack, tenant.id).await - before;
        // Three blocks of a hundred, and what each of four instances has not spent of its last.
        assert!((1..=3 + 4).contains(&leased), "{leased} leases for 300 calls");
    });
}

#[test]
fn requests_of_nobody_spend_nothing() {
    stack::with(async |stack| {
        let tenant = tenant::with_limits(stack, json!({})).await;
        tenant::limit(stack, tenant.id, json!({ "api_rate": 1, "api_burst": 3 })).await;
        let before = leases(stack, tenant.id).await;
        let token = tenant.administrator.token();
        let forged = Caller::new(stack.url(), Proof::Bearer(format!("{}x", &token[..token.len() - 1])));
        let nobody = Anonymous::at(stack.url());
        for _ in 0..40 {
            forged.get("/me").await.problem(401, "unauthenticated");
            nobody.get("/me").await.problem(401, "unauthenticated");
        }
        assert_eq!(leases(stack, tenant.id).await, before, "no bucket is asked for nobody");
        tenant.administrator.get("/me").await.expect(200);
    });
}

/// An API token's text names its workspace, and nothing but the database can say that it is none.
#[test]
fn api_tokens_that_nobody_made_spend_nothing_however_many_come() {
    stack::with(async |stack| {
        let tenant = tenant::with_limits(stack, json!({})).await;
        let me = tenant.administrator.get("/me").await.expect(200);
        let user: Uuid = work::id(&me["user"]).parse().expect("an id");
        tenant::limit(stack, tenant.id, json!({ "api_rate": 1, "api_burst": 2 })).await;
        let before = leases(stack, tenant.id).await;
        let forged = |_| {
            let parts = [tenant.id, user, tenant::random_id(), tenant::random_id()];
            let bytes: Vec<u8> = parts.iter().flat_map(|id| *id.as_bytes()).collect();
            let text = format!("sbx_{}", URL_SAFE_NO_PAD.encode(bytes));
            Caller::new(stack.url(), Proof::Bearer(text))
        };
        let callers: Vec<_> = (0..60).map(forged).collect();
        let bad = json!({ "name": "x" });
        for answer in join_all(callers.iter().map(|by| by.get("/me"))).await {
            answer.problem(401, "unauthenticated");
            assert_eq!(answer.header("ratelimit-policy"), "", "no word of the workspace");
        }
        for answer in join_all(callers.iter().map(|by| by.post("/vaults", &bad))).await {
            answer.problem(401, "unauthenticated");
        }
        assert_eq!(leases(stack, tenant.id).await, before, "no bucket is asked for them");
        tenant.administrator.get("/me").await.expect(200);
    });
}

/// A token is asked for before its first call is counted, so that no first call goes past the limit, however many tokens there are.
#[test]
fn many_tokens_of_a_workspace_let_through_no_more_than_one() {
    stack::with(async |stack| {
        let tenant = tenant::with_limits(stack, json!({})).await;
        let mut programs = Vec::new();
        for n in 0..40 {
            let body = json!({ "name": format!("ci {n}"), "permissions": ["runs.read"] });
            let made = tenant.administrator.post("/api-tokens", &body).await.expect(201);
            let token = made["token"].as_str().expect("it").to_owned();
            programs.push(tenant.administrator.with(Proof::Bearer(token)));
        }
        tenant::limit(stack, tenant.id, json!({ "api_rate": 1, "api_burst": 2 })).await;
        // Instances may hold what is left of blocks of the limit before.
        work::until("the new limit holds", work::SOON, async || {
            let answers = join_all((0..60).map(|_| tenant.operator.get("/me"))).await;
            count(&answers, 200) <= 8
        })
        .await;
        let began = Instant::now();
        let (mut through, mut refused) = (0, 0);
        for _ in 0..3 {
            let answers = join_all(programs.iter().map(|by| by.get("/runs"))).await;
            through += count(&answers, 200);
            refused += count(&answers, 429);
        }
        let took = began.elapsed().as_secs_f64();
        assert_eq!(through + refused, 3 * programs.len());
        // The bound that docs/fair-shares.md states, with blocks of one.
        let portal = &stack.cloud().functions()["portal"];
        let most = 2.0 + took + (portal.idle.len() + portal.busy.len()) as f64;
        assert!(through as f64 <= most, "{through} calls in {took:.2} s, at most {most:.0}");
    });
}

#[test]
fn a_programs_token_spends_its_workspaces_calls_like_a_person() {
    stack::with(async |stack| {
        let tenant = tenant::with_limits(stack, json!({})).await;
        let body = json!({ "name": "ci", "permissions": ["runs.read"] });
        let made = tenant.administrator.post("/api-tokens", &body).await.expect(201);
        let program =
            tenant.administrator.with(Proof::Bearer(made["token"].as_str().expect("it").to_owned()));
        assert_eq!(program.get("/runs").await.header("ratelimit-policy"), "\"api\";q=1000;w=10");
        tenant::limit(stack, tenant.id, json!({ "api_rate": 1, "api_burst": 2 })).await;
        // Calls that are forbidden are calls.
        for path in ["/runs", "/vaults"] {
            let answers = join_all((0..60).map(|_| program.get(path))).await;
            let (limited, other) = (count(&answers, 429), answers.len() - count(&answers, 429));
            assert!(limited > 0 && answers.iter().all(|a| [200, 403, 429].contains(&a.status)), "{path}");
            println!("rates: {other} of {} with a token for {path}", answers.len());
        }
        let people = join_all((0..8).map(|_| tenant.operator.get("/me"))).await;
        assert!(count(&people, 429) > 0, "it is the same bucket");
    });
}

#[test]
fn a_session_that_has_ended_does_not_spend_its_workspaces_calls() {
    stack::with(async |stack| {
        let tenant = tenant::with_limits(stack, json!({})).await;
        let users = work::all(&tenant.administrator, "/users").await;
        let object = json!(tenant.operator_account.object_id);
        let member = users.iter().find(|user| user["object_id"] == object).expect("a member");
        tenant.administrator.delete(&format!("/users/{}", work::id(member))).await;
        tenant::limit(stack, tenant.id, json!({ "api_rate": 1, "api_burst": 40 })).await;
        let answers = join_all((0..120).map(|_| tenant.operator.get("/me"))).await;
        let (refused, limited) = (count(&answers, 401), count(&answers, 429));
        assert_eq!(refused + limited, answers.len());
        assert!(refused > 80, "what they spent came back: {refused} answers of 401, {limited} of 429");
        tenant.administrator.get("/me").await.expect(200);
    });
}

#[test]
fn a_limit_that_may_not_be_is_refused_with_a_reason_and_changes_nothing() {
    stack::with(async |stack| {
        let tenant = tenant::with_limits(stack, json!({})).await;
        tenant::limit(stack, tenant.id, json!({ "api_rate": 50, "jobs": 7 })).await;
        let limits =
            async || tenant.administrator.get("/workspace/usage").await.expect(200)["limits"].clone();
        let before = limits().await;
        assert_eq!(
            (&before["api_rate"], &before["jobs"], &before["users"]),
            (&json!(50), &json!(7), &json!(500))
        );
        for (bad, why) in [
            (json!({ "api_rate": 0 }), "api_rate is 1 to 10000, not 0"),
            (json!({ "api_rate": -1 }), "api_rate is 1 to 10000"),
            (json!({ "api_rate": 10_001 }), "api_rate is 1 to 10000"),
            (json!({ "jobs": 9, "api_burst": 49 }), "api_burst must hold one second of api_rate, 50"),
            (json!({ "stored_bytes": 1 }), "stored_bytes is 1048576 to"),
            (json!({ "runs_per_day": 0 }), "runs_per_day is 1 to"),
            (json!({ "api_rate": 1.5 }), "1.5"),
            (json!({ "api_rate": "9" }), "string"),
            (json!({ "rate": 9 }), "rate"),
            (json!({}), "names no limit"),
        ] {
            let mut order = json!({ "do": "limits", "tenant_id": tenant.id });
            order.as_object_mut().expect("an order").extend(bad.as_object().expect("limits").clone());
            let refused = stack.order(order).await.expect_err("it is refused");
            assert!(refused.to_string().contains(why), "{bad}: {refused}");
        }
        let nowhere = json!({ "do": "limits", "tenant_id": tenant::random_id(), "jobs": 5 });
        let refused = stack.order(nowhere).await.expect_err("there is no such workspace");
        assert!(refused.to_string().contains("no such workspace"), "{refused}");
        assert_eq!(limits().await, before);
        let audit = work::all(&tenant.administrator, "/audit").await;
        let rows = audit.iter().filter(|row| row["action"] == "limits.update").count();
        assert_eq!(rows, 1, "the one order that was carried out: {audit:#?}");
    });
}
