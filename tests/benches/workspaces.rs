//! A first sign-in's work in the database: claim of a spare workspace with its Administrator, session and audit entries.
//! Goal: p50 at most 5 ms.

use std::time::Instant;

use local::stack::Stack;
use serde_json::json;
use tests::database;
use tests::tenant::random_id;
use tokio_postgres::types::Type;

use crate::figure::{percentile, report};

const CLAIMS: u32 = 40;

pub(crate) async fn claim_a_spare(stack: &Stack) {
    stack.order(json!({ "do": "refill", "spares": CLAIMS + 5 })).await.expect("spares");
    let client = database::login(stack, "signin").await;
    client.batch_execute("set role system_signin").await.expect("sign-in's group role");
    let mut durations = Vec::new();
    for _ in 0..CLAIMS {
        let (directory, person) = (random_id(), random_id());
        stack
            .order(json!({ "do": "onboard", "directory_id": directory, "name": "Bench", "first_administrator": person }))
            .await
            .expect("onboarded");
        let ids = vec![random_id(), random_id(), random_id(), random_id()];
        let started = Instant::now();
        let rows = client
            .query_typed(
                "select claimed from system.sign_in('entra', $1, $2, 'Bench', false, $3, interval '1 hour', '', '')",
                &[(&directory, Type::UUID), (&person, Type::UUID), (&ids, Type::UUID_ARRAY)],
            )
            .await
            .expect("signed in");
        durations.push(started.elapsed());
        assert!(rows[0].get::<_, bool>("claimed"), "a spare was claimed");
    }
    report("workspaces.claim_p50", percentile(&mut durations, 50), "ms");
    report("workspaces.claim_p95", percentile(&mut durations, 95), "ms");
}
