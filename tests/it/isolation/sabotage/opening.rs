//! What opening a scope checks: of a session, a token, a role, a worker.

use super::{Sabotage, bent};

/// See the module.
pub(super) const ALL: &[Sabotage] = &[
    bent("a session is its person's", "authorize", "and s.user_id = p_user", ""),
    bent("an ended session is none", "authorize", "and s.ended_at is null", ""),
    bent("an expired session is none", "authorize", "and s.expires_at > system.now()", ""),
    bent(
        "a removed member is none",
        "authorize",
        "m.tenant_id = s.tenant_id and m.state = 'active'",
        "m.tenant_id = s.tenant_id",
    ),
    bent(
        "a session is of one workspace",
        "authorize",
        "join system.tenants t on t.id = s.tenant_id",
        "join system.tenants t on true",
    ),
    bent(
        "a session names its workspace",
        "authorize",
        "s.expires_at > system.now()\n          and t.id = p_tenant and",
        "s.expires_at > system.now()\n          and",
    ),
    bent(
        "a session names its schema",
        "authorize",
        "s.expires_at > system.now()\n          and t.id = p_tenant and t.schema_name = p_schema",
        "s.expires_at > system.now()\n          and t.id = p_tenant",
    ),
    bent(
        "a closed workspace is closed",
        "authorize",
        "and t.state in ('active', 'suspending', 'suspended', 'deleting')",
        "",
    ),
    bent(
        "a workspace that is purged is closed",
        "authorize",
        "('active', 'suspending', 'suspended', 'deleting')",
        "('active', 'suspending', 'suspended', 'deleting', 'purging')",
    ),
    bent("a role that may not is refused", "authorize", "role = any (p_roles)", "true"),
    bent("a role of ours gives what it says", "authorize", "p_permission = any (v_given)", "true"),
    bent(
        "a role of ours is ours",
        "authorize",
        "where r.tenant_id = p_tenant and r.id = v_role_id",
        "where r.id = v_role_id",
    ),
    bent(
        "a role of ours is no built-in one",
        "authorize",
        "case when v_role_id is null then role",
        "case when true then 'custom'",
    ),
    bent(
        "the portal is no worker",
        "authorize",
        "if v_function not in ('dispatcher', 'steward') then",
        "if false then",
    ),
    bent(
        "a worker's workspace has its own schema",
        "authorize",
        "where t.id = p_tenant and t.schema_name = p_schema\n          and t.state not",
        "where t.id = p_tenant and t.state not",
    ),
    bent(
        "nobody works in a closed workspace",
        "authorize",
        "t.state not in ('spare', 'provisioning', 'deleted')",
        "true",
    ),
    bent("a token is its person's", "authorize", "and k.user_id = p_user", ""),
    bent("a token is the one that was made", "authorize", "k.hash = p_token and", ""),
    bent("an ended token is none", "authorize", "and k.ended_at is null", ""),
    bent("an expired token is none", "authorize", "and k.expires_at > system.now()", ""),
    bent(
        "a removed member's token is none",
        "authorize",
        "m.tenant_id = k.tenant_id and m.state = 'active'",
        "m.tenant_id = k.tenant_id",
    ),
    bent(
        "a token is of one workspace",
        "authorize",
        "join system.tenants t on t.id = k.tenant_id",
        "join system.tenants t on true",
    ),
    bent(
        "a token names its workspace",
        "authorize",
        "k.expires_at > system.now()\n          and t.id = p_tenant and",
        "k.expires_at > system.now()\n          and",
    ),
    bent(
        "a token names its schema",
        "authorize",
        "k.expires_at > system.now()\n          and t.id = p_tenant and t.schema_name = p_schema",
        "k.expires_at > system.now()\n          and t.id = p_tenant",
    ),
    bent("a token gives its scope alone", "authorize", "(p_permission = any (v_scope)) is not true", "false"),
    bent(
        "a token falls with its maker's right",
        "authorize",
        "(case when v_role_id is null then role = any (p_roles)",
        "(case when token_id is not null then true when v_role_id is null then role = any (p_roles)",
    ),
    bent("tokens end with a membership", "end_tokens", "set ended_at = system.now()", "set ended_at = null"),
];
