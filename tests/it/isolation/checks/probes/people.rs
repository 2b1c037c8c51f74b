//! Roles, invitations, API tokens, members and sign-in: tried from inside our workspace, and by the group that signs people in.

use super::{Probe, Want, Who, empty, harmless, once, refused};

const IN: Who = Who::Inside;
const STRANGER: Who = Who::Stranger;
const AS_PORTAL: Who = Who::Group("signalbox_portal", "system_portal");
const AS_SIGNIN: Who = Who::Group("signalbox_signin", "system_signin");
/// What is theirs and as it was, or a row.
const THEIR_ROLE: &str = "select from system.roles where tenant_id = '{their_id}' having count(*) filter (where name = 'theirs' and version = 1) <> 1";
const THEIR_INVITATION: &str =
    "select from system.invitations where tenant_id = '{their_id}' and ended_at is not null";
const THEIR_TOKEN: &str =
    "select from system.api_tokens where tenant_id = '{their_id}' and ended_at is not null";

/// From inside our workspace.
pub(super) const INSIDE: &[Probe] = &[
    empty(IN, "no role of theirs is listed", "select id from system.custom_roles('ffffffff-ffff-ffff-ffff-ffffffffffff', 100)"),
    empty(IN, "no role of theirs is shown", "select id from system.custom_role('00000000-0000-4000-8000-0000000000a1')"),
    harmless("a role made is ours", "select system.role_insert('00000000-0000-4000-8000-0000000000a9', 'mine', '{runs.read}')",
        "select from system.roles where id = '00000000-0000-4000-8000-0000000000a9' and tenant_id <> '{our_id}'"),
    harmless("no role of theirs is changed", "select system.role_update('00000000-0000-4000-8000-0000000000a1', 1, 'x', '{runs.read}')", THEIR_ROLE),
    harmless("no role of theirs is deleted", "select system.role_delete('00000000-0000-4000-8000-0000000000a1', 1)", THEIR_ROLE),
    Probe {
        want: Want::Fails("23503"),
        ..refused(IN, "no role of theirs is given", "select system.member_add(gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '00000000-0000-4000-8000-0000000000a1')")
    },
    Probe {
        want: Want::Fails("23503"),
        ..refused(IN, "nobody is invited to a role of theirs", "select system.invitation_insert(gen_random_uuid(), sha256('x'), '00000000-0000-4000-8000-0000000000a1', null, null, '{our_user}', interval '1 hour')")
    },
    empty(IN, "no invitation of theirs is listed", "select id from system.invitations('ffffffff-ffff-ffff-ffff-ffffffffffff', 100)"),
    empty(IN, "no invitation of theirs is shown", "select id from system.invitation('00000000-0000-4000-8000-0000000000a2')"),
    harmless("no invitation of theirs is ended", "select system.invitation_end('00000000-0000-4000-8000-0000000000a2')", THEIR_INVITATION),
    harmless("an invitation made is ours",
        "select system.invitation_insert('00000000-0000-4000-8000-0000000000a9', sha256('x'), 'operator', null, null, '{our_user}', interval '1 hour')",
        "select from system.invitations where id = '00000000-0000-4000-8000-0000000000a9' and tenant_id <> '{our_id}'"),
    empty(IN, "no token of theirs is listed", "select id from system.api_tokens(null, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 100)"),
    empty(IN, "no token of theirs is shown", "select id from system.api_token(null, '00000000-0000-4000-8000-0000000000a3')"),
    harmless("no token of theirs is ended", "select system.api_token_end(null, '00000000-0000-4000-8000-0000000000a3')", THEIR_TOKEN),
    Probe {
        given: "insert into system.api_tokens (tenant_id, id, user_id, hash, name, permissions, created_at, expires_at)
                values ('{our_id}', '00000000-0000-4000-8000-0000000000a4', '{our_user}', sha256('ours'), 'ours', '{runs.read}', now(), now() + interval '1 hour')",
        ..empty(IN, "a token of somebody else is not one's own", "select id from system.api_token('{their_user}', '00000000-0000-4000-8000-0000000000a4')
                union all select id from system.api_tokens('{their_user}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 100)")
    },
    Probe {
        given: "insert into system.api_tokens (tenant_id, id, user_id, hash, name, permissions, created_at, expires_at)
                values ('{our_id}', '00000000-0000-4000-8000-0000000000a4', '{our_user}', sha256('ours'), 'ours', '{runs.read}', now(), now() + interval '1 hour')",
        ..harmless("a token of somebody else is not ended as one's own", "select system.api_token_end('{their_user}', '00000000-0000-4000-8000-0000000000a4')",
            "select from system.api_tokens where id = '00000000-0000-4000-8000-0000000000a4' and ended_at is not null")
    },
    Probe {
        want: Want::Fails("23503"),
        ..refused(IN, "no token is made for them", "select system.api_token_insert(gen_random_uuid(), '{their_user}', sha256('x'), 'x', '{runs.read}', interval '1 hour')")
    },
    once("update system.memberships set role = 'operator', service = true where user_id = '{our_user}'", IN, "a service principal makes no tokens",
        "select system.api_token_insert(gen_random_uuid(), '{our_user}', sha256('x'), 'x', '{runs.read}', interval '1 hour')"),
    empty(IN, "none of their people is listed", "select user_id from system.people(null, 1000) where user_id <> '{our_user}'"),
    empty(IN, "none of their people is shown", "select user_id from system.person('{their_user}')"),
    refused(IN, "no service of another's directory is added",
        "select system.member_add(gen_random_uuid(), (select u.directory_id from system.person('{our_user}') u where false), gen_random_uuid(), 'operator', true)"),
    harmless("nobody is added to theirs", "select system.member_add('00000000-0000-4000-8000-0000000000a9', gen_random_uuid(), gen_random_uuid(), 'operator')",
        "select from system.memberships where user_id = '00000000-0000-4000-8000-0000000000a9' and tenant_id <> '{our_id}'"),
    refused(IN, "the last Administrator stays", "select system.member_change('{our_user}', null, 'operator')"),
    refused(IN, "a token is not marked as used", "select system.api_token_seen(sha256('their token'))"),
    refused(IN, "nobody asks whether a text is a token", "select system.api_token_used(sha256('their token'), '{their_user}', '{their_id}')"),
    refused(IN, "nobody comes by an invitation", "select from system.sign_in_guest('entra', null, null, '', true, null, null, null, null, '', '', 1)"),
    refused(IN, "no service comes in", "select from system.sign_in_service('entra', null, null, '', null, null, '', '')"),
    refused(IN, "no lock on their people is taken", "select system.people_lock()"),
    refused(STRANGER, "a stranger makes no role", "select system.role_insert(gen_random_uuid(), 'mine', '{runs.read}')"),
    refused(STRANGER, "a stranger invites nobody", "select system.invitation_insert(gen_random_uuid(), sha256('x'), 'operator', null, null, '{our_user}', interval '1 hour')"),
    refused(STRANGER, "a stranger makes no token", "select system.api_token_insert(gen_random_uuid(), '{our_user}', sha256('x'), 'x', '{runs.read}', interval '1 hour')"),
    refused(STRANGER, "a stranger changes no member", "select system.member_change('{our_user}', null, 'administrator')"),
];

/// A sign-in by an invitation that names nobody, of a directory that is on the list.
const GUEST: &str = "select from system.sign_in_guest('entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2', 'x', false,
    sha256('an invitation'), '{runs.read}', array[gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid()], interval '1 hour', '', '', 1000)";
/// A sign-in of a service principal.
const SERVICE: &str = "select from system.sign_in_service('entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2', 'x',
    array[gen_random_uuid(), gen_random_uuid()], interval '1 hour', '', '')";

