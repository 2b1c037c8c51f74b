//! The platform operators' door: each of its functions, called by whoever is no operator with a live session at that door.
//! [`grants`] tries what a grant opens, [`overview`] what is told without one.

/// A statement of the superuser after an operator of ours holds a grant for our workspace, and another one for theirs.
macro_rules! operating {
    ($then:literal) => {
        concat!("insert into system.operators (id, directory_id, object_id, display_name, created_at) values
                     ('00000000-0000-4000-8000-0000000000b1', gen_random_uuid(), gen_random_uuid(), 'Olga Canary', now()),
                     ('00000000-0000-4000-8000-0000000000b2', gen_random_uuid(), gen_random_uuid(), 'Otto Other', now());
                 insert into system.operator_sessions (id, operator_id, created_at, expires_at) values
                     ('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1', now(), now() + interval '1 hour'),
                     ('00000000-0000-4000-8000-0000000000b4', '00000000-0000-4000-8000-0000000000b2', now(), now() + interval '1 hour');
                 insert into system.operator_grants (id, operator_id, tenant_id, reason, ticket, minutes, opened_at, expires_at) values
                     ('00000000-0000-4000-8000-0000000000b5', '00000000-0000-4000-8000-0000000000b1', '{our_id}', 'a reason of ours', 'ours', 60,
                      now(), now() + interval '60 minutes'),
                     ('00000000-0000-4000-8000-0000000000b6', '00000000-0000-4000-8000-0000000000b2', '{their_id}', 'a reason of theirs', 'theirs', 60,
                      now(), now() + interval '60 minutes');
                 insert into system.operator_audit (id, at, operator_id, operator_name, session_id, action, tenant_id, target_kind) values
                     ('00000000-0000-4000-8000-0000000000b7', now(), '00000000-0000-4000-8000-0000000000b2', 'Otto Other',
                      '00000000-0000-4000-8000-0000000000b4', 'jobs.list', '{their_id}', 'job'); ", $then)
    };
}

/// A call by our operator: `function, what stands between who asks and the audit row`.
macro_rules! call {
    ($function:literal, $arguments:literal) => {
        concat!(
            "select * from system.",
            $function,
            "('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1', ",
            $arguments,
            " '00000000-0000-4000-8000-0000000000b8', 'a request', 'an address')"
        )
    };
}

mod grants;
mod overview;

use super::{Probe, Want, Who, once, refused};

pub(super) use {grants::ALL as GRANTS, overview::ALL as OVERVIEW};

const OPERATORS: Who = Who::Login("signalbox_operators");
const AS_OPERATORS: Who = Who::Group("signalbox_operators", "system_operators");
const AS_PORTAL: Who = Who::Group("signalbox_portal", "system_portal");

const SIGN_IN: &str = "select * from system.operator_sign_in('00000000-0000-4000-8000-0000000000b9', '00000000-0000-4000-8000-0000000000b9', 'Olga Canary',
    array['00000000-0000-4000-8000-0000000000ba', '00000000-0000-4000-8000-0000000000bb', '00000000-0000-4000-8000-0000000000b8']::uuid[],
    interval '1 hour', 'a request', 'an address')";
const BEGIN: &str = "select system.operator_session_begin('00000000-0000-4000-8000-0000000000bb', '00000000-0000-4000-8000-0000000000ba', gen_random_uuid(),
    gen_random_uuid(), 'Olga Canary', now() + interval '1 hour', '00000000-0000-4000-8000-0000000000b8', 'a request', 'an address')";
const SIGN_OUT: &str = call!("operator_sign_out", "");
const NOTE: &str = call!("operator_note", "'me.get',");
const GRANTS_LIST: &str = call!("operator_grants", "'ffffffff-ffff-ffff-ffff-ffffffffffff', 100,");
const AUDIT_OF_OURS: &str =
    call!("operator_audit_list", "'ffffffff-ffff-ffff-ffff-ffffffffffff', 100, '{our_id}',");

