//! The platform operators' door: who comes in, and what is written down. [`grants`] bends what a grant opens and what is told
//! without one, [`privileges`] who may call what.

mod grants;
mod privileges;

use super::{Sabotage, bent, sql};

/// A function that takes anybody's word for who they are.
const fn unasked(control: &'static str, function: &'static str) -> Sabotage {
    let anybody = "(select o from system.operators o where o.id = p_operator)";
    bent(control, function, "system.operator_session(p_session, p_operator)", anybody)
}

/// A function that writes nothing down.
const fn unlogged(control: &'static str, function: &'static str) -> Sabotage {
    bent(control, function, "perform system.write_operator_audit(", "perform pg_catalog.concat(")
}

/// See the module.
pub(super) const ALL: &[&[Sabotage]] = &[SESSIONS, LOGGED, grants::GRANTS, grants::OVERVIEW, privileges::ALL];

const SESSIONS: &[Sabotage] = &[
    bent(
        "operators have a login of their own",
        "operator_session",
        "if not exists",
        "if false and not exists",
    ),
    bent("another door's login is none", "operator_session", "and l.function = 'operators'", ""),
    bent("an operator's session is named", "operator_session", "s.id = p_session and", ""),
    bent("an operator's session is their own", "operator_session", "and s.operator_id = p_operator", ""),
    bent("an operator's session ends", "operator_session", "and s.ended_at is null", ""),
    bent("an operator's session expires", "operator_session", "and s.expires_at > system.now()", ""),
    unasked("who asks for a grant has a session", "operator_grant"),
    unasked("who closes a grant has a session", "operator_grant_close"),
    unasked("who lists grants has a session", "operator_grants"),
    bent(
        "who counts grants has a session",
        "operator_open_grants",
        "perform system.operator_session(p_session, p_operator);",
        "",
    ),
    bent(
        "grants that are counted are one's own",
        "operator_open_grants",
        "g.operator_id = p_operator and",
        "",
    ),
    bent("grants that are counted are open", "operator_open_grants", "and g.closed_at is null", ""),
    unasked("whoever is noted has a session", "operator_note"),
    unasked("whoever looks has a session", "operator_look"),
    unasked("who opens a scope has a session", "authorize_operator"),
    unasked("who reads the log has a session", "operator_audit_list"),
    unasked("who lists workspaces has a session", "overview_list"),
    unasked("who is told of a workspace has a session", "overview_get"),
    unasked("who is told totals has a session", "overview_totals"),
    unasked("who is told of operations has a session", "overview_operations"),
    bent(
        "a sign-in is asked where from",
        "operator_sign_in",
        "perform system.operator_session(p_ids[2], v_operator.id);",
        "",
    ),
    bent(
        "a session that began elsewhere is asked where from",
        "operator_session_begin",
        "perform system.operator_session(p_session, p_operator);",
        "",
    ),
    unasked("who signs out has a session", "operator_sign_out"),
    bent(
        "a session that is ended is the one that asks",
        "operator_sign_out",
        "where s.id = p_session and",
        "where",
    ),
    bent("a session told is the one that asks", "operator_note", "where s.id = p_session", ""),
];

const LOGGED: &[Sabotage] = &[
    unlogged("a sign-in is logged", "operator_sign_in"),
    unlogged("a session that began elsewhere is logged", "operator_session_begin"),
    unlogged("a sign-out is logged", "operator_sign_out"),
    unlogged("a grant is logged", "operator_grant"),
    unlogged("a grant's end is logged", "operator_grant_close"),
    unlogged("a list of grants is logged", "operator_grants"),
    unlogged("a note is logged", "operator_note"),
    unlogged("a look is logged", "operator_look"),
    unlogged("reading the log is logged", "operator_audit_list"),
    unlogged("a list of workspaces is logged", "overview_list"),
    unlogged("what is told of a workspace is logged", "overview_get"),
    unlogged("totals are logged", "overview_totals"),
    unlogged("a list of operations is logged", "overview_operations"),
    bent(
        "a workspace's log has the row too",
        "write_operator_audit",
        "if p_tenant is null then",
        "if true then",
    ),
    bent(
        "a grant's end is in the workspace's log",
        "operator_grant_close",
        "'operator.grant_close', v_tenant",
        "'operator.grant_close', null",
    ),
    bent("a look is in the workspace's log", "operator_look", "p_action, v_tenant.id,", "p_action, null,"),
    bent(
        "a grant is in the workspace's log",
        "operator_grant",
        "'operator.grant', v_tenant.id,",
        "'operator.grant', null,",
    ),
    bent(
        "who is told of a workspace is in its log",
        "overview_get",
        "'workspaces.get', p_tenant,",
        "'workspaces.get', null,",
    ),
    bent(
        "an operator's name is not the customer's to know",
        "write_operator_audit",
        "'Platform operator ' || right(p_operator.id::text, 6)",
        "p_operator.display_name",
    ),
    bent(
        "what is purged is written to no more",
        "write_operator_audit",
        "if v_state in ('purging', 'deleted') then",
        "if false then",
    ),
    bent(
        "a workspace's setting does not outlast its row",
        "write_operator_audit",
        "perform set_config('app.tenant_id', '', true);",
        "",
    ),
    bent(
        "the log of one workspace is one's",
        "operator_audit_list",
        "(p_tenant is null or a.tenant_id = p_tenant)",
        "true",
    ),
    sql("the operators' log is only added to", "drop trigger keep_operator_audit on system.operator_audit"),
    sql(
        "the operators' log is never truncated",
        "drop trigger keep_operator_audit_whole on system.operator_audit",
    ),
    bent(
        "nobody changes the operators' log",
        "keep_operator_audit",
        "raise exception using errcode = '42501', message = 'the audit log is only added to';",
        "return new;",
    ),
];
