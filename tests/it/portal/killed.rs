//! The portal is killed with signal 9 in the middle of a write: the row, its audit row and the key it was asked with are there
//! together or not at all, and whoever asks again with that key gets one (fault R4).

use reqwest::Method;
use serde_json::json;
use tests::{
    caller::send,
    database, invariants, stack,
    steps::{Gate, Sent},
    tenant, work,
};

/// What a write of the portal writes, in its order.
const WRITES: [(&str, &str); 4] = [
    ("idempotency_keys", "insert"),
    ("vaults", "insert"),
    ("audit", "insert"),
    ("idempotency_keys", "update"),
];

#[test]
fn a_write_whose_portal_is_killed_before_its_commit_is_not_there_and_can_be_asked_for_again() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let tenant = tenant::new(&stack).await;
        let by = &tenant.administrator;
        let client = database::superuser(&stack).await;
        let there = async |name: &str, key: &str| -> [i64; 3] {
            let ask = format!(
                "select (select count(*) from {0}.vaults where name = $1),
                        (select count(*) from {0}.audit a join {0}.vaults v on v.id = a.target_id and v.name = $1
                         where a.action = 'vault.create'),
                        (select count(*) from {0}.idempotency_keys where key = $2 and status = 201)",
                tenant.schema
            );
            let row = client.query_one(&ask, &[&name, &key]).await.expect("the counts");
            [row.get(0), row.get(1), row.get(2)]
        };
        let audited =
            async || invariants::count(&stack, &tenant, "audit where action = 'vault.create'").await;
        for (table, verb) in WRITES {
            for sent in [Sent::IsLost, Sent::Arrives] {
                let (name, key, before) = (work::fresh("vault"), work::fresh("key"), audited().await);
                let body = json!({ "name": name, "kind": "managed" });
                let ask = || {
                    let request = by.request(Method::POST, "/vaults").header("idempotency-key", &key);
                    send(request.json(&body))
                };
                let gate = Gate::on(&stack, &format!("{}.{table}", tenant.schema), verb).await;
                let (cut_off, ()) =
                    futures_util::future::join(ask(), gate.kill(&stack, "portal", sent)).await;
                assert!(cut_off.status >= 500, "killed at {table}: {} {}", cut_off.status, cut_off.text());
                let found = there(&name, &key).await;
                let is_whole = sent == Sent::Arrives && found == [1; 3];
                assert!(found == [0; 3] || is_whole, "killed at {verb} of {table}, {sent:?}: {found:?}");
                assert_eq!(
                    audited().await - before,
                    i64::from(is_whole),
                    "killed at {verb} of {table}, {sent:?}"
                );
                let first = ask().await;
                let again = ask().await;
                assert_eq!(
                    (first.expect(201), again.status),
                    (again.json(), 201),
                    "killed at {verb} of {table}"
                );
                assert_eq!(there(&name, &key).await, [1; 3], "killed at {verb} of {table}, {sent:?}");
                assert_eq!(audited().await - before, 1, "one row of the log, killed at {verb} of {table}");
            }
        }
        stack.stop().await;
    });
}