/// A statement of the superuser after an invitation of ours was made, and a directory is on the list.
macro_rules! invited {
    ($then:literal) => {
        concat!("insert into system.directories (id, name, first_administrator, created_at)
                 values ('00000000-0000-4000-8000-0000000000d1', 'x', gen_random_uuid(), now());
                 insert into system.invitations (tenant_id, id, hash, role, created_by, created_at, expires_at)
                 values ('{our_id}', '00000000-0000-4000-8000-0000000000a8', sha256('an invitation'), 'operator', '{our_user}', now(), now() + interval '1 hour'); ", $then)
    };
}

/// A statement of the superuser after a service principal was added to ours.
macro_rules! serving {
    ($then:literal) => {
        concat!("update system.directories set id = '00000000-0000-4000-8000-0000000000d1' where tenant_id = '{our_id}';
                 insert into system.users (id, provider, directory_id, object_id, created_at)
                 values ('00000000-0000-4000-8000-0000000000a7', 'entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2', now());
                 insert into system.memberships (tenant_id, user_id, role, service, created_at, updated_at)
                 values ('{our_id}', '00000000-0000-4000-8000-0000000000a7', 'operator', true, now(), now()); ", $then)
    };
}

/// What goes through where everything is as it should be: or the refusals would say nothing.
const fn comes_in(given: &'static str, claim: &'static str, statement: &'static str) -> Probe {
    Probe { claim, who: AS_SIGNIN, given, statement, want: Want::Done, after: "" }
}

/// Whether a token of theirs is one.
const TOKEN_USED: &str =
    "select where system.api_token_used(sha256('their token'), '{their_user}', '{their_id}')";

/// What the portal's group is told of no token.
const fn no_token(claim: &'static str, statement: &'static str) -> Probe {
    Probe { claim, who: AS_PORTAL, given: "", statement, want: Want::NoRows, after: "" }
}

/// By the groups.
pub(super) const OUTSIDE: &[Probe] = &[
    comes_in(invited!(""), "an invitation brings somebody in", GUEST),
    once("", AS_SIGNIN, "an invitation that never was brings nobody in", GUEST),
    once(invited!("insert into system.users (id, provider, directory_id, object_id, created_at)
                   values ('00000000-0000-4000-8000-0000000000a7', 'entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2', now());
                   insert into system.memberships (tenant_id, user_id, role, created_at, updated_at)
                   values ('{our_id}', '00000000-0000-4000-8000-0000000000a7', 'operator', now(), now())"),
        AS_SIGNIN, "who came by no invitation is no guest",
        "select from system.sign_in_guest('entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2', 'x', false,
         null, '{runs.read}', array[gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid()], interval '1 hour', '', '', 1000)"),
    once(invited!("update system.invitations set ended_at = now()"), AS_SIGNIN, "an invitation is good once", GUEST),
    once(invited!("update system.invitations set expires_at = now() - interval '1 second'"), AS_SIGNIN, "an expired invitation brings nobody in", GUEST),
    once(invited!("update system.invitations set directory_id = gen_random_uuid()"), AS_SIGNIN, "an invitation is its directory's", GUEST),
    once(invited!("update system.invitations set directory_id = '00000000-0000-4000-8000-0000000000d1', object_id = gen_random_uuid()"),
        AS_SIGNIN, "an invitation is its person's", GUEST),
    once(invited!("delete from system.directories where id = '00000000-0000-4000-8000-0000000000d1'"), AS_SIGNIN, "an invitation to nobody in particular is for directories on the list", GUEST),
    once(invited!("update system.directories set state = 'blocked' where id = '00000000-0000-4000-8000-0000000000d1'"), AS_SIGNIN, "a blocked directory's people come by no invitation", GUEST),
    once(invited!("update system.tenants set state = 'suspended' where id = '{our_id}'"), AS_SIGNIN, "a closed workspace takes nobody in", GUEST),
    once(invited!("update system.memberships set state = 'removed' where user_id = '{our_user}'"), AS_SIGNIN, "an invitation falls with who made it", GUEST),
    once(invited!("update system.memberships set role = 'operator' where user_id = '{our_user}'"), AS_SIGNIN, "an invitation gives no more than who made it may", GUEST),
    comes_in(serving!(""), "a service principal comes in", SERVICE),
    once(serving!("update system.memberships set service = false where user_id = '00000000-0000-4000-8000-0000000000a7'"), AS_SIGNIN, "a person does not come as a service", SERVICE),
    once(serving!("update system.memberships set state = 'removed' where user_id = '00000000-0000-4000-8000-0000000000a7'"), AS_SIGNIN, "a removed service stays outside", SERVICE),
    once(serving!("update system.directories set state = 'blocked' where tenant_id = '{our_id}'"), AS_SIGNIN, "a blocked directory's services stay outside", SERVICE),
    once(serving!("update system.tenants set state = 'purging' where id = '{our_id}'"), AS_SIGNIN, "a closed workspace takes no service in", SERVICE),
    once(serving!("update system.memberships set tenant_id = '{their_id}' where user_id = '00000000-0000-4000-8000-0000000000a7'"), AS_SIGNIN, "a service is of its directory's workspace", SERVICE),
    once(invited!(""), AS_PORTAL, "the portal's group lets no guest in", GUEST),
    once(serving!(""), AS_PORTAL, "the portal's group lets no service in", SERVICE),
    no_token("a text that somebody was given is a token",
        "select from (select system.api_token_used(sha256('their token'), '{their_user}', '{their_id}') as it) t where t.it is not true"),
    no_token("what nobody made is no token", "select where system.api_token_used(sha256('nobody''s'), '{their_user}', '{their_id}')"),
    no_token("a token is its maker's", "select where system.api_token_used(sha256('their token'), '{our_user}', '{their_id}')"),
    no_token("a token is its workspace's", "select where system.api_token_used(sha256('their token'), '{their_user}', '{our_id}')"),
    Probe { given: "update system.api_tokens set ended_at = now()", ..no_token("a token that ended is none", TOKEN_USED) },
    Probe { given: "update system.api_tokens set expires_at = now() - interval '1 second'", ..no_token("a token that expired is none", TOKEN_USED) },
    Probe {
        want: Want::Done,
        given: "insert into system.api_tokens (tenant_id, id, user_id, hash, name, permissions, created_at, expires_at)
                values ('{their_id}', '00000000-0000-4000-8000-0000000000a4', '{their_user}', sha256('another'), 'another', '{runs.read}', now(), now() + interval '1 hour')",
        after: "select from system.api_tokens where tenant_id = '{their_id}' and (last_used_at is null) = (hash = sha256('their token'))",
        ..no_token("that a token is used is noted of that one", TOKEN_USED)
    },
    refused(AS_PORTAL, "the portal's group reads no tokens", "select hash from system.api_tokens"),
    refused(AS_PORTAL, "the portal's group reads no invitations", "select hash from system.invitations"),
    refused(AS_PORTAL, "the portal's group makes no role", "select system.role_insert(gen_random_uuid(), 'mine', '{runs.read}')"),
];
