//! The sweep for leftovers: each kind is planted, and each is found; nothing else is.

use serde_json::{Value, json};
use tests::{database, stack, tenant};

/// Kinds of leftovers: what is planted by the superuser, for a role and schema of nobody, and how it is told.
const PLANTS: &[(&str, &str)] = &[
    ("schema", "create schema {name}"),
    ("role", "create role {name}"),
    ("grant", "grant usage on schema system to {name}"),
    ("cell membership", "grant {name} to cell_0001"),
    ("default privilege", "alter default privileges for role {name} grant select on tables to signalbox_owner"),
    ("role setting", "alter role {name} set statement_timeout = 1"),
    (
        "rows",
        "insert into system.tenant_keys (tenant_id, version, salt, created_at)
         select id, 99, decode(repeat('00', 32), 'hex'), now() from system.tenants where state = 'deleted' limit 1",
    ),
    (
        "rows",
        "insert into system.due (tenant_id, kind, ref, at)
         select id, 'watch', id, now() from system.tenants where state = 'deleted' limit 1",
    ),
    (
        "person of no workspace",
        "insert into system.users (id, provider, directory_id, object_id, created_at)
         select id, 'entra', id, id, now() from system.tenants where state = 'deleted' limit 1",
    ),
    ("tombstone", "update system.tenants set name = 'Acme' where state = 'deleted'"),
];

#[test]
fn each_kind_of_leftover_is_found_and_none_is_removed() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        super::deletion::ask(&tenant).await;
        super::deletion::gone(&stack, &tenant).await;
        let client = database::superuser(&stack).await;
        let name = format!("t_{}", tenant::random_id().simple());
        let mut kinds: Vec<Value> = Vec::new();
        for (kind, plant) in PLANTS {
            client
                .batch_execute(&plant.replace("{name}", &name))
                .await
                .unwrap_or_else(|e| panic!("{plant}: {e:?}"));
            kinds.push(json!(kind));
            for _ in 0..2 {
                let swept = stack.order(json!({ "do": "sweep" })).await.expect("the steward sweeps");
                let left = swept["leftovers"].as_array().expect("a list");
                for kind in &kinds {
                    assert!(left.iter().any(|it| it["kind"] == *kind), "{kind} is not among {left:#?}");
                }
                let strangers: Vec<_> = left.iter().filter(|it| !kinds.contains(&it["kind"])).collect();
                assert!(strangers.is_empty(), "{strangers:?}");
            }
        }
        stack.stop().await;
    });
}
