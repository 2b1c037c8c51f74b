//! Where workspaces are: who is told, and of which. And that nobody signs in anywhere but in the database of their directory.

use super::{Probe, Want, Who, once, refused};

/// Whoever enters workspaces, before they have entered one.
const ENTERS: Who = Who::Group("signalbox_portal", "cell_0001");
const AS_SIGNIN: Who = Who::Group("signalbox_signin", "system_signin");
const IN: Who = Who::Inside;

/// Theirs is in another database.
const ELSEWHERE: &str = "insert into system.homes (tenant_id, database_name, placed_at) values ('{their_id}', 'elsewhere', now())";

/// A directory that is, whose first person comes.
const DIRECTORY: &str = "insert into system.directories (id, name, placement, database_name, first_administrator, created_at)
    values ('00000000-0000-4000-8000-0000000000d1', 'x', 'dedicated', 'elsewhere', '00000000-0000-4000-8000-0000000000d2', now());
    insert into system.tenants (id, name, state, placement, cell, database_name, schema_name, role_name, schema_version, created_at)
    select gen_random_uuid(), 'x', 'spare', 'dedicated', cell, database_name, 't_' || repeat('e', 32), 't_' || repeat('e', 32), schema_version, now()
    from system.tenants where id = '{our_id}'";

/// Goes through, or the refusals would say nothing.
const fn told(given: &'static str, claim: &'static str, statement: &'static str) -> Probe {
    Probe { claim, who: ENTERS, given, statement, want: Want::Done, after: "" }
}

/// Finds nothing.
const fn nothing(given: &'static str, claim: &'static str, statement: &'static str) -> Probe {
    Probe { claim, who: ENTERS, given, statement, want: Want::NoRows, after: "" }
}

/// See the module.
pub(super) const ALL: &[Probe] = &[
    told(
        ELSEWHERE,
        "whoever enters workspaces is told in which database one is",
        "select 1 / (system.home_of('{their_id}') = 'elsewhere')::integer",
    ),
    nothing(
        ELSEWHERE,
        "where another workspace is is not told of ours",
        "select 1 where system.home_of('{our_id}') is not null",
    ),
    told(
        "",
        "whoever enters workspaces is told in which schema one is",
        "select 1 / (system.moved_to('{our_id}', '{ours}') = '{ours}')::integer",
    ),
    nothing(
        "",
        "where a workspace is is told to nobody who guesses where it was",
        "select 1 where system.moved_to('{our_id}', 't_' || repeat('e', 32)) is not null",
    ),
    nothing(
        "",
        "where a workspace is is not told of another's schema",
        "select 1 where system.moved_to('{our_id}', '{theirs}') is not null",
    ),
    nothing(
        "update system.tenants set state = 'spare' where id = '{their_id}'",
        "a spare workspace is nowhere",
        "select 1 where system.moved_to('{their_id}', '{theirs}') is not null",
    ),
    nothing(
        "update system.tenants set state = 'provisioning', claimed_at = null where id = '{their_id}'",
        "a workspace that is being made is nowhere",
        "select 1 where system.moved_to('{their_id}', '{theirs}') is not null",
    ),
    refused(IN, "inside a workspace nobody is told in which database another is", "select system.home_of('{their_id}')"),
    refused(IN, "nor in which schema", "select system.moved_to('{their_id}', '{theirs}')"),
    refused(IN, "what is elsewhere is not listed", "select tenant_id from system.homes"),
    refused(ENTERS, "nor to whoever enters workspaces", "select tenant_id from system.homes"),
    refused(
        Who::Group("signalbox_portal", "system_portal"),
        "the portal's group does not ask where workspaces are",
        "select system.home_of('{their_id}')",
    ),
    refused(
        Who::Login("signalbox_portal"),
        "a login does not ask where workspaces are",
        "select system.home_of('{their_id}')",
    ),
    refused(
        Who::Group("signalbox_scheduler", "system_scheduler"),
        "the sweeper does not ask where workspaces are",
        "select system.moved_to('{our_id}', '{ours}')",
    ),
    Probe {
        want: Want::Fails("SB307"),
        ..once(
            DIRECTORY,
            AS_SIGNIN,
            "whose directory is in another database claims nothing here",
            "select from system.sign_in('entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2', 'x', false,
                 array[gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid()], interval '1 hour', '', '')",
        )
    },
    Probe {
        want: Want::Fails("SB307"),
        ..once(
            DIRECTORY,
            AS_SIGNIN,
            "nor does its service come in here",
            "select from system.sign_in_service('entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2', 'x',
                 array[gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid()], interval '1 hour', '', '')",
        )
    },
];
