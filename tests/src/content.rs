//! What a database holds: of one workspace as digests, to be compared; of a workspace that is gone, to be found nowhere.

use std::collections::BTreeMap;

use local::stack::Stack;
use tokio_postgres::{Client, types::Oid};
use uuid::Uuid;

use crate::{database, tenant::Tenant};

/// Written anew whenever the canaries have had their turn, a workspace was measured or called, whatever else happens.
const ON_THEIR_OWN: [&str; 4] = ["isolation_evidence", "rate_buckets", "tenant_metrics", "usage"];

/// A digest of each table of a workspace's schema, and of its rows in each table of `system`.
pub async fn of(stack: &Stack, id: Uuid, schema: &str) -> BTreeMap<String, String> {
    let client = database::superuser(stack).await;
    let mut found = BTreeMap::new();
    for table in tables(&client, schema).await {
        // Seals follow by themselves, within a minute of whatever was written.
        if table == "seals" {
            continue;
        }
        // Others may live in the same schema.
        let whose =
            if table == "schema_migrations" { "true".to_owned() } else { format!("x.tenant_id = '{id}'") };
        let whole = digest(&client, &format!("\"{schema}\".{table} x where {whose}")).await;
        found.insert(table, whole);
    }
    for table in tables_with_tenants(&client).await {
        if ON_THEIR_OWN.contains(&table.as_str()) {
            continue;
        }
        let but = if table == "due" { "and x.kind <> 'seal'" } else { "" };
        let rows = digest(&client, &format!("system.{table} x where x.tenant_id = '{id}' {but}")).await;
        found.insert(format!("system.{table}"), rows);
    }
    found
}

async fn tables(client: &Client, schema: &str) -> Vec<String> {
    let ask = "select tablename::text from pg_tables where schemaname = $1 order by 1";
    client.query(ask, &[&schema]).await.expect("the tables").iter().map(|row| row.get(0)).collect()
}

/// Tables of `system` that have a column `tenant_id`.
pub async fn tables_with_tenants(client: &Client) -> Vec<String> {
    let ask = "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
               where c.relnamespace = 'system'::regnamespace and c.relkind in ('r', 'p') order by 1";
    client.query(ask, &[]).await.expect("the catalog").iter().map(|row| row.get(0)).collect()
}

async fn digest(client: &Client, from: &str) -> String {
    let ask = format!("select md5(coalesce(string_agg(x::text, ',' order by x::text), '')) from {from}");
    client.query_one(&ask, &[]).await.unwrap_or_else(|error| panic!("{ask}: {error:?}")).get(0)
}

/// What refers to a workspace, noted while it is there.
pub struct Traces {
    id: Uuid,
    schema: String,
    role: Oid,
    namespace: Oid,
}

impl Traces {
    /// Notes a workspace's ids, names and object ids.
    pub async fn of(stack: &Stack, tenant: &Tenant) -> Self {
        let client = database::superuser(stack).await;
        let ask = "select (select oid from pg_roles where rolname = $1), (select oid from pg_namespace where nspname = $1)";
        let row = client.query_one(ask, &[&tenant.schema]).await.expect("the catalog");
        Self { id: tenant.id, schema: tenant.schema.clone(), role: row.get(0), namespace: row.get(1) }
    }

    /// Where anything still refers to it: every row of every table of `system` as a text, and the catalogs. The row that says
    /// that there was one, its tombstone, and the platform's own log aside.
    pub async fn left(&self, stack: &Stack) -> Vec<String> {
        let client = database::superuser(stack).await;
        let mut left = Vec::new();
        for table in tables(&client, "system").await {
            if ["tombstones", "tenants", "operator_audit"].contains(&table.as_str()) {
                continue;
            }
            let ask = format!(
                "select count(*) from system.{table} x where x::text like '%{}%' or x::text like '%{}%'",
                self.id, self.schema
            );
            let count: i64 = client.query_one(&ask, &[]).await.expect("a table").get(0);
            left.extend((count > 0).then(|| format!("{count} rows of system.{table}")));
        }
        let (role, namespace, schema) = (self.role, self.namespace, &self.schema);
        let catalogs = [
            format!("pg_roles where rolname = '{schema}' or oid = {role}"),
            format!("pg_namespace where nspname = '{schema}' or oid = {namespace}"),
            format!(
                "pg_class where relnamespace = {namespace} or relowner = {role} or relacl::text like '%{schema}%'"
            ),
            format!("pg_type where typnamespace = {namespace}"),
            format!("pg_proc where pronamespace = {namespace} or proacl::text like '%{schema}%'"),
            format!("pg_depend where refobjid = {namespace}"),
            format!("pg_shdepend where refobjid = {role}"),
            format!("pg_auth_members where roleid = {role} or member = {role} or grantor = {role}"),
            format!("pg_db_role_setting where setrole = {role}"),
            format!("pg_default_acl where defaclrole = {role} or defaclnamespace = {namespace}"),
            format!("pg_init_privs where initprivs::text like '%{schema}%'"),
            format!("pg_policy where {role} = any (polroles)"),
        ];
        for catalog in catalogs {
            let ask = format!("select count(*) from pg_catalog.{catalog}");
            let count: i64 =
                client.query_one(&ask, &[]).await.unwrap_or_else(|e| panic!("{ask}: {e:?}")).get(0);
            left.extend((count > 0).then(|| format!("{count} of {catalog}")));
        }
        left
    }
}
