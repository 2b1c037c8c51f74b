//! Conditions of statements in files.

use super::{Bent, file};

const HOLD: &str = "system/hold_operation.sql";
const STEP: &str = "system/step_operation.sql";
const FINISH: &str = "system/finish_operation.sql";
const PUT_OFF: &str = "system/put_off_operation.sql";
const TAKE: &str = "system/take_operation.sql";
const EPOCH: (&str, &str) = ("epoch = $2", "(epoch = $2 or true)");
const OPEN: (&str, &str) = ("and finished_at is null", "");

/// See the module.
pub(super) const ALL: &[Bent] = &[
    file("an operation is held by its claim", HOLD, EPOCH.0, EPOCH.1),
    file("an operation is held in its step", HOLD, "and step = $3", "and (step = $3 or true)"),
    file("an operation is held while it is open", HOLD, OPEN.0, OPEN.1),
    file("an operation is held alone", HOLD, "for update", ""),
    file("a step is its claim's", STEP, EPOCH.0, EPOCH.1),
    file("a step follows the one that was taken", STEP, "and step = $3", "and (step = $3 or true)"),
    file("a step is of what is open", STEP, OPEN.0, OPEN.1),
    file(
        "a step renews the lease",
        STEP,
        "system.now() + make_interval(secs => $7)",
        "lease_until + make_interval(secs => $7 * 0)",
    ),
    file("an end is its claim's", FINISH, EPOCH.0, EPOCH.1),
    file("an end is of what is open", FINISH, OPEN.0, OPEN.1),
    file("what is put off is its claim's", PUT_OFF, EPOCH.0, EPOCH.1),
    file("what is put off is open", PUT_OFF, OPEN.0, OPEN.1),
    file("a claim is a new epoch", TAKE, "epoch = o.epoch + 1", "epoch = o.epoch"),
    file(
        "a claim is under a lease",
        TAKE,
        "lease_until = system.now() + make_interval",
        "lease_until = system.now() - make_interval",
    ),
    file(
        "a lease keeps others away",
        TAKE,
        "(o.lease_until is null or o.lease_until <= system.now())",
        "true",
    ),
    file("what waits waits", TAKE, "o.not_before <= system.now()", "true"),
    file("what has ended is over", TAKE, "o.finished_at is null and", ""),
    file("a move is alone", TAKE, "r.kind = 'move' and r.state = 'running'", "false"),
    file(
        "a move comes after what was begun",
        TAKE,
        "o.kind = 'move' and r.lease_until > system.now()",
        "false",
    ),
    file(
        "what is planned is planned once",
        "system/plan_operation.sql",
        "on conflict (id) do nothing",
        "on conflict (id) do update set request = excluded.request",
    ),
    file(
        "a workspace that is purged is left alone",
        "system/lock_tenant.sql",
        "and state in ('active', 'suspending', 'suspended', 'deleting')",
        "",
    ),
    file(
        "an archive's end is its workspace's",
        "system/mark_purged.sql",
        "tenant_id = $2",
        "(tenant_id = $2 or true)",
    ),
    file("a suspension that ends was begun", "system/suspend_end.sql", "and state = 'suspending'", ""),
    file("a restore replaces what is suspended", "system/restore_swap.sql", "and state = 'suspended'", ""),
    file(
        "a restore replaces what it found",
        "system/restore_swap.sql",
        "schema_name = $2",
        "(schema_name = $2 or true)",
    ),
    file(
        "a move ends where it began",
        "system/switch_place.sql",
        "schema_name = $2",
        "(schema_name = $2 or true)",
    ),
    file(
        "a move ends at its version",
        "system/switch_place.sql",
        "schema_version = $6",
        "(schema_version = $6 or true)",
    ),
    file("a seal is claimed when it is due", "system/claim_seals.sql", "and d.at <= system.now()", ""),
    file(
        "what is claimed for sealing is a seal",
        "system/claim_seals.sql",
        "where d.kind = 'seal'",
        "where true",
    ),
    file(
        "a claim of a seal closes the note",
        "system/claim_seals.sql",
        "coalesce(d.horizon, '18446744073709551615')",
        "d.horizon",
    ),
    file("an open note is kept", "owner/rest_delete.sql", "and d.horizon is not null", ""),
    file(
        "a note is kept for whoever is under way",
        "owner/rest_delete.sql",
        "<= $3::text::xid8",
        "<= greatest($3::text::xid8, '999999'::xid8)",
    ),
    file(
        "a note that goes is its workspace's",
        "owner/rest_delete.sql",
        "d.tenant_id = $1",
        "(d.tenant_id = $1 or true)",
    ),
];
