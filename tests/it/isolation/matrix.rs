//! The privilege matrix: every tenant's role against every other tenant's tables, for four verbs, asked of the server.

use std::time::Instant;

use local::stack::Stack;
use serde_json::json;
use tests::{
    database, scale, stack,
    tenant::{Placement, Workspace},
};

/// How many spares one order makes here: a thousand at once would take longer than the steward may.
const AT_ONCE: i64 = 50;

/// Schemas of tenants and spares, pools counted once; a spare's role is as near to a tenant's table as a tenant's.
async fn schemas(stack: &Stack, wanted: i64) -> i64 {
    let client = database::superuser(stack).await;
    let ask = "select count(distinct schema_name),
                      count(*) filter (where state = 'spare' and placement = 'schema')
               from system.tenants where state not in ('provisioning', 'deleted')";
    loop {
        let row = client.query_one(ask, &[]).await.expect("a count");
        let (there, spares): (i64, i64) = (row.get(0), row.get(1));
        if there >= wanted {
            return there;
        }
        let order = json!({ "do": "refill", "spares": spares + AT_ONCE.min(wanted - there) });
        stack.order(order).await.expect("the steward refills");
    }
}

/// Every pair in one statement: each role of the server, of whichever database, and each schema of this one. A role is asked
/// about each other's tables; of a thousand roles, each about a hundred others.
const MATRIX: &str = "
    with roles as (
        select r.oid, r.rolname, row_number() over (order by r.oid) as n, count(*) over () as of
        from pg_roles r where r.rolname ~ '^t_[0-9a-f]{32}$'
    ), pairs as (
        select a.oid as role, s.oid as schema
        from roles a join roles b on a.oid <> b.oid join pg_namespace s on s.nspname = b.rolname
        where a.of <= 150 or (b.n - a.n + a.of) % a.of <= 100
    ), asked as (
        select p.role, c.oid, v.verb,
               has_schema_privilege(p.role, p.schema, 'usage') or has_table_privilege(p.role, c.oid, v.verb) as may
        from pairs p join pg_class c on c.relnamespace = p.schema and c.relkind in ('r', 'p'),
             unnest(array['select', 'insert', 'update', 'delete']) v (verb)
    )
    select count(*), count(distinct role), count(distinct oid), count(*) filter (where may),
           coalesce(min(role::regrole || ' may ' || verb || ' ' || oid::regclass) filter (where may), '')
    from asked";

/// How often, of how many roles and tables it was asked; nothing may be granted.
async fn asked(stack: &Stack, database: Option<&str>) -> (i64, i64, i64) {
    let started = Instant::now();
    let client = database::superuser_in(stack, database).await;
    let row = client.query_one(MATRIX, &[]).await.expect("the matrix");
    let [asked, roles, tables, granted] = [0, 1, 2, 3].map(|column| row.get::<_, i64>(column));
    let counts = [
        ("database", database.unwrap_or("the_first").to_owned()),
        ("privileges_asked", asked.to_string()),
        ("roles", roles.to_string()),
        ("tables", tables.to_string()),
        ("granted", granted.to_string()),
        ("took", format!("{}s", started.elapsed().as_secs())),
    ];
    scale::say("isolation", &counts);
    assert_eq!(granted, 0, "such as {}", row.get::<_, String>(4));
    (asked, roles, tables)
}

#[test]
fn no_tenant_role_has_any_privilege_in_another_tenants_schema() {
    stack::with(async |stack| {
        let wanted = i64::try_from(scale::of(100, 1_000)).expect("a small number");
        schemas(stack, wanted).await;
        let (asked, roles, _) = asked(stack, None).await;
        assert!(roles >= wanted && asked >= roles * 90 * 17 * 4, "{asked} were asked of {roles} roles");
    });
}

#[test]
fn nor_has_any_role_of_one_database_in_a_schema_of_another() {
    stack::with_databases(async |stack| {
        for placement in [Placement::Schema, Placement::Pooled] {
            Workspace::claim_in(stack, placement).await;
        }
        let further = stack.databases().further.iter().map(|(name, _)| Some(name.as_str()));
        for database in std::iter::once(None).chain(further) {
            let (asked, roles, tables) = asked(stack, database).await;
            // Those of all databases, and of each schema all but one.
            assert!(roles > 20 && asked >= tables * 19 * 4, "{asked} were asked of {roles} roles");
        }
    });
}
