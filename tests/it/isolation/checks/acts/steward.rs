//! The steward's statements: claims of operations, their steps and their end, the states of a workspace, what a deletion counts
//! and takes, what a move compares.

use super::{Act, Comes, Of, act};

/// An operation on our workspace that is worked on, of epoch 3, and what more is given.
macro_rules! working {
    ($($more:literal)*) => {
        concat!(
            "insert into system.operations (id, tenant_id, kind, exclusive, state, step, epoch, lease_until, not_before, created_at, started_at)
             values ('00000000-0000-4000-8000-0000000000f1', '{our_id}', 'export', false, 'running', 'start', 3,
                     system.now() + interval '1 minute', system.now() - interval '1 minute', system.now(), system.now());"
            $(, $more)*
        )
    };
}

/// The same, ended.
macro_rules! ended {
    () => {
        working!("update system.operations set state = 'succeeded', finished_at = system.now(), lease_until = null, result = '{}'
                  where id = '00000000-0000-4000-8000-0000000000f1'")
    };
}

/// A move of our workspace in a state and with a lease.
macro_rules! moving {
    ($state:literal, $lease:literal, $more:literal) => {
        working!(
            "insert into system.operations (id, tenant_id, kind, exclusive, state, lease_until, not_before, created_at)
             values ('00000000-0000-4000-8000-0000000000f2', '{our_id}', 'move', true, '" $state "', " $lease ",
                     system.now() - interval '1 hour', system.now());" $more
        )
    };
}

const HOLD: Of = Of::File("system/hold_operation.sql");
const STEP: Of = Of::File("system/step_operation.sql");
const FINISH: Of = Of::File("system/finish_operation.sql");
const PUT_OFF: Of = Of::File("system/put_off_operation.sql");
const TAKE: Of = Of::File("system/take_operation.sql");
const LOCK: Of = Of::File("system/lock_tenant.sql");
const PURGED: Of = Of::File("system/mark_purged.sql");
const SWAP: Of = Of::File("system/restore_swap.sql");
const SWITCH: Of = Of::File("system/switch_place.sql");
const VERSION: &str = "update system.tenants set schema_version = 77 where id = '{our_id}'";
const SUSPENDED: &str = "update system.tenants set state = 'suspended' where id = '{our_id}'";
const PURGING: &str = "update system.tenants set state = 'purging' where id = '{our_id}'";
const TAKING: &str = "60, '{}', 10";

/// That operation, and what else a statement is given.
macro_rules! one {
    ($more:literal) => {
        concat!("'00000000-0000-4000-8000-0000000000f1'", $more)
    };
}

/// One vault in each workspace.
const VAULTS: &str = "
    insert into \"{ours}\".vaults (tenant_id, id, name, kind, created_at, updated_at, updated_by)
    values ('{our_id}', '00000000-0000-4000-8000-00000000000b', 'ours', 'managed', now(), now(), '{our_user}');
    insert into \"{theirs}\".vaults (tenant_id, id, name, kind, created_at, updated_at, updated_by)
    values ('{their_id}', '00000000-0000-4000-8000-00000000000b', 'theirs', 'managed', now(), now(), '{our_user}');";

/// See the module.
pub(super) const ALL: &[Act] = &[
    Act {
        after: "select from system.operations where id = '00000000-0000-4000-8000-0000000000f1' and xmax::text = '0'",
        ..act("whoever holds an operation holds it alone", HOLD, working!(), one!(", 3, 'start'"), 1)
    },
    act("an older claim holds nothing", HOLD, working!(), one!(", 2, 'start'"), 0),
    act("what has ended is not held", HOLD, ended!(), one!(", 3, 'start'"), 0),
    act("another step is not held", HOLD, working!(), one!(", 3, 'next'"), 0),
    Act {
        after: "select from system.operations where id = '00000000-0000-4000-8000-0000000000f1'
                and (step <> 'next' or lease_until <= system.now() + interval '1 hour')",
        ..act(
            "a step is recorded with a new lease",
            STEP,
            working!(),
            one!(", 3, 'start', 'next', '{}', 0, 7200"),
            1,
        )
    },
    act("an older claim records no step", STEP, working!(), one!(", 2, 'start', 'next', '{}', 0, 60"), 0),
    act("a step is recorded once", STEP, working!(), one!(", 3, 'before', 'next', '{}', 0, 60"), 0),
    act("what has ended has no further step", STEP, ended!(), one!(", 3, 'start', 'next', '{}', 0, 60"), 0),
    act("an operation is ended", FINISH, working!(), one!(", 3, 'succeeded', '{}', null"), 1),
    act("an older claim ends nothing", FINISH, working!(), one!(", 2, 'succeeded', '{}', null"), 0),
    act("what has ended ends once", FINISH, ended!(), one!(", 3, 'failed', null, 'x'"), 0),
    act("an older claim puts nothing off", PUT_OFF, working!(), one!(", 2, false"), 0),
    act("what has ended is not put off", PUT_OFF, ended!(), one!(", 3, false"), 0),
    Act {
        after: "select from system.operations where id = '00000000-0000-4000-8000-0000000000f1'
                and (epoch <> 4 or lease_until <= system.now())",
        ..act(
            "a claim is of a new epoch and under a lease",
            TAKE,
            working!(
                "update system.operations set lease_until = system.now() - interval '1 second'
              where id = '00000000-0000-4000-8000-0000000000f1'"
            ),
            TAKING,
            1,
        )
    },
    act("what another works on is not taken", TAKE, working!(), TAKING, 0),
    act(
        "what waits is not taken",
        TAKE,
        working!(
            "update system.operations set lease_until = null, not_before = system.now() + interval '1 hour'
        where id = '00000000-0000-4000-8000-0000000000f1'"
        ),
        TAKING,
        0,
    ),
    act("what has ended is not taken", TAKE, ended!(), TAKING, 0),
    act(
        "nothing is taken beside a move that has begun",
        TAKE,
        moving!(
            "running",
            "system.now() + interval '1 minute'",
            "update system.operations set lease_until = null where id = '00000000-0000-4000-8000-0000000000f1'"
        ),
        TAKING,
        0,
    ),
    act("a move waits for what is being done", TAKE, moving!("pending", "null", ""), TAKING, 0),
    act(
        "an operation is planned once",
        Of::File("system/plan_operation.sql"),
        working!(),
        one!(", '{our_id}', 'export', '{}', 1"),
        0,
    ),
    act("a workspace that is purged is not held", LOCK, PURGING, "'{our_id}'", 0),
    act("an archive's end is noted at its own workspace's", PURGED, ended!(), one!(", '{their_id}'"), 0),
    act("a suspension ends where one has begun", Of::File("system/suspend_end.sql"), "", "'{our_id}'", 0),
    act(
        "a restore swaps what is suspended",
        SWAP,
        "",
        "'{our_id}', '{ours}', 't_00000000000000000000000000000000', 'cell_0001', 1",
        0,
    ),
    act(
        "a restore swaps what it began with",
        SWAP,
        SUSPENDED,
        "'{our_id}', '{theirs}', 't_00000000000000000000000000000000', 'cell_0001', 1",
        0,
    ),
    act(
        "a move leads on from where it began",
        SWITCH,
        VERSION,
        "'{our_id}', '{theirs}', 'schema', 'cell_0001', 't_00000000000000000000000000000000', 77",
        0,
    ),
    act(
        "a move leads on at the version that it copied",
        SWITCH,
        VERSION,
        "'{our_id}', '{ours}', 'schema', 'cell_0001', 't_00000000000000000000000000000000', 78",
        0,
    ),
    act(
        "what is left in schema system is counted before it is certified",
        Of::Function("count_rows"),
        "",
        "select from system.count_rows('{our_id}', '{memberships}') where total <> 1",
        0,
    ),
    act(
        "what is left in a schema is counted before it is certified",
        Of::Function("count_content"),
        VAULTS,
        "select from system.count_content('{our_id}') where name = 'vaults' and total <> 1",
        0,
    ),
    Act {
        comes: Comes::Fails("P0001"),
        ..act(
            "nobody is buried who is not purged",
            Of::Function("bury"),
            "",
            "select system.bury('{our_id}', null, '{}')",
            0,
        )
    },
    Act {
        comes: Comes::Fails("P0001"),
        ..act(
            "nobody is shut out who is not deleted",
            Of::Function("deletion_fence"),
            "",
            "select system.deletion_fence('{our_id}')",
            0,
        )
    },
    Act {
        after: "select from system.operations where id = '00000000-0000-4000-8000-0000000000f1' and epoch = 3",
        ..act(
            "whoever works on what is deleted loses it",
            Of::Function("deletion_fence"),
            working!("update system.tenants set state = 'deleting' where id = '{our_id}'"),
            "select system.deletion_fence('{our_id}')",
            1,
        )
    },
    Act {
        after: "select from system.operations where id = '00000000-0000-4000-8000-0000000000f1' and finished_at is not null",
        ..act(
            "a deletion ends what is done to its own workspace",
            Of::Function("deletion_fence"),
            working!("update system.tenants set state = 'deleting' where id = '{their_id}'"),
            "select system.deletion_fence('{their_id}')",
            1,
        )
    },
    Act {
        after: "select where not exists (select from system.limits where tenant_id = '{their_id}')",
        ..act(
            "rows of a workspace are purged",
            Of::Function("purge_rows"),
            "insert into system.limits (tenant_id, name, value, updated_at) values ('{their_id}', 'jobs', 1, now()), ('{our_id}', 'jobs', 1, now())",
            "select system.purge_rows('{our_id}', '{limits}')",
            1,
        )
    },
    act(
        "a move tells contents apart",
        Of::Function("digest_of"),
        VAULTS,
        "select where (select digest from system.digest_of('{our_id}', '{ours}', 'vaults'))
                    = (select digest from system.digest_of('{their_id}', '{theirs}', 'vaults'))",
        0,
    ),
    act(
        "a move counts the rows",
        Of::Function("digest_of"),
        VAULTS,
        "select from system.digest_of('{our_id}', '{ours}', 'vaults') where row_count <> 1",
        0,
    ),
];
