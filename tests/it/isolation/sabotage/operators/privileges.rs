//! Roles and grants of the operators' login, its group and its tables.

use super::{Sabotage, sql};

/// See the module.
pub(super) const ALL: &[Sabotage] = &[
    sql("the portal is no operator", "grant system_operators to signalbox_portal"),
    sql("the operators are not the portal", "grant system_portal to signalbox_operators"),
    sql("the operators are not the owner", "grant signalbox_owner to signalbox_operators"),
    sql("the operators' login inherits nothing", "alter role signalbox_operators inherit"),
    sql("the operators' login is bound by row security", "alter role signalbox_operators bypassrls"),
    sql("the operators' group is bound by row security", "alter role system_operators bypassrls"),
    sql(
        "an operator's scope is the operators'",
        "grant execute on function system.authorize_operator to signalbox_portal",
    ),
    sql(
        "an operator's scope is the login's",
        "grant execute on function system.authorize_operator to system_operators",
    ),
    sql(
        "an operator's scope is no workspace's",
        "grant execute on function system.authorize_operator to signalbox_tenants",
    ),
    sql(
        "an operator opens no other scope",
        "grant execute on function system.authorize(uuid, bytea, uuid, uuid, text, text, text[]) to signalbox_operators",
    ),
    sql(
        "grants are not counted in a workspace",
        "grant execute on function system.operator_open_grants to signalbox_tenants",
    ),
    sql("a look is not the portal's", "grant execute on function system.operator_look to system_portal"),
    sql("a look is not a workspace's", "grant execute on function system.operator_look to signalbox_tenants"),
    sql("a look is not the login's", "grant execute on function system.operator_look to signalbox_operators"),
    sql(
        "operators do not sign in at sign-in",
        "grant execute on function system.operator_sign_in to system_signin",
    ),
    sql(
        "sessions that began elsewhere do not begin at sign-in",
        "grant execute on function system.operator_session_begin to system_signin",
    ),
    sql(
        "operators do not sign out at the portal",
        "grant execute on function system.operator_sign_out to system_portal",
    ),
    sql(
        "the overview is not the portal's",
        "grant execute on function system.overview_list to system_portal",
    ),
    sql(
        "the overview is not a workspace's",
        "grant execute on function system.overview_get to signalbox_tenants",
    ),
    sql(
        "a session is asked for by the functions",
        "grant execute on function system.operator_session to system_operators",
    ),
    sql(
        "a workspace is found by the functions",
        "grant execute on function system.operator_tenant to system_operators",
    ),
    sql(
        "a grant is found by the functions",
        "grant execute on function system.operator_grant_open to system_operators",
    ),
    sql(
        "a row is written by the functions",
        "grant execute on function system.write_operator_audit to system_operators",
    ),
    sql(
        "figures are counted by the functions",
        "grant execute on function system.overview_of to system_operators",
    ),
    sql(
        "the operators' log is read by the functions",
        "grant select on system.operator_audit to system_operators",
    ),
    sql(
        "the operators' log is written by the functions",
        "grant insert on system.operator_audit to system_operators",
    ),
    sql("a grant is made by the functions", "grant insert on system.operator_grants to system_operators"),
    sql(
        "a grant's reason is read by the functions",
        "grant select (reason) on system.operator_grants to system_operators",
    ),
    sql("a session is made by the functions", "grant insert on system.operator_sessions to system_operators"),
    sql("operators are not the portal's to list", "grant select on system.operators to system_portal"),
    sql("workspaces are not read past the overview", "grant select on system.tenants to system_operators"),
    sql("operations are not read past the overview", "grant select on system.operations to system_operators"),
    sql(
        "a failure is not read past the overview",
        "grant select (error) on system.rollout_failures to system_operators",
    ),
    sql(
        "people are not the operators' to list",
        "grant select (display_name) on system.users to system_operators",
    ),
    sql("the sweeper reads no operators' log", "grant select on system.operator_audit to system_scheduler"),
    sql("grants are fenced", "alter table system.operator_grants disable row level security"),
    sql("the operators' log is fenced", "alter table system.operator_audit disable row level security"),
];
