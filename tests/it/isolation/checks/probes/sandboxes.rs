//! What stands between a workspace's people and its sandboxes, and between its sandboxes and everybody else's.

use super::{Probe, Want, Who, empty, harmless, refused};

const IN: Who = Who::Inside;

/// A statement of the superuser after a sandbox of a workspace was made; its rows are beside theirs.
macro_rules! with_sandbox {
    ($of:literal, $then:literal) => {
        concat!(
            "insert into system.tenants (id, name, state, placement, database_name, schema_name, role_name, created_at, sandbox_of)
             values ('00000000-0000-4000-8000-0000000000f1', 'a sandbox', 'active', 'pooled', current_database(), '{theirs}',
                     '{theirs}', now(), '",
            $of,
            "'); ",
            $then
        )
    };
}

/// Somebody who administers our workspace, has a session in its sandbox, and is a member of theirs.
const BOTH: &str = with_sandbox!(
    "{our_id}",
    "insert into system.users (id, provider, directory_id, object_id, created_at)
     values ('00000000-0000-4000-8000-0000000000a7', 'entra', gen_random_uuid(), gen_random_uuid(), now());
     insert into system.memberships (tenant_id, user_id, role, created_at, updated_at)
     values ('{our_id}', '00000000-0000-4000-8000-0000000000a7', 'administrator', now(), now()),
            ('{their_id}', '00000000-0000-4000-8000-0000000000a7', 'operator', now(), now());
     insert into system.sessions (id, user_id, tenant_id, created_at, expires_at)
     values (gen_random_uuid(), '00000000-0000-4000-8000-0000000000a7', '00000000-0000-4000-8000-0000000000f1', now(),
             now() + interval '1 hour')"
);

/// They are where they should not be any more, or not where they still should be.
const NOT_OUT: &str = "
    select from system.memberships
    where user_id = '00000000-0000-4000-8000-0000000000a7' and (state = 'active') <> (tenant_id = '{their_id}')
    union all
    select from system.sessions where user_id = '00000000-0000-4000-8000-0000000000a7' and ended_at is null
    union all
    select where not exists (select from system.memberships where tenant_id = '00000000-0000-4000-8000-0000000000f1')";

/// See the module.
pub(super) const ALL: &[Probe] = &[
    Probe {
        given: with_sandbox!("{their_id}", ""),
        ..empty(
            IN,
            "no sandbox of theirs is told",
            "select id from system.sandboxes('ffffffff-ffff-ffff-ffff-ffffffffffff', 100)",
        )
    },
    Probe {
        given: with_sandbox!("{our_id}", ""),
        want: Want::Fails("SB409"),
        ..refused(
            IN,
            "a workspace does not go before its sandboxes",
            "select system.deletion_begin((select w.name from system.workspace() w))",
        )
    },
    Probe {
        given: BOTH,
        ..harmless(
            "who is out of ours is out of its sandboxes, and of nothing else",
            "select 1 / system.member_change('00000000-0000-4000-8000-0000000000a7', null, null)::integer",
            NOT_OUT,
        )
    },
    Probe {
        given: "update system.tenants set sandbox_of = '{their_id}' where id = '{our_id}';
                insert into system.users (id, provider, directory_id, object_id, created_at)
                values ('00000000-0000-4000-8000-0000000000a7', 'entra', gen_random_uuid(), gen_random_uuid(), now());
                insert into system.memberships (tenant_id, user_id, role, created_at, updated_at)
                values ('{our_id}', '00000000-0000-4000-8000-0000000000a7', 'administrator', now(), now()),
                       ('{their_id}', '{our_user}', 'administrator', now(), now())",
        want: Want::Fails("SB409"),
        ..refused(
            IN,
            "who administers the origin stays in its sandbox",
            "select system.member_change('{our_user}', null, 'operator')",
        )
    },
    refused(IN, "nobody is led into a sandbox by hand", "select system.follow_into('{their_id}', '{our_user}', true, false)"),
];
