//! Who may connect to which database of the server. Whoever is let in nowhere else need not be kept from anything there.

/// See the module.
pub(super) const ALL: &[(&str, &str)] = &[
    (
        "a login connects to its own database alone",
        // Those that customers of tests have on this server are theirs.
        "select l.name || case when d.datname = current_database() then ' may not connect to ' else ' may connect to ' end || d.datname
         from unnest(array[{logins}]) l (name), pg_database d
         where d.datname ~ '^(signalbox(_[a-z][a-z0-9_]*)?|warehouse|postgres|template1)$'
           and has_database_privilege(l.name, d.oid, 'connect') <> (d.datname = current_database())",
    ),
    (
        "nobody else connects to a database",
        "select r.rolname || ' may connect to ' || current_database() from pg_roles r
         where has_database_privilege(r.oid, current_database(), 'connect') and not r.rolsuper and r.rolcanlogin
           and r.rolname not in ({logins}, 'signalbox_steward')
         union all
         select 'everybody may connect to ' || d.datname
         from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
         where d.datname ~ '^signalbox(_[a-z][a-z0-9_]*)?$' and a.grantee = 0",
    ),
];
