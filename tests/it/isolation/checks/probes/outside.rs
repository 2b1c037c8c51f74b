//! Tried by a login without a scope, and by the group roles.

use super::{Probe, Who, once, refused};

const PORTAL: Who = Who::Login("signalbox_portal");
const DISPATCHER: Who = Who::Login("signalbox_dispatcher");
/// Somebody of a directory signs in.
const COMES_IN: &str = "select from system.sign_in('entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2', 'x', false,
    array[gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid()], interval '1 hour', '', '')";
const AS_PORTAL: Who = Who::Group("signalbox_portal", "system_portal");
const AS_SIGNIN: Who = Who::Group("signalbox_signin", "system_signin");
const AS_SCHEDULER: Who = Who::Group("signalbox_scheduler", "system_scheduler");

/// See the module.
pub(super) const ALL: &[Probe] = &[
    refused(PORTAL, "a login reads no tenant's table", "select id from \"{ours}\".vaults"),
    refused(PORTAL, "a login lists no tenants", "select id from system.tenants"),
    refused(PORTAL, "a login has no tenant", "select system.tenant()"),
    refused(PORTAL, "a login does not even know the time", "select system.now()"),
    refused(PORTAL, "the portal is not the owner", "set local role signalbox_owner"),
    refused(PORTAL, "the portal is not sign-in", "set local role system_signin"),
    refused(PORTAL, "the portal is not the steward", "set local role signalbox_steward"),
    refused(DISPATCHER, "the dispatcher is not the portal", "set local role system_portal"),
    refused(Who::Login("signalbox_signin"), "sign-in is no tenant", "set local role \"{ours}\""),
    refused(Who::Login("signalbox_scheduler"), "the scheduler is no tenant", "set local role \"{ours}\""),
    refused(
        AS_PORTAL,
        "nobody switches to a workspace that is not theirs",
        "select from system.switch_session('{our_session}', '{their_id}', gen_random_uuid(), gen_random_uuid(), '', '')",
    ),
    once(
        "update system.sessions set ended_at = now() where id = '{our_session}'",
        AS_PORTAL,
        "an ended session switches to nothing",
        "select from system.switch_session('{our_session}', '{our_id}', gen_random_uuid(), gen_random_uuid(), '', '')",
    ),
    once(
        "update system.sessions set expires_at = now() - interval '1 second' where id = '{our_session}'",
        AS_PORTAL,
        "an expired session switches to nothing",
        "select from system.switch_session('{our_session}', '{our_id}', gen_random_uuid(), gen_random_uuid(), '', '')",
    ),
    refused(AS_PORTAL, "the portal's group reads no sessions", "select id from system.sessions"),
    refused(AS_PORTAL, "the portal's group reads no keys", "select salt from system.tenant_keys"),
    refused(AS_PORTAL, "the portal's group signs nobody in", "select from system.sign_in('entra', null, null, '', true, null, null, '', '')"),
    once(
        "update system.users set directory_id = '00000000-0000-4000-8000-0000000000d1', object_id = '00000000-0000-4000-8000-0000000000d2' where id = '{our_user}'",
        AS_SIGNIN,
        "a directory that is not on the list stays outside, whoever its people are",
        COMES_IN,
    ),
    once(
        "update system.directories set state = 'blocked', id = '00000000-0000-4000-8000-0000000000d1' where tenant_id = '{our_id}';
         update system.users set directory_id = '00000000-0000-4000-8000-0000000000d1', object_id = '00000000-0000-4000-8000-0000000000d2' where id = '{our_user}'",
        AS_SIGNIN,
        "a blocked directory stays outside, whoever its people are",
        COMES_IN,
    ),
    once(
        "insert into system.directories (id, name, first_administrator, created_at)
         values ('00000000-0000-4000-8000-0000000000d1', 'x', gen_random_uuid(), now())",
        AS_SIGNIN,
        "a workspace is claimed by whoever was named",
        COMES_IN,
    ),
    once(
        "update system.directories set id = '00000000-0000-4000-8000-0000000000d1' where tenant_id = '{our_id}'",
        AS_SIGNIN,
        "a colleague to whom nobody gave a role stays outside",
        COMES_IN,
    ),
    refused(AS_SIGNIN, "sign-in reads no sessions", "select id from system.sessions"),
    refused(AS_SIGNIN, "sign-in reads no keys", "select salt from system.tenant_keys"),
    refused(AS_SCHEDULER, "the scheduler reads no keys", "select salt from system.tenant_keys"),
    refused(AS_SCHEDULER, "the scheduler reads no names", "select name from system.tenants"),
    refused(AS_SCHEDULER, "the scheduler changes no workspace", "update system.tenants set state = 'active'"),
    refused(AS_SCHEDULER, "the scheduler writes no message", "delete from system.outbox"),
];