/// What the door's group calls with a session.
const CALLS: [&str; 11] = [
    SIGN_OUT,
    NOTE,
    GRANTS_LIST,
    AUDIT_OF_OURS,
    grants::GRANT,
    grants::CLOSE,
    grants::LOOK,
    overview::ONE,
    overview::LIST,
    overview::TOTALS,
    overview::OPERATIONS,
];
/// What it calls to have one; and the way into a workspace, which is its login's.
const OTHERS: [&str; 3] = [SIGN_IN, BEGIN, grants::OPEN];
/// What the functions are made of, and nobody calls.
const PARTS: [&str; 6] = [
    "select system.operator_session('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1')",
    "select system.operator_tenant('{our_id}')",
    "select system.operator_grant_open('00000000-0000-4000-8000-0000000000b1', '{our_id}')",
    "select system.write_operator_audit(null, '00000000-0000-4000-8000-0000000000b3', gen_random_uuid(), 'x', '{our_id}', null, 'x', null, '{}', '', '')",
    "select system.overview_of(null::system.tenants, now())",
    "select system.keep_operator_audit()",
];

/// One caller with each of these statements.
const fn each<const N: usize>(probe: Probe, statements: [&'static str; N]) -> [Probe; N] {
    let mut probes = [probe; N];
    let mut at = 0;
    while at < N {
        probes[at].statement = statements[at];
        at += 1;
    }
    probes
}

/// Each is refused for this, after the superuser has done something.
const fn fail(given: &'static str, who: Who, claim: &'static str, code: &'static str) -> Probe {
    Probe { want: Want::Fails(code), ..once(given, who, claim, "") }
}

/// What goes through, or the refusals would say nothing, and what a look afterwards may not find.
const fn done(
    given: &'static str,
    claim: &'static str,
    statement: &'static str,
    after: &'static str,
) -> Probe {
    Probe { claim, who: AS_OPERATORS, given, statement, want: Want::Done, after }
}

/// No row of the call in the operators' log.
const NOT_LOGGED: &str = "select 1 where not exists
    (select from system.operator_audit a where a.id = '00000000-0000-4000-8000-0000000000b8' and a.session_id in
        ('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000bb') and a.request_id = 'a request')";

/// Every function that asks for a session, without the session it asks for.
pub(super) const SESSIONS: &[&[Probe]] = &[
    &each(done(operating!(""), "no answer without its row in the log", "", NOT_LOGGED), CALLS),
    &each(fail("", AS_OPERATORS, "a session that never was is none", "SB401"), CALLS),
    &each(
        fail(
            operating!(
                "update system.operator_sessions set id = gen_random_uuid() where id = '00000000-0000-4000-8000-0000000000b3'"
            ),
            AS_OPERATORS,
            "an operator's session is the one that is named",
            "SB401",
        ),
        CALLS,
    ),
    &each(
        fail(
            operating!(
                "update system.operator_sessions set operator_id = '00000000-0000-4000-8000-0000000000b2'"
            ),
            AS_OPERATORS,
            "an operator's session is their own",
            "SB401",
        ),
        CALLS,
    ),
    &each(
        fail(
            operating!("update system.operator_sessions set ended_at = now()"),
            AS_OPERATORS,
            "an operator's session that ended is none",
            "SB401",
        ),
        CALLS,
    ),
    &each(
        fail(
            operating!("update system.operator_sessions set expires_at = now() - interval '1 second'"),
            AS_OPERATORS,
            "an operator's session that expired is none",
            "SB401",
        ),
        CALLS,
    ),
    &each(
        fail(
            operating!("grant system_operators to signalbox_portal"),
            Who::Group("signalbox_portal", "system_operators"),
            "another login's session is none, whatever group it is in",
            "SB401",
        ),
        CALLS,
    ),
];

/// Every function, by whoever it was not granted to.
pub(super) const CALLERS: &[&[Probe]] = &[
    &each(
        fail(operating!(""), OPERATORS, "the operators' login calls nothing without its group", "42501"),
        CALLS,
    ),
    &each(
        fail(operating!(""), AS_PORTAL, "the portal's group calls nothing of the operators'", "42501"),
        CALLS,
    ),
    &each(fail(operating!(""), AS_PORTAL, "the portal's group is no operator", "42501"), OTHERS),
    &each(
        fail(
            operating!(""),
            Who::Group("signalbox_signin", "system_signin"),
            "sign-in's group calls nothing of the operators'",
            "42501",
        ),
        CALLS,
    ),
    &each(
        fail(
            operating!(""),
            Who::Group("signalbox_signin", "system_signin"),
            "sign-in makes no operator",
            "42501",
        ),
        OTHERS,
    ),
    &each(fail(operating!(""), Who::Inside, "a workspace calls nothing of the operators'", "42501"), CALLS),
    &each(fail(operating!(""), Who::Inside, "nobody in a workspace is an operator", "42501"), OTHERS),
    &each(
        fail(operating!(""), Who::Looking, "an operator in a workspace is nothing but in it", "42501"),
        CALLS,
    ),
    &each(fail(operating!(""), AS_OPERATORS, "what the functions are made of is nobody's", "42501"), PARTS),
    &each(
        fail(operating!(""), Who::Inside, "what the functions are made of is no workspace's", "42501"),
        PARTS,
    ),
];

/// Signing in and out, and what stands beside the functions.
pub(super) const ALL: &[Probe] = &[
    done("", "an operator signs in, and it is in the log", SIGN_IN, NOT_LOGGED),
    done("", "a session that began elsewhere begins here, and it is in the log", BEGIN, NOT_LOGGED),
    Probe {
        statement: BEGIN,
        ..fail(
            "grant system_operators to signalbox_portal",
            Who::Group("signalbox_portal", "system_operators"),
            "no session that began elsewhere begins at another door",
            "SB401",
        )
    },
    Probe {
        statement: SIGN_IN,
        ..fail(
            "grant system_operators to signalbox_portal",
            Who::Group("signalbox_portal", "system_operators"),
            "nobody signs in as an operator at another door",
            "SB401",
        )
    },
    done(
        operating!(""),
        "an operator who signs out ends their own session, and no other",
        SIGN_OUT,
        "select from system.operator_sessions s
         where s.id::text like '00000000-0000-4000-8000-%'
           and (s.ended_at is not null) <> (s.id = '00000000-0000-4000-8000-0000000000b3')",
    ),
    Probe {
        want: Want::NoRows,
        ..done(
            operating!(""),
            "an operator is told of their own session alone",
            "select from system.operator_note('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1', 'me.get',
                 '00000000-0000-4000-8000-0000000000b8', '', '') having count(*) <> 1",
            "",
        )
    },
    Probe {
        want: Want::NoRows,
        ..done(
            operating!(""),
            "the log of one workspace has none of another's rows",
            concat!(
                "select from (",
                call!("operator_audit_list", "'ffffffff-ffff-ffff-ffff-ffffffffffff', 1000, '{our_id}',"),
                ") a where a.workspace_id is distinct from '{our_id}'"
            ),
            "",
        )
    },
    kept("the operators' log is not changed", "update system.operator_audit set action = 'x'"),
    kept("the operators' log is not emptied", "delete from system.operator_audit"),
    kept("the operators' log is not truncated", "truncate system.operator_audit"),
    refused(AS_OPERATORS, "the operators' group reads no log", "select id from system.operator_audit"),
    refused(AS_OPERATORS, "the operators' group reads no grants", "select reason from system.operator_grants"),
    refused(AS_OPERATORS, "the operators' group makes no session", "insert into system.operator_sessions default values"),
    refused(AS_OPERATORS, "the operators' group reads no operators", "select display_name from system.operators"),
    refused(AS_OPERATORS, "the operators' group reads no workspaces", "select name from system.tenants"),
    refused(AS_OPERATORS, "the operators' group reads no people", "select display_name from system.users"),
    refused(AS_OPERATORS, "the operators' group reads no keys", "select salt from system.tenant_keys"),
    refused(AS_OPERATORS, "the operators' group reads no operations", "select error from system.operations"),
    refused(AS_OPERATORS, "the operators' group reads no failures", "select error from system.rollout_failures"),
    refused(AS_OPERATORS, "the operators' group reads no workspace's table", "select id from \"{ours}\".vaults"),
    refused(OPERATORS, "the operators' login is not the portal", "set local role system_portal"),
    refused(OPERATORS, "the operators' login is not the owner", "set local role signalbox_owner"),
    refused(
        OPERATORS,
        "an operator opens no scope of a person",
        "select from system.authorize('{our_session}', null, '{our_user}', '{our_id}', '{ours}', 'vaults.read', '{administrator}')",
    ),
    refused(
        OPERATORS,
        "an operator opens no scope of a worker",
        "select from system.authorize(null, null, null, '{our_id}', '{ours}', '', '{}')",
    ),
    refused(Who::Inside, "a workspace reads no operators' log", "select id from system.operator_audit"),
    refused(Who::Inside, "a workspace reads no grants", "select reason from system.operator_grants"),
    refused(Who::Inside, "a workspace reads no operators", "select display_name from system.operators"),
];

/// Not even the owner does it.
const fn kept(claim: &'static str, statement: &'static str) -> Probe {
    Probe { statement, ..fail(operating!(""), Who::Login("signalbox_owner"), claim, "42501") }
}
