//! What the functions of signing in to one workspace check, and of what somebody has in another database.

use super::{Sabotage, bent, sql};

/// See the module.
pub(super) const ALL: &[Sabotage] = &[
    bent("a blocked directory is led nowhere", "way_to", "if v_state = 'blocked' then", "if false then"),
    bent("a directory on no list is told as such", "way_to", "v_state is not null or p_open", "true"),
    bent("who signs in is that person", "sign_in_to", "and u.object_id = p_object", ""),
    bent("who signs in is of that directory", "sign_in_to", "and u.directory_id = p_directory", ""),
    bent("who signs in is a member there", "sign_in_to", "and m.tenant_id = p_tenant", ""),
    bent("who signs in is still a member", "sign_in_to", "and m.state = 'active'", ""),
    bent("of other directories guests sign in", "sign_in_to", "and (m.guest or p_listed)", ""),
    bent(
        "a closed workspace is not signed in to",
        "sign_in_to",
        "and t.state in ('active', 'suspending', 'suspended', 'deleting')",
        "",
    ),
    bent("of one on its way nobody else is told", "sign_in_to", "if v_user is not null then", "if true then"),
    bent("what somebody has is theirs", "workspaces_of_person", "and u.object_id = p_object", ""),
    bent("and of their directory", "workspaces_of_person", "and u.directory_id = p_directory", ""),
    bent("who was removed has nothing", "workspaces_of_person", "and m.state = 'active'", ""),
    bent(
        "what is being removed is not told",
        "workspaces_of_person",
        "and t.state in ('active', 'suspending', 'suspended', 'deleting')",
        "",
    ),
    sql(
        "signing in to one workspace is sign-in's",
        "grant execute on function system.sign_in_to to system_portal",
    ),
    sql("nobody signs in from inside", "grant execute on function system.sign_in_to to signalbox_tenants"),
    sql(
        "the way to a workspace is told to sign-in",
        "grant execute on function system.way_to to system_portal",
    ),
    sql(
        "what somebody has is told to the portal",
        "grant execute on function system.workspaces_of_person to system_signin",
    ),
    sql(
        "and to nobody inside a workspace",
        "grant execute on function system.workspaces_of_person to signalbox_tenants",
    ),
];
