//! What the catalogs say about who may do what: asked of Postgres itself, over everything there is.

use tests::{database, stack, tenant::Workspace};
use tokio_postgres::Client;

/// The logins of the functions that serve requests and work. The steward's own may make schemas; it serves nobody.
const LOGINS: [&str; 4] =
    ["signalbox_signin", "signalbox_portal", "signalbox_scheduler", "signalbox_dispatcher"];

/// Relations that are ours: everything outside the server's own schemas.
const RELATIONS: &str = "pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')";

async fn column(client: &Client, ask: &str) -> Vec<String> {
    let rows = client.query(ask, &[]).await.unwrap_or_else(|error| panic!("{ask}: {error:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_login_has_no_privilege_on_any_table_or_sequence() {
    stack::with(async |stack| {
        Workspace::claim(stack).await;
        let client = database::superuser(stack).await;
        let seen = column(&client, &format!("select c.relname::text from {RELATIONS}")).await;
        assert!(seen.len() > 40, "system and tenant tables are there: {}", seen.len());
        let held = format!(
            "select l.name || ' may ' || p.verb || ' ' || n.nspname || '.' || c.relname
             from unnest(array[{}]) l (name), unnest(array['select', 'insert', 'update', 'references']) p (verb), {RELATIONS}
             and c.relkind <> 'S' and (has_table_privilege(l.name, c.oid, p.verb)
                                       or has_any_column_privilege(l.name, c.oid, p.verb))
             union all
             select l.name || ' may ' || p.verb || ' ' || n.nspname || '.' || c.relname
             from unnest(array[{}]) l (name), unnest(array['delete', 'truncate', 'trigger']) p (verb), {RELATIONS}
             and c.relkind <> 'S' and has_table_privilege(l.name, c.oid, p.verb)
             union all
             select l.name || ' may use ' || n.nspname || '.' || c.relname
             from unnest(array[{}]) l (name), {RELATIONS}
             and c.relkind = 'S' and has_sequence_privilege(l.name, c.oid, 'usage, select, update')",
            list(&LOGINS),
            list(&LOGINS),
            list(&LOGINS),
        );
        assert_eq!(column(&client, &held).await, Vec::<String>::new());
    });
}

#[test]
fn a_login_executes_system_authorize_and_nothing_else() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        for login in LOGINS {
            let may = column(
                &client,
                &format!(
                    "select n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                     where n.nspname not in ('pg_catalog', 'information_schema')
                       and has_function_privilege('{login}', p.oid, 'execute')"
                ),
            )
            .await;
            let enters = ["signalbox_portal", "signalbox_dispatcher"].contains(&login);
            let expected: &[&str] = if enters { &["system.authorize"] } else { &[] };
            assert_eq!(may, expected, "{login}");
        }
    });
}

#[test]
fn a_login_owns_nothing_inherits_nothing_and_has_no_path() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        let strong = column(
            &client,
            &format!(
                "select rolname::text from pg_roles where rolname in ({})
                 and not rolsuper and not rolinherit and not rolcreaterole and not rolcreatedb and not rolreplication
                 and not rolbypassrls and rolcanlogin and 'search_path=\"\"' = any (rolconfig) order by 1",
                list(&LOGINS)
            ),
        )
        .await;
        assert_eq!(strong.len(), LOGINS.len(), "only {strong:?} are as they should be");
        let owned = column(
            &client,
            &format!(
                "select c.relname::text from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname in ({0})
                 union all select n.nspname::text from pg_namespace n join pg_roles r on r.oid = n.nspowner where r.rolname in ({0})
                 union all select p.proname::text from pg_proc p join pg_roles r on r.oid = p.proowner where r.rolname in ({0})",
                list(&LOGINS)
            ),
        )
        .await;
        assert_eq!(owned, Vec::<String>::new());
    });
}

