//! The privilege matrix: every tenant's role against every other tenant's tables, for four verbs, asked of the server.

use std::time::Instant;

use local::stack::Stack;
use serde_json::json;
use tests::{database, scale, stack};

/// Schemas of tenants and spares; a spare's role is as near to a tenant's table as a tenant's.
async fn schemas(stack: &Stack, wanted: usize) -> i64 {
    let client = database::superuser(stack).await;
    let count = async || {
        let row = client.query_one("select count(*) from system.tenants where state <> 'deleted'", &[]).await;
        row.expect("a count").get::<_, i64>(0)
    };
    let spares = "select count(*) from system.tenants where state = 'spare'";
    let spares: i64 = client.query_one(spares, &[]).await.expect("a count").get(0);
    let missing = i64::try_from(wanted).expect("a small number") - count().await;
    if missing > 0 {
        stack
            .order(json!({ "do": "refill", "spares": spares + missing }))
            .await
            .expect("the steward refills");
    }
    count().await
}

/// Every pair, in one statement. A role is asked about each other's table; of a thousand roles, each about a hundred others.
const MATRIX: &str = "
    with roles as (
        select t.role_name, t.schema_name, row_number() over (order by t.id) as n, count(*) over () as of
        from system.tenants t where t.state <> 'deleted'
    ), pairs as (
        select a.role_name, b.schema_name from roles a join roles b on a.schema_name <> b.schema_name
        where a.of <= 150 or (b.n - a.n + a.of) % a.of <= 100
    ), asked as (
        select p.role_name, c.oid, v.verb,
               has_schema_privilege(p.role_name, n.oid, 'usage') or has_table_privilege(p.role_name, c.oid, v.verb) as may
        from pairs p join pg_namespace n on n.nspname = p.schema_name
        join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p'),
             unnest(array['select', 'insert', 'update', 'delete']) v (verb)
    )
    select count(*), count(distinct role_name), count(distinct oid), count(*) filter (where may),
           coalesce(min(role_name || ' may ' || verb || ' ' || oid::regclass) filter (where may), '')
    from asked";

#[test]
fn no_tenant_role_has_any_privilege_in_another_tenants_schema() {
    stack::with(async |stack| {
        let started = Instant::now();
        let wanted = scale::of(100, 1_000);
        let tenants = schemas(stack, wanted).await;
        let client = database::superuser(stack).await;
        let row = client.query_one(MATRIX, &[]).await.expect("the matrix");
        let [asked, roles, tables, granted] = [0, 1, 2, 3].map(|column| row.get::<_, i64>(column));
        let counts = [
            ("privileges_asked", asked.to_string()),
            ("roles", roles.to_string()),
            ("tables", tables.to_string()),
            ("granted", granted.to_string()),
            ("took", format!("{}s", started.elapsed().as_secs())),
        ];
        scale::say("isolation", &counts);
        assert_eq!(granted, 0, "such as {}", row.get::<_, String>(4));
        assert!(tenants >= i64::try_from(wanted).expect("a small number"), "{tenants} schemas");
        assert!(
            roles >= tenants.min(100) && asked >= roles * 90 * 17 * 4,
            "{asked} were asked of {roles} roles"
        );
    });
}
