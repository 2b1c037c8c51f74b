//! What ties a sandbox to the people and the end of its workspace.

use super::{Sabotage, bent, sql};

/// See the module.
pub(super) const ALL: &[Sabotage] = &[
    bent("sandboxes told are the tenant's", "sandboxes", "t.sandbox_of = system.tenant() and", ""),
    bent(
        "sandboxes go first",
        "deletion_begin",
        "if exists (select from system.tenants t",
        "if false and exists (select from system.tenants t",
    ),
    bent(
        "people follow into sandboxes",
        "follow_into_sandboxes",
        "where t.sandbox_of = new.tenant_id and",
        "where false and",
    ),
    bent(
        "who is no Administrator is out of the sandboxes",
        "follow_into_sandboxes",
        "v_sandbox, new.user_id, v_is,",
        "v_sandbox, new.user_id, true,",
    ),
    bent(
        "who is out of a sandbox is out of that alone",
        "follow_into",
        "where m.tenant_id = p_sandbox and m.user_id",
        "where m.user_id",
    ),
    bent(
        "a session in a sandbox ends with the membership",
        "follow_into",
        "set ended_at = system.now()",
        "set ended_at = null",
    ),
    bent(
        "who administers the origin stays",
        "keep_origin_administrators",
        "if exists",
        "if false and exists",
    ),
    sql("a membership is followed", "drop trigger follow_into_sandboxes on system.memberships"),
    sql("a membership is kept", "drop trigger keep_origin_administrators on system.memberships"),
    sql("nobody is led by hand", "grant execute on function system.follow_into to signalbox_tenants"),
];
