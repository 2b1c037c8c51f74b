//! Several databases: who connects to which, who is told where a workspace is, and where people sign in.

use super::{Sabotage, bent, sql};

/// See the module.
pub(super) const ALL: &[Sabotage] = &[
    sql(
        "a login of another database does not connect here",
        "create role signalbox_portal_elsewhere login; grant connect on database {database} to signalbox_portal_elsewhere",
    ),
    sql("a login connects to no other database", "grant connect on database warehouse to signalbox_portal"),
    sql("not everybody connects", "grant connect on database {database} to public"),
    sql(
        "a function connects to its database",
        "revoke connect on database {database} from signalbox_dispatcher",
    ),
    sql("nobody makes a database of a login's", "alter database {database} owner to signalbox_scheduler"),
    bent("one workspace's database is told", "home_of", "where h.tenant_id = p_tenant", "limit 1"),
    bent(
        "a schema is told to who has its name",
        "moved_to",
        "p_schema in (t.schema_name, 't_' || replace(t.id::text, '-', ''))",
        "true",
    ),
    bent("one workspace's schema is told", "moved_to", "t.id = p_tenant\n      and", "true\n      and"),
    bent(
        "a spare workspace is nowhere",
        "moved_to",
        "not in ('spare', 'provisioning'",
        "not in ('provisioning'",
    ),
    bent("nor is one that is being made", "moved_to", "and t.claimed_at is not null", ""),
    sql(
        "tenants do not ask where others are",
        "grant execute on function system.home_of to signalbox_tenants",
    ),
    sql("nor in which schema", "grant execute on function system.moved_to to signalbox_tenants"),
    sql("the portal asks as whoever enters", "grant execute on function system.home_of to system_portal"),
    sql("a login asks nothing", "grant execute on function system.home_of to signalbox_portal"),
    sql("what is elsewhere is not listed", "grant select on system.homes to cell_0001"),
    sql("what is elsewhere is fenced", "alter table system.homes disable row level security"),
    bent(
        "who is elsewhere signs in there",
        "sign_in",
        "perform system.not_elsewhere(v_dir.database_name);",
        "",
    ),
    bent(
        "a service of elsewhere comes in there",
        "sign_in_service",
        "perform system.not_elsewhere(d.database_name) from system.directories d",
        "perform from system.directories d",
    ),
    bent("who is sent on is told so", "not_elsewhere", "if p_database is not null then", "if false then"),
];
