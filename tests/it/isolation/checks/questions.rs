//! What the catalogs say about who may do what: asked of Postgres itself, over everything there is. A row is something wrong.
//! A function, login or group role that comes new is named in the list it belongs to; nothing else needs to change here.

mod databases;

use tokio_postgres::Client;

use super::Pair;

/// The logins of the functions that serve requests and work. The steward's own may make schemas; it serves nobody.
pub(in crate::isolation) const LOGINS: [&str; 5] = [
    "signalbox_signin",
    "signalbox_portal",
    "signalbox_scheduler",
    "signalbox_dispatcher",
    "signalbox_operators",
];

/// As a list of literals.
pub(super) fn logins() -> String {
    LOGINS.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

/// The rows of one question of [`all`].
pub(in crate::isolation) async fn of(client: &Client, pair: &Pair, claim: &str) -> Vec<String> {
    let (_, question) = all().find(|(known, _)| *known == claim).expect("a question of the list");
    ask(client, pair, question).await
}

/// The rows of a question.
pub(super) async fn ask(client: &Client, pair: &Pair, question: &str) -> Vec<String> {
    let question = pair.fill(question);
    let rows = client.query(&question, &[]).await.unwrap_or_else(|error| panic!("{question}: {error:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

/// Every question, by what it claims.
pub(in crate::isolation) fn all() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    ALL.iter().chain(databases::ALL)
}

const ALL: &[(&str, &str)] = &[
    (
        "a login has no privilege on any table",
        "select l.name || ' may ' || p.verb || ' ' || n.nspname || '.' || c.relname
         from unnest(array[{logins}]) l (name), unnest(array['select', 'insert', 'update', 'references']) p (verb),
              pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
           and (has_table_privilege(l.name, c.oid, p.verb) or has_any_column_privilege(l.name, c.oid, p.verb))
         union all
         select l.name || ' may ' || p.verb || ' ' || n.nspname || '.' || c.relname
         from unnest(array[{logins}]) l (name), unnest(array['delete', 'truncate', 'trigger']) p (verb),
              pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
           and has_table_privilege(l.name, c.oid, p.verb)
         union all
         select l.name || ' may use ' || n.nspname || '.' || c.relname
         from unnest(array[{logins}]) l (name), pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind = 'S' and has_sequence_privilege(l.name, c.oid, 'usage, select, update')",
    ),
    (
        "a login executes its one way into workspaces and nothing else",
        "select l.name || ' and ' || p.proname from unnest(array[{logins}]) l (name),
                pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname not in ('pg_catalog', 'information_schema')
           and has_function_privilege(l.name, p.oid, 'execute')
               <> (l.name in ('signalbox_portal', 'signalbox_dispatcher')
                   and p.oid = 'system.authorize(uuid, bytea, uuid, uuid, text, text, text[])'::regprocedure
                   or l.name = 'signalbox_operators'
                   and p.oid = 'system.authorize_operator(uuid, uuid, uuid, text)'::regprocedure)",
    ),
    (
        "a login owns nothing, inherits nothing and has no path",
        "select rolname::text from pg_roles where rolname in ({logins})
           and (rolsuper or rolinherit or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls or not rolcanlogin
                or not coalesce('search_path=\"\"' = any (rolconfig), false))
         union all
         select l.name || ' is not there' from unnest(array[{logins}]) l (name)
         where not exists (select from pg_roles where rolname = l.name)
         union all
         select c.relname::text from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname in ({logins})
         union all select n.nspname::text from pg_namespace n join pg_roles r on r.oid = n.nspowner where r.rolname in ({logins})
         union all select p.proname::text from pg_proc p join pg_roles r on r.oid = p.proowner where r.rolname in ({logins})",
    ),
    (
        // The server's own, and what a superuser took from everybody: the steward may hand on the latter to the owner.
        "nobody calls what was taken from everybody",
        "select r.rolname || ' may ' || f.signature from pg_roles r, unnest(array[
             'set_config(text, text, boolean)', 'pg_advisory_lock(bigint)', 'pg_advisory_lock(integer, integer)',
             'pg_try_advisory_lock(bigint)', 'pg_notify(text, text)', 'lo_create(oid)', 'lo_creat(integer)',
             'lo_from_bytea(oid, bytea)']) f (signature)
         where not r.rolsuper and r.rolname !~ '^pg_' and r.rolname not in ('signalbox_owner', 'signalbox_steward')
           and has_function_privilege(r.oid, ('pg_catalog.' || f.signature)::regprocedure, 'execute')
         union all
         select r.rolname || ' may use ' || l.lanname from pg_roles r, pg_language l
         where not r.rolsuper and r.rolname !~ '^pg_' and r.rolname not in ('signalbox_owner', 'signalbox_steward')
           and l.lanname not in ('internal', 'c', 'sql') and has_language_privilege(r.oid, l.oid, 'usage')",
    ),
    (
        "only three functions become tenants, and nobody the owner",
        "select l.name || ' becomes ' || r.rolname from unnest(array[{logins}]) l (name), pg_roles r
         where r.rolname <> l.name and pg_has_role(l.name, r.oid, 'member')
           and not (l.name in ('signalbox_portal', 'signalbox_dispatcher', 'signalbox_operators') and r.rolname ~ '^(cell_[0-9]{4}|t_[0-9a-f]{32})$')
           and r.rolname <> 'signalbox_tenants'
           and r.rolname <> 'system_' || split_part(l.name, '_', 2)
         union all
         select l.name || ' has the rights of ' || r.rolname from unnest(array[{logins}]) l (name), pg_roles r
         where r.rolname <> l.name and pg_has_role(l.name, r.oid, 'usage')
         union all
         select l.name || ' becomes a tenant' from unnest(array['signalbox_signin', 'signalbox_scheduler']) l (name)
         where pg_has_role(l.name, 'signalbox_tenants', 'member')",
    ),
    (
        "a tenant role is nobody's member but the tenants', and no tenant's",
        "select r.rolname || ' is a member of ' || g.rolname
         from pg_auth_members m join pg_roles r on r.oid = m.member join pg_roles g on g.oid = m.roleid
         where r.rolname ~ '^t_[0-9a-f]{32}$' and g.rolname <> 'signalbox_tenants'
         union all
         select r.rolname || ' is in ' || g.rolname
         from pg_auth_members m join pg_roles r on r.oid = m.member join pg_roles g on g.oid = m.roleid
         where g.rolname ~ '^t_[0-9a-f]{32}$' and r.rolname !~ '^cell_[0-9]{4}$' and r.rolname <> 'signalbox_steward'
         union all
         select rolname || ' may log in or past the fence' from pg_roles
         where rolname ~ '^(t_[0-9a-f]{32}|cell_[0-9]{4}|signalbox_tenants|system_[a-z]+)$'
           and (rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)",
    ),
    (
        "nobody may create and public has nothing",
        "select r.rolname || ' in ' || n.nspname from pg_roles r, pg_namespace n
         where n.nspname not like 'pg\\_%' and has_schema_privilege(r.oid, n.oid, 'create') and not r.rolsuper
           and r.rolname not in ('signalbox_owner', 'pg_database_owner', 'signalbox_steward')
         union all
         select r.rolname || ' in the database' from pg_roles r
         where has_database_privilege(r.oid, current_database(), 'create, temporary') and not r.rolsuper
           and r.rolname not in ('signalbox_owner', 'pg_database_owner', 'signalbox_steward')
         union all
         select n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname not in ('pg_catalog', 'information_schema')
           and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))
         union all
         select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname not in ('pg_catalog', 'information_schema')
           and exists (select from aclexplode(c.relacl) a where a.grantee = 0)
         union all
         select 'by default: ' || a.privilege_type from pg_default_acl d, aclexplode(d.defaclacl) a where a.grantee = 0",
    ),
    (
        "every function outside the server's own schemas is the owner's with a pinned path",
        "select p.proname::text from pg_proc p
         join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
         where n.nspname not in ('pg_catalog', 'information_schema')
           and (r.rolname <> 'signalbox_owner'
                or not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false))",
    ),
    (
        "what a tenant or a group role may call is a definer's",
        "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname = 'system' and p.prosecdef = (p.proname in ('now', 'try_to_cross'))
           and exists (select from pg_roles r where r.rolname ~ '^(system_|signalbox_tenants)'
                       and has_function_privilege(r.oid, p.oid, 'execute'))",
    ),
    (
        // A function that asks in another way whose scope it is in is named here. `try_to_cross` is nobody's definer: it does
        // what its caller could do without it. The public keys of signatures are the installation's, and everybody's to see.
        "what a tenant may call takes the tenant from the scope",
        "select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname = 'system' and p.proname not in ('now', 'tenant', 'try_to_cross', 'signing_keys')
           and p.prosrc !~ 'system\\.(tenant|people_lock)\\(\\)'
           and has_function_privilege('signalbox_tenants', p.oid, 'execute')",
    ),
    (
        "a tenant's schema holds tables, indexes and nothing that reaches out",
        "select c.relname || ' is a ' || c.relkind::text from pg_class c
         where c.relnamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace) and c.relkind not in ('r', 'p', 'i', 'I', 'S', 't')
         union all
         select p.proname::text || ' is a function' from pg_proc p
         where p.pronamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace)
         union all
         select c.relname || ' is not the owner''s' from pg_class c join pg_roles r on r.oid = c.relowner
         where c.relnamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace) and r.rolname <> 'signalbox_owner'
         union all
         select n.nspname || ' is not the owner''s' from pg_namespace n join pg_roles r on r.oid = n.nspowner
         where n.nspname in ('{ours}', '{theirs}', 'system') and r.rolname <> 'signalbox_owner'",
    ),
    (
        "a tenant's schema and tables are granted to their own role alone",
        "select n.nspname || ' to ' || a.grantee::regrole from pg_namespace n, aclexplode(n.nspacl) a
         where n.nspname in ('{ours}', '{theirs}') and a.grantee <> n.nspowner
           and (a.grantee = 0 or a.grantee::regrole::text not in (n.nspname, quote_ident(n.nspname)) or a.privilege_type <> 'USAGE')
         union all
         select c.relname::text || ' to ' || a.grantee::regrole || ': ' || a.privilege_type
         from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
         where n.nspname in ('{ours}', '{theirs}') and a.grantee <> c.relowner
           and (a.grantee = 0 or a.grantee::regrole::text not in (n.nspname, quote_ident(n.nspname))
                or a.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
                or a.is_grantable)
         union all
         select c.relname || '.' || t.attname || ' to ' || a.grantee::regrole
         from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
         where n.nspname in ('{ours}', '{theirs}') and a.grantee <> c.relowner
           and (a.grantee = 0 or a.grantee::regrole::text not in (n.nspname, quote_ident(n.nspname)))",
    ),
    (
        "a log is inserted into and read, never changed",
        "select c.relname::text || ' to ' || a.grantee::regrole || ': ' || a.privilege_type
         from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
         where n.nspname in ('{ours}', '{theirs}') and a.grantee <> c.relowner
           and c.relname in ('audit', 'events', 'job_versions', 'job_tasks') and a.privilege_type not in ('SELECT', 'INSERT')
         union all
         select 'schema_migrations to ' || a.grantee::regrole
         from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
         where n.nspname in ('{ours}', '{theirs}') and a.grantee <> c.relowner and c.relname = 'schema_migrations'",
    ),
    (
        "every tenant table forces row-level security by the scope's tenant",
        "select c.relname::text from pg_class c
         where c.relnamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace)
           and c.relkind in ('r', 'p') and c.relname <> 'schema_migrations'
           and not (c.relrowsecurity and c.relforcerowsecurity
                    and exists (select from pg_attribute a
                                where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull))
         union all
         select c.relname || ' has no policy' from pg_class c
         where c.relnamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace)
           and c.relkind in ('r', 'p') and c.relname <> 'schema_migrations'
           and not exists (select from pg_policy p where p.polrelid = c.oid)
         union all
         select c.relname || ' has a policy of another kind: ' || p.polname
         from pg_policy p join pg_class c on c.oid = p.polrelid
         where c.relnamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace)
           and (p.polcmd <> '*' or not p.polpermissive
                or pg_get_expr(p.polqual, p.polrelid) is distinct from '(tenant_id = (current_setting(''app.tenant_id''::text))::uuid)'
                or pg_get_expr(p.polwithcheck, p.polrelid) is distinct from '(tenant_id = (current_setting(''app.tenant_id''::text))::uuid)')
         union all
         select c.relname || '.tenant_id does not come from the scope' from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
         left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
         where c.relnamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace) and c.relkind in ('r', 'p')
           and pg_get_expr(d.adbin, d.adrelid) is distinct from '(current_setting(''app.tenant_id''::text))::uuid'",
    ),
    (
        "every key and reference of a tenant table starts with the tenant",
        "select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
         join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
         where c.relnamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace)
           and c.relname <> 'schema_migrations' and a.attname <> 'tenant_id'
         union all
         select f.conname::text from pg_constraint f
         join pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
         where f.connamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace) and f.contype = 'f' and a.attname <> 'tenant_id'
         union all
         select c.relname || ' has no primary key' from pg_class c
         where c.relnamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace) and c.relkind in ('r', 'p')
           and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p')
         union all
         -- What is named after another table of the schema and refers to none; a log tells of what may be gone.
         select c.relname || '.' || a.attname || ' refers to nothing' from pg_class c join pg_attribute a on a.attrelid = c.oid
         join pg_class t on t.relnamespace = c.relnamespace and t.relkind in ('r', 'p') and t.relname || '_id' = replace(a.attname, '_id', 's_id')
         where c.relnamespace in ('\"{ours}\"'::regnamespace, '\"{theirs}\"'::regnamespace) and c.relkind in ('r', 'p') and not a.attisdropped
           and c.relname || '.' || a.attname not in
               ('attempts.run_id', 'orphans.attempt_id', 'events.task_run_id', 'events.attempt_id', 'schedules.connection_id')
           and not exists (select from pg_constraint f where f.conrelid = c.oid and f.contype = 'f' and a.attnum = any (f.conkey)
                           and f.confrelid <> 0)",
    ),
    (
        "system rows that bear a tenant are fenced too",
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'system' and c.relkind in ('r', 'p')
           and (c.relname = 'tenants' or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'))
           and not c.relrowsecurity
         union all
         select c.relname || ' opens to ' || coalesce(r.rolname, 'public') from pg_policy p join pg_class c on c.oid = p.polrelid
         join pg_namespace n on n.oid = c.relnamespace, unnest(p.polroles) o (id) left join pg_roles r on r.oid = o.id
         where n.nspname = 'system' and pg_get_expr(p.polqual, p.polrelid) = 'true'
           and coalesce(r.rolname, 'public') !~ '^system_'
         union all
         select c.relname::text || ' to ' || a.grantee::regrole || ': ' || a.privilege_type
         from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
         where n.nspname = 'system' and a.grantee <> c.relowner and a.grantee::regrole::text !~ '^system_'",
    ),
    (
        "a group role reads of schema system what it is known to",
        "select a.grantee::regrole || ' may ' || a.privilege_type || ' ' || c.relname
         from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
         where n.nspname = 'system' and a.grantee <> c.relowner
           and (a.grantee::regrole::text in ('system_portal', 'system_signin', 'system_dispatcher', 'system_operators', 'signalbox_tenants')
                or c.relname in ('tenant_keys', 'sessions', 'memberships', 'users', 'logins') or c.relname ~ '^operator')
         union all
         select a.grantee::regrole || ' may ' || a.privilege_type || ' ' || c.relname || '.' || t.attname
         from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
         where c.relnamespace = 'system'::regnamespace and a.grantee <> c.relowner
           and (a.grantee::regrole::text <> 'system_scheduler' or c.relname <> 'tenants' or t.attname not in ('id', 'state', 'schema_name'))",
    ),
    (
        "nobody has a role of the server's own",
        "select r.rolname || ' is a member of ' || g.rolname
         from pg_auth_members m join pg_roles r on r.oid = m.member join pg_roles g on g.oid = m.roleid
         where g.rolname ~ '^pg_' and r.rolname !~ '^pg_' and not r.rolsuper",
    ),
];
