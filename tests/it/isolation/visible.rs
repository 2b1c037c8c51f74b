//! What every tenant role can see of the catalogs and of the server: names that say nothing of a customer, and nothing else.

use tests::{
    database, stack,
    tenant::{Directory, Workspace, random_id},
};

/// Questions asked as a tenant: a row is a name outside of the list of what may be known.
const QUESTIONS: [(&str, &str); 7] = [
    (
        "schemas",
        "select nspname::text from pg_namespace where nspname !~ '^(t_[0-9a-f]{32}|system|public|information_schema|pg_[a-z0-9_]+)$'",
    ),
    (
        "roles",
        "select rolname::text from pg_roles
         where rolname !~ '^(t_[0-9a-f]{32}|cell_[0-9]{4}|signalbox_[a-z]+|system_[a-z]+|warehouse[a-z_]*|postgres|pg_[a-z_]+)$'
           and not rolsuper",
    ),
    ("databases", "select datname::text from pg_database where datname !~ '^(signalbox|warehouse|postgres|template[01])$'"),
    ("comments", "select description from pg_description d join pg_namespace n on n.oid = d.objoid where n.nspname ~ '^t_'"),
    (
        "statements",
        "select query from pg_stat_activity where pid <> pg_backend_pid() and usename <> session_user
           and query not in ('', '<insufficient privilege>')",
    ),
    ("values", "select tablename::text from pg_stats where schemaname ~ '^t_' and schemaname <> current_schema()"),
    ("settings", "select setting from pg_db_role_setting s, unnest(s.setconfig) setting where setting ~ '(password|secret|key)='"),
];

#[test]
fn what_a_tenant_sees_of_the_catalogs_names_no_customer() {
    // A server of its own: on the others' stand the warehouses that tests make for their customers.
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let mut directory = Directory::unknown(&stack);
        let canary = format!("Customer {}", random_id().simple());
        directory.name = canary.clone();
        let (ours, theirs) = (Workspace::claim(&stack).await, Workspace::claim_for(&stack, &directory).await);
        let client = database::inside(&stack, &ours).await;
        for (what, question) in QUESTIONS {
            let rows = client.query(question, &[]).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            let seen: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            assert!(seen.is_empty(), "{what}: {seen:?}");
        }
        // The other's schema is in sight, and so is that it is somebody's; who it is, is nowhere.
        let ask = "select count(*) from pg_namespace where nspname = $1";
        let row = client.query_one(ask, &[&theirs.schema]).await.expect("the catalog");
        assert_eq!(row.get::<_, i64>(0), 1);
        let ask = "select count(*) from pg_class c, pg_attribute a, pg_constraint k
                   where $1 in (c.relname, a.attname, k.conname) and a.attrelid = c.oid and k.conrelid = c.oid";
        let row = client.query_one(ask, &[&canary.as_str()]).await.expect("the catalog");
        assert_eq!(row.get::<_, i64>(0), 0);
        stack.stop().await;
    });
}
