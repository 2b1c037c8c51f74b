//! Row-level security, keys and references.

use super::{Sabotage, sql};

/// See the module.
pub(super) const ALL: &[Sabotage] = &[
    sql("a table has its policy", "drop policy tenant on \"{ours}\".vaults"),
    sql("row security is on", "alter table \"{ours}\".credentials disable row level security"),
    sql("row security binds the owner", "alter table \"{ours}\".runs no force row level security"),
    sql("a policy hides", "alter policy tenant on \"{ours}\".vaults using (true)"),
    sql("a policy checks what is written", "alter policy tenant on \"{ours}\".vaults with check (true)"),
    sql(
        "a policy closes where the setting is missing",
        "alter policy tenant on \"{ours}\".jobs using (coalesce(tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid, true))",
    ),
    sql("no policy widens another", "create policy more on \"{ours}\".audit using (true)"),
    sql(
        "a table without a policy is none of ours",
        "create table \"{ours}\".more (tenant_id uuid not null, id uuid primary key)",
    ),
    sql(
        "every row bears a tenant",
        "alter table \"{ours}\".connection_tests drop constraint connection_tests_pkey, alter column tenant_id drop not null",
    ),
    sql(
        "a row's tenant comes from the scope",
        "alter table \"{ours}\".vaults alter column tenant_id drop default",
    ),
    sql(
        "a row's tenant is not a constant",
        "alter table \"{ours}\".vaults alter column tenant_id set default '{their_id}'",
    ),
    sql("a name is taken in one workspace only", "create unique index plain on \"{ours}\".vaults (name)"),
    sql("an id is taken in one workspace only", "create unique index plain on \"{ours}\".vaults (id)"),
    sql("an index starts with the tenant", "create index plain on \"{ours}\".runs (job_id, tenant_id)"),
    sql(
        "a credential refers to its vault",
        "alter table \"{ours}\".credentials drop constraint credentials_tenant_id_vault_id_fkey",
    ),
    sql(
        "a task refers to its connection",
        "alter table \"{ours}\".job_tasks drop constraint job_tasks_tenant_id_connection_id_fkey",
    ),
    sql(
        "a schedule refers to its job",
        "alter table \"{ours}\".schedules drop constraint schedules_tenant_id_job_id_fkey",
    ),
    sql(
        "a run refers to its schedule",
        "alter table \"{ours}\".runs drop constraint runs_tenant_id_schedule_id_fkey",
    ),
    sql(
        "a reference names the tenant",
        "alter table \"{ours}\".credentials drop constraint credentials_tenant_id_vault_id_fkey;
         create unique index plain on \"{ours}\".vaults (id);
         alter table \"{ours}\".credentials add foreign key (vault_id) references \"{ours}\".vaults (id)",
    ),
    sql("a tenant owns none of its tables", "alter table \"{ours}\".vaults owner to \"{ours}\""),
    sql("a tenant does not own its schema", "alter schema \"{ours}\" owner to \"{ours}\""),
    sql(
        "no view reaches out of a schema",
        "create view \"{ours}\".peek as select id from \"{theirs}\".vaults",
    ),
    sql(
        "no function stands in a tenant's schema",
        "create function \"{ours}\".peek() returns integer language sql as 'select 1'",
    ),
    sql("system rows are fenced", "alter table system.outbox disable row level security"),
    sql("sessions are fenced", "alter table system.sessions disable row level security"),
    sql("a system row's policy hides", "alter policy own on system.tenant_keys using (true)"),
    sql("the sweeper's policy is the sweeper's", "alter policy sweep on system.outbox to public"),
    sql(
        "tenants see no others by policy",
        "create policy more on system.tenants to signalbox_tenants using (true)",
    ),
];
