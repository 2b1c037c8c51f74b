//! The sweep for leftovers: each kind is planted, and each is found; nothing else is.

use local::stack::Stack;
use serde_json::{Value, json};
use shared::archive::{ArchiveKind, Shelf};
use tests::{archive, database, stack, tenant};
use uuid::Uuid;

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
    (
        "unfinished workspace",
        "insert into system.tenants (id, name, state, cell, database_name, schema_name, role_name, schema_version, created_at)
         select x.id, '', 'provisioning', 'cell_0001', current_database(), x.place, x.place, 1, now()
         from (select u.id, 't_' || replace(u.id::text, '-', '') as place from (select gen_random_uuid() as id) u) x",
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

/// Of each leftover in the archive: which, and how many objects.
async fn archives(stack: &Stack) -> Vec<(String, i64)> {
    let swept = stack.order(json!({ "do": "sweep" })).await.expect("the steward sweeps");
    let left = swept["leftovers"].as_array().expect("a list");
    assert!(left.iter().all(|it| it["kind"] == "archive"), "{left:#?}");
    let told = |it: &Value| {
        (it["what"].as_str().expect("a name").to_owned(), it["total"].as_i64().expect("a count"))
    };
    left.iter().map(told).collect()
}

#[test]
fn what_the_archive_holds_of_a_deleted_workspace_or_of_nobody_is_found_and_not_removed() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (living, gone) = (tenant::new(&stack).await, tenant::new(&stack).await);
        archive::done(&living.administrator, "/workspace/backups", &json!({})).await;
        super::deletion::ask(&gone).await;
        super::deletion::gone(&stack, &gone).await;
        assert_eq!(archives(&stack).await, [], "what is kept of a workspace that exists is no leftover");
        let kept = database::archive(&stack);
        let nobody = tenant::random_id();
        for (of, files) in [(gone.id, 2), (nobody, 1)] {
            let shelf = Shelf { tenant: of.into(), kind: ArchiveKind::Backup, id: Uuid::nil().into() };
            for file in 0..files {
                kept.put(shelf, &file.to_string(), b"x".to_vec()).await.expect("the archive");
            }
        }
        std::fs::write(stack.data_dir().join("archive/stray"), "x").expect("the archive");
        let mut wanted = vec![(gone.id.to_string(), 2), (nobody.to_string(), 1), ("stray".to_owned(), 1)];
        wanted.sort();
        for _ in 0..2 {
            assert_eq!(archives(&stack).await, wanted);
        }
        stack.stop().await;
    });
}
