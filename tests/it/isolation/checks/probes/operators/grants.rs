//! Grants: who has one, for what and for how long, and the scope that one opens.

use super::{super::empty, AS_OPERATORS, OPERATORS, Probe, Want, Who, done, each, fail, refused};

/// For a workspace for which our operator has none.
pub(super) const GRANT: &str = call!(
    "operator_grant",
    "'{their_id}', '00000000-0000-4000-8000-0000000000b9', 'a reason of ten', 'OPS-17', 60,"
);
pub(super) const CLOSE: &str = call!("operator_grant_close", "'00000000-0000-4000-8000-0000000000b5',");
pub(super) const LOOK: &str = call!("operator_look", "'{our_id}', 'jobs.list', 'job', null,");
pub(super) const OPEN: &str = "select from system.authorize_operator('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1', '{our_id}', '{ours}')";

/// What the door asks before it goes to another database.
const COUNT: &str = "select system.operator_open_grants('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1')";

/// The count of our operator's open grants is another one.
const fn counted(given: &'static str, claim: &'static str, statement: &'static str) -> Probe {
    Probe { want: Want::NoRows, ..done(given, claim, statement, "") }
}

/// No row of the call in a workspace's own log; or one with the operator's name.
const NO_TWIN: &str = "select 1 where not exists
    (select from (select * from \"{ours}\".audit union all select * from \"{theirs}\".audit) a
     where a.id = '00000000-0000-4000-8000-0000000000b8' and a.request_id = 'a request' and a.actor_id = '00000000-0000-4000-8000-0000000000b1'
       and a.actor_name not like '%Canary%')
    union all select 1 where current_setting('app.tenant_id', true) <> ''";

/// A look and the opening of a scope, refused alike.
const fn closed(given: &'static str, claim: &'static str, code: &'static str) -> [Probe; 2] {
    [
        Probe { statement: LOOK, ..fail(given, AS_OPERATORS, claim, code) },
        Probe { statement: OPEN, ..fail(given, OPERATORS, claim, code) },
    ]
}

/// The scope of an operator, with a session that is none.
const fn unknown(given: &'static str, claim: &'static str) -> Probe {
    Probe { statement: OPEN, ..fail(given, OPERATORS, claim, "SB401") }
}

/// Opens their workspace by what is said of ours, or the other way round.
const fn crossed(claim: &'static str, code: &'static str, statement: &'static str) -> Probe {
    Probe { statement, ..fail(operating!(""), OPERATORS, claim, code) }
}

/// A grant that is refused.
const fn ungranted(
    given: &'static str,
    claim: &'static str,
    code: &'static str,
    statement: &'static str,
) -> Probe {
    Probe { statement, ..fail(given, AS_OPERATORS, claim, code) }
}

/// What a scope that only reads is asked to write.
const WRITES: [&str; 6] = [
    "insert into vaults (id, name, kind, created_at, updated_at, updated_by) values (gen_random_uuid(), 'x', 'managed', now(), now(), '{our_user}')",
    "update vaults set name = 'x'",
    "delete from vaults",
    "select id from vaults for update",
    "select system.enqueue(array[gen_random_uuid()], array['run'], array[gen_random_uuid()], array[null::timestamptz])",
    "select system.due_set('poll', gen_random_uuid(), now())",
];

/// See the module.
pub(in super::super) const ALL: &[&[Probe]] = &[
    &[
        counted(
            operating!(""),
            "an operator's own grants are counted, and nobody else's",
            "select from system.operator_open_grants('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1') n
             where n <> 1",
        ),
        counted(
            operating!("update system.operator_grants set closed_at = now()"),
            "a grant that was closed is not counted",
            "select from system.operator_open_grants('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1') n
             where n <> 0",
        ),
        ungranted("", "a session that never was counts no grants", "SB401", COUNT),
        ungranted(
            operating!("update system.operator_sessions set ended_at = now()"),
            "a session that ended counts no grants",
            "SB401",
            COUNT,
        ),
        Probe {
            statement: COUNT,
            ..fail(operating!(""), OPERATORS, "the operators' login counts no grants without its group", "42501")
        },
        Probe { statement: COUNT, ..fail(operating!(""), Who::Inside, "a workspace counts no grants", "42501") },
    ],
    &closed(
        operating!("delete from system.operator_grants"),
        "without a grant a workspace is closed",
        "SB403",
    ),
    &closed(
        operating!(
            "update system.operator_grants set opened_at = opened_at - interval '2 hours', expires_at = expires_at - interval '2 hours'"
        ),
        "a grant that expired opens nothing",
        "SB403",
    ),
    &closed(
        operating!("update system.operator_grants set closed_at = now()"),
        "a grant that was closed opens nothing",
        "SB403",
    ),
    &closed(
        operating!("update system.operator_grants set tenant_id = '{their_id}'"),
        "a grant for another workspace opens nothing",
        "SB403",
    ),
    &closed(
        operating!("update system.operator_grants set operator_id = '00000000-0000-4000-8000-0000000000b2'"),
        "a grant of another operator opens nothing",
        "SB403",
    ),
    &closed(
        operating!("update system.tenants set state = 'purging' where id = '{our_id}'"),
        "nobody looks into what is purged, whatever grant is open",
        "SB404",
    ),
    &closed(
        operating!("update system.tenants set state = 'deleted' where id = '{our_id}'"),
        "nobody looks into what is deleted",
        "SB404",
    ),
    &SCOPE,
    &each(
        done(
            operating!("delete from system.operator_grants where tenant_id = '{their_id}'"),
            "what names a workspace is in its log too",
            "",
            NO_TWIN,
        ),
        [GRANT, CLOSE, LOOK, super::overview::ONE],
    ),
    &each(fail("", Who::Looking, "an operator in a workspace writes nothing", "25006"), WRITES),
    &each(
        Probe {
            who: Who::Unguarded,
            ..done("", "it is reading only that keeps an operator from writing", "", "")
        },
        WRITES,
    ),
    ASKED,
];

const SCOPE: [Probe; 12] = [
    Probe { who: OPERATORS, ..done(operating!(""), "a grant opens its workspace", OPEN, "") },
    Probe {
        who: OPERATORS,
        ..done(
            operating!("update system.tenants set state = 'deleting' where id = '{our_id}'"),
            "a grant opens what may be taken back",
            OPEN,
            "",
        )
    },
    unknown("", "no scope for a session that never was"),
    unknown(
        operating!(
            "update system.operator_sessions set id = gen_random_uuid() where id = '00000000-0000-4000-8000-0000000000b3'"
        ),
        "no scope for a session that is not named",
    ),
    unknown(
        operating!(
            "update system.operator_sessions set operator_id = '00000000-0000-4000-8000-0000000000b2'"
        ),
        "no scope for another operator's session",
    ),
    unknown(
        operating!("update system.operator_sessions set ended_at = now()"),
        "no scope for a session that ended",
    ),
    unknown(
        operating!("update system.operator_sessions set expires_at = now() - interval '1 second'"),
        "no scope for a session that expired",
    ),
    Probe {
        who: Who::Login("signalbox_portal"),
        ..unknown(
            operating!("grant execute on function system.authorize_operator to signalbox_portal"),
            "no operator's scope for another login",
        )
    },
    crossed(
        "a grant for ours does not open theirs",
        "SB403",
        "select from system.authorize_operator('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1', '{their_id}', '{theirs}')",
    ),
    crossed(
        "a grant for ours does not open their id",
        "SB403",
        "select from system.authorize_operator('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1', '{their_id}', '{ours}')",
    ),
    crossed(
        "a grant for ours does not open their schema",
        "SB404",
        "select from system.authorize_operator('00000000-0000-4000-8000-0000000000b3', '00000000-0000-4000-8000-0000000000b1', '{our_id}', '{theirs}')",
    ),
    Probe {
        statement: OPEN,
        ..fail(operating!(""), AS_OPERATORS, "a scope is opened by the login alone", "42501")
    },
];

const ASKED: &[Probe] = &[
    ungranted(operating!(""), "one grant a workspace is open", "SB409",
        call!("operator_grant", "'{our_id}', '00000000-0000-4000-8000-0000000000b9', 'a reason of ten', 'OPS-17', 60,")),
    ungranted(
        operating!("insert into system.operator_grants (id, operator_id, tenant_id, reason, ticket, minutes, opened_at, expires_at)
                    select gen_random_uuid(), '00000000-0000-4000-8000-0000000000b1', '{our_id}', 'one of several', 'OPS-17', 60, now(), now() + interval '60 minutes'
                    from generate_series(1, 4)"),
        "five grants in all are open", "SB409", GRANT),
    ungranted(operating!("update system.tenants set state = 'purging' where id = '{their_id}'"),
        "no grant for what is purged", "SB404", GRANT),
    ungranted(operating!("update system.tenants set state = 'spare' where id = '{their_id}'"),
        "no grant for what is nobody's yet", "SB404", GRANT),
    ungranted(operating!(""), "no grant for longer than an hour", "23514",
        call!("operator_grant", "'{their_id}', '00000000-0000-4000-8000-0000000000b9', 'a reason of ten', 'OPS-17', 61,")),
    ungranted(operating!(""), "no grant without a reason", "23514",
        call!("operator_grant", "'{their_id}', '00000000-0000-4000-8000-0000000000b9', 'no reason', 'OPS-17', 60,")),
    ungranted(operating!(""), "no grant without a ticket", "23514",
        call!("operator_grant", "'{their_id}', '00000000-0000-4000-8000-0000000000b9', 'a reason of ten', '', 60,")),
    done(operating!(""), "a grant is the operator's who asked, for the workspace and the time they said", GRANT,
        "select 1 where not exists
         (select from system.operator_grants where id = '00000000-0000-4000-8000-0000000000b9' and operator_id = '00000000-0000-4000-8000-0000000000b1'
          and tenant_id = '{their_id}' and expires_at = opened_at + interval '60 minutes')"),
    ungranted(operating!(""), "no operator closes another's grant, or is told of it", "SB404",
        call!("operator_grant_close", "'00000000-0000-4000-8000-0000000000b6',")),
    done(operating!("update system.operator_grants set closed_at = now() - interval '1 minute'"), "a grant that was closed stays as it ended", CLOSE,
        "select from system.operator_grants where id = '00000000-0000-4000-8000-0000000000b5' and closed_at > now() - interval '1 minute'"),
    Probe {
        want: Want::NoRows,
        ..done(operating!(""), "no grant of another operator is listed",
            concat!("select from (", call!("operator_grants", "'ffffffff-ffff-ffff-ffff-ffffffffffff', 1000,"),
                    ") g where g.id = '00000000-0000-4000-8000-0000000000b6'"), "")
    },
    Probe {
        statement: "select from system.tenant_salts()",
        ..fail("", Who::Looking, "an operator in a workspace is told no key", "SB401")
    },
    refused(Who::Looking, "an operator in a workspace reads none of theirs", "select id from \"{theirs}\".vaults"),
    empty(Who::Looking, "an operator in a workspace sees no row beside it", "select id from vaults where name = 'beside'"),
    Probe {
        statement: "set transaction read write",
        ..fail("", Who::Looking, "what only reads does not begin to write", "25001")
    },
];
