//! First sign-ins with a thousand workspaces there: the whole of it, three requests through gateway, function, provider and
//! Postgres, the claim of a workspace among them. Goal: p99 at most 100 ms.

use std::time::Instant;

use local::{people::sign_in, stack::Stack};
use serde_json::json;
use tests::tenant::Directory;

use crate::figure::{percentile, report};

/// Workspaces that are there.
const PRESENT: u32 = 1000;
/// Directories whose first person signs in, one after the other.
const FIRST: usize = 200;

pub(crate) async fn the_first_of_an_organisation(stack: &Stack) {
    stack.order(json!({ "do": "refill", "spares": PRESENT })).await.expect("spares");
    let mut durations = Vec::new();
    for _ in 0..FIRST {
        let directory = Directory::unknown(stack);
        let person = directory.person(stack, "ada");
        directory.onboard(stack, Some(person.object_id)).await;
        let started = Instant::now();
        sign_in::token_of(stack.url(), &person.user_name).await.expect("signed in");
        durations.push(started.elapsed());
    }
    report("sign_in.first_p50", percentile(&mut durations, 50), "ms");
    report("sign_in.first_p99", percentile(&mut durations, 99), "ms");
}
