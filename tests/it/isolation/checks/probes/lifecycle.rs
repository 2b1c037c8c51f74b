//! What is done to a workspace as a whole, tried from inside ours: operations, suspension, deletion, export, evidence.

use super::{Probe, Want, Who, empty, harmless, refused};

const IN: Who = Who::Inside;

/// See the module.
pub(super) const ALL: &[Probe] = &[
    empty(
        IN,
        "no operation of theirs is told",
        "select id from system.operations_of(null, '00000000-0000-4000-8000-0000000000e1', null, 10)",
    ),
    empty(
        IN,
        "no operation of theirs is listed",
        "select id from system.operations_of('export', null, null, 100)",
    ),
    harmless(
        "no operation of theirs is taken back",
        "select system.operation_cancel('00000000-0000-4000-8000-0000000000e1')",
        "select from system.operations where id = '00000000-0000-4000-8000-0000000000e1' and state <> 'pending'",
    ),
    harmless(
        "what is asked for is done to ours",
        "select system.operation_ask('00000000-0000-4000-8000-0000000000e2', 'export', false, '{}', null, null)",
        "select from system.operations where id = '00000000-0000-4000-8000-0000000000e2' and tenant_id <> '{our_id}'",
    ),
    harmless(
        "their workspace is not suspended",
        "select system.suspend_begin()",
        "select from system.tenants where id = '{their_id}' and state <> 'active'",
    ),
    Probe {
        given: "update system.tenants set state = 'suspended' where id in ('{our_id}', '{their_id}')",
        ..harmless(
            "their suspension is not ended",
            "select system.reactivate()",
            "select from system.tenants where id = '{their_id}' and state <> 'suspended'",
        )
    },
    refused(Who::Stranger, "a stranger suspends nothing", "select system.suspend_begin()"),
    Probe {
        given: "update system.tenants set state = 'suspended' where id = '{our_id}'",
        ..refused(Who::Stranger, "a stranger ends no suspension", "select system.reactivate()")
    },
    refused(
        Who::Stranger,
        "a stranger asks for nothing",
        "select system.operation_ask(gen_random_uuid(), 'export', false, '{}', null, null)",
    ),
    refused(
        Who::Stranger,
        "a stranger takes nothing back",
        "select system.operation_cancel(gen_random_uuid())",
    ),
    Probe {
        want: Want::Fails("SB409"),
        ..refused(IN, "another name deletes nothing", "select system.deletion_begin('another name')")
    },
    harmless(
        "their workspace is not deleted",
        "select system.deletion_begin((select w.name from system.workspace() w))",
        "select from system.tenants where id = '{their_id}' and state <> 'active'",
    ),
    Probe {
        given: "update system.tenants set state = 'deleting' where id in ('{our_id}', '{their_id}');
                insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
                values (gen_random_uuid(), '{their_id}', 'deletion', true, '{\"before\": \"active\"}', now() + interval '1 day', now())",
        want: Want::Fails("SB409"),
        ..refused(IN, "their deletion is not taken back by us", "select system.deletion_undo()")
    },
    Probe {
        given: "update system.tenants set state = 'deleting' where id in ('{our_id}', '{their_id}');
                insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
                values (gen_random_uuid(), '{our_id}', 'deletion', true, '{\"before\": \"active\"}', now() + interval '1 day', now())",
        ..harmless(
            "taking ours back leaves theirs",
            "select system.deletion_undo()",
            "select from system.tenants where id = '{their_id}' and state <> 'deleting'",
        )
    },
    Probe {
        given: "update system.tenants set state = 'deleting' where id = '{our_id}';
                insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
                values (gen_random_uuid(), '{our_id}', 'deletion', true, '{\"before\": \"active\"}', now() - interval '1 second', now())",
        want: Want::Fails("SB409"),
        ..refused(IN, "a grace that is over is not taken back", "select system.deletion_undo()")
    },
    refused(
        Who::Stranger,
        "a stranger deletes nothing",
        "select system.deletion_begin((select w.name from system.workspace() w))",
    ),
    Probe {
        given: "update system.tenants set state = 'deleting' where id = '{our_id}';
                insert into system.operations (id, tenant_id, kind, exclusive, request, not_before, created_at)
                values (gen_random_uuid(), '{our_id}', 'deletion', true, '{\"before\": \"active\"}', now() + interval '1 day', now())",
        ..refused(Who::Stranger, "a stranger takes no deletion back", "select system.deletion_undo()")
    },
    refused(IN, "the portal does not export", "select from system.exported()"),
    Probe {
        who: Who::Exporting,
        ..harmless("what is ours is exported", "select 1 / count(*) from system.exported()", "")
    },
    empty(
        Who::Exporting,
        "nothing of theirs is exported",
        "select line from system.exported() where line ~ '(theirs|{their_id}|{their_user}|0000000000[ade])'",
    ),
    refused(IN, "no deletion is hastened", "select system.deletion_fence('{their_id}')"),
    refused(IN, "nothing is counted of them", "select from system.count_content('{their_id}')"),
    refused(IN, "nothing of them is purged", "select system.purge_rows('{their_id}', '{outbox}')"),
    refused(IN, "nobody is buried", "select system.bury('{their_id}', null, '{}')"),
    refused(IN, "leftovers are not told", "select from system.leftovers()"),
    empty(IN, "no evidence of theirs is told", "select from system.isolation_evidence() where attempts = 4711"),
    empty(IN, "one snapshot is told, ours", "select from system.snapshot() having count(*) <> 1"),
    refused(Who::OtherSetting, "nothing is suspended by a setting", "select system.suspend_begin()"),
    refused(IN, "no calls of theirs are leased", "select from system.lease_tokens('{their_id}', 'api', 1, 1, 1, 1, 1)"),
    refused(IN, "and none as before", "select from system.lease_tokens('{their_id}', 'api', 1, 1, 1, 1)"),
    refused(IN, "no calls of theirs are counted", "select from system.note_calls(array['{their_id}']::uuid[], '{1}', '{1}')"),
    empty(IN, "our members are counted alone", "select from system.count_members() as c (n) where n <> 1"),
    empty(IN, "our archives are counted alone", "select from system.count_kept('export', null) as c (n) where n <> 0"),
    empty(IN, "our runs are counted alone", "select from system.runs_left(10) where runs <> 10"),
    empty(IN, "our limits are told alone", "select from system.own_limits() where value = 4711"),
    empty(IN, "our use is told alone", "select from system.usage_by_day(2) where runs >= 4711"),
    empty(IN, "our figures are told alone", "select from system.metrics_by_day(2) where runs >= 4711"),
];
