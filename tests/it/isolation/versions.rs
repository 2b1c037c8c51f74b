//! Tenants whose schemas are at different versions, served through one connection: a release adds columns before the next one
//! reads them, and no plan or answer of one tenant is taken for another's.

use reqwest::Method;
use tests::{database, stack, tenant, work};

use super::api::way::{Asked, Near};

/// What the next additive migration might do, to every table.
const NEXT: &str = "
    do $$
    declare
        v_table text;
    begin
        for v_table in select tablename from pg_tables where schemaname = '{schema}' and tablename <> 'schema_migrations' loop
            execute format('alter table \"{schema}\".%I add column a_later_one text, add column another jsonb default ''{}''', v_table);
        end loop;
    end
    $$";

#[test]
fn two_versions_of_the_schema_are_served_through_one_connection() {
    stack::with(async |stack| {
        let (older, newer) = (tenant::new(stack).await, tenant::new(stack).await);
        let portal = Near::new(stack, 1).await;
        let ask = async |tenant: &tenant::Tenant, method: Method, path: &str, body| {
            let asked = Asked { method, path: path.to_owned(), headers: Vec::new(), body };
            portal.ask(&tenant.administrator, &asked).await
        };
        let lists = [
            "/vaults",
            "/connections",
            "/jobs",
            "/runs",
            "/schedules",
            "/users",
            "/audit",
            "/dashboard",
            "/concurrency-profiles",
        ];
        let round = async || {
            for tenant in [&older, &newer, &older] {
                for list in lists {
                    ask(tenant, Method::GET, list, None).await.expect(200);
                }
                let vault = serde_json::json!({ "name": work::fresh("vault"), "kind": "managed" });
                let made = ask(tenant, Method::POST, "/vaults", Some(vault)).await.expect(201);
                let path = format!("/vaults/{}", work::id(&made));
                assert_eq!(ask(tenant, Method::GET, &path, None).await.expect(200)["id"], made["id"]);
                assert_eq!(ask(tenant, Method::DELETE, &path, None).await.status, 204);
            }
        };
        round().await;
        let client = database::superuser(stack).await;
        client.batch_execute(&NEXT.replace("{schema}", &newer.schema)).await.expect("a later version");
        round().await;
        let ask = "select count(*) from pg_attribute where attrelid = $1::text::regclass and attname = 'a_later_one'";
        for (tenant, columns) in [(&older, 0), (&newer, 1)] {
            let table = format!("\"{}\".vaults", tenant.schema);
            let row = client.query_one(ask, &[&table]).await.expect("a count");
            assert_eq!(row.get::<_, i64>(0), columns, "the versions differ");
        }
    });
}