#[test]
fn only_the_portal_and_the_dispatcher_become_tenants_and_nobody_becomes_the_owner() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let client = database::superuser(stack).await;
        let becomes = column(
            &client,
            &format!(
                "select l.name || ' ' || r.rolname from unnest(array[{}]) l (name), pg_roles r
                 where r.rolname in ('signalbox_owner', 'signalbox_steward', 'system_signin', 'system_portal',
                                     'system_scheduler', 'system_dispatcher', '{}')
                   and pg_has_role(l.name, r.oid, 'member') order by 1",
                list(&LOGINS),
                workspace.schema
            ),
        )
        .await;
        let tenant = &workspace.schema;
        let expected = [
            "signalbox_dispatcher system_dispatcher".to_owned(),
            format!("signalbox_dispatcher {tenant}"),
            "signalbox_portal system_portal".to_owned(),
            format!("signalbox_portal {tenant}"),
            "signalbox_scheduler system_scheduler".to_owned(),
            "signalbox_signin system_signin".to_owned(),
        ];
        let mut expected = expected.to_vec();
        expected.sort();
        let mut becomes = becomes;
        becomes.sort();
        assert_eq!(becomes, expected);
    });
}

#[test]
fn nobody_may_create_and_public_has_nothing() {
    stack::with(async |stack| {
        Workspace::claim(stack).await;
        let client = database::superuser(stack).await;
        let creators = column(
            &client,
            "select r.rolname || ' in ' || n.nspname from pg_roles r, pg_namespace n
             where n.nspname not like 'pg\\_%' and has_schema_privilege(r.oid, n.oid, 'create') and not r.rolsuper
               and r.rolname not in ('signalbox_owner', 'pg_database_owner', 'signalbox_steward')
             union all
             select r.rolname || ' in the database' from pg_roles r
             where has_database_privilege(r.oid, current_database(), 'create, temporary') and not r.rolsuper
               and r.rolname not in ('signalbox_owner', 'pg_database_owner', 'signalbox_steward')",
        )
        .await;
        assert_eq!(creators, Vec::<String>::new());
        let open = column(
            &client,
            "select n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             where n.nspname not in ('pg_catalog', 'information_schema')
               and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))
             union all
             select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname not in ('pg_catalog', 'information_schema')
               and exists (select from aclexplode(c.relacl) a where a.grantee = 0)",
        )
        .await;
        assert_eq!(open, Vec::<String>::new());
    });
}

#[test]
fn every_definer_function_is_the_owners_with_a_pinned_path() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        let loose = column(
            &client,
            "select p.proname::text from pg_proc p
             join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
             where n.nspname not in ('pg_catalog', 'information_schema')
               and (r.rolname <> 'signalbox_owner'
                    or not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false))",
        )
        .await;
        assert_eq!(loose, Vec::<String>::new());
    });
}

#[test]
fn every_tenant_table_forces_row_security_and_leads_its_keys_with_the_tenant() {
    stack::with(async |stack| {
        let workspace = Workspace::claim(stack).await;
        let client = database::superuser(stack).await;
        let unfenced = column(
            &client,
            &format!(
                "select c.relname::text from pg_class c
                 where c.relnamespace = '{}'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'schema_migrations'
                   and not (c.relrowsecurity and c.relforcerowsecurity
                            and exists (select from pg_policy p where p.polrelid = c.oid)
                            and exists (select from pg_attribute a
                                        where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull))",
                workspace.schema
            ),
        )
        .await;
        assert_eq!(unfenced, Vec::<String>::new());
        let keys = column(
            &client,
            &format!(
                "select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
                 join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
                 where c.relnamespace = '{0}'::regnamespace and c.relname <> 'schema_migrations' and a.attname <> 'tenant_id'
                 union all
                 select f.conname::text from pg_constraint f
                 join pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
                 where f.connamespace = '{0}'::regnamespace and f.contype = 'f' and a.attname <> 'tenant_id'",
                workspace.schema
            ),
        )
        .await;
        assert_eq!(keys, Vec::<String>::new(), "each index and foreign key starts with tenant_id");
        let system = column(
            &client,
            "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'system' and c.relkind in ('r', 'p') and not c.relrowsecurity
               and (c.relname = 'tenants' or exists (select from pg_attribute a
                                                     where a.attrelid = c.oid and a.attname = 'tenant_id'))",
        )
        .await;
        assert_eq!(system, Vec::<String>::new(), "system rows that bear a tenant are fenced too");
    });
}
