//! The end of keys, and sealing.

use super::{Act, Of, Who, act};

const RETIRE: Of = Of::Function("keys_retire");
const RETIRED: &str = "select from system.keys_retire('{our_id}')";
const NOTE: Of = Of::Function("note_unsealed");
const CLAIM: Of = Of::File("system/claim_seals.sql");
const REST: Of = Of::File("owner/rest_delete.sql");

/// Two versions of the keys of both workspaces, and what more is given.
macro_rules! versions {
    ($($more:literal)?) => {
        concat!(
            "insert into system.tenant_keys (tenant_id, version, salt, created_at)
             values ('{our_id}', 2, sha256('ours'), now()), ('{their_id}', 2, sha256('theirs'), now());"
            $(, $more)?
        )
    };
}

/// One row of the due index that wakes the sealing: whose, of which kind, when, until when.
macro_rules! due {
    ($whose:literal, $kind:literal, $at:literal, $horizon:literal) => {
        concat!(
            "delete from system.due where kind = 'seal';
             insert into system.due (tenant_id, kind, ref, at, horizon)
             values ('",
            $whose,
            "', '",
            $kind,
            "', '00000000-0000-4000-8000-0000000000f5', system.now() + interval '",
            $at,
            "', ",
            $horizon,
            ")"
        )
    };
}

/// An entry of our log, written inside our workspace.
const fn noted(claim: &'static str, given: &'static str) -> Act {
    Act {
        who: Who::Inside,
        after: "select where not exists (select from system.due where tenant_id = '{our_id}' and kind = 'seal' and horizon is null)",
        ..act(
            claim,
            NOTE,
            given,
            "insert into audit (id, at, actor_kind, action, target_kind)
                                   values (gen_random_uuid(), now(), 'user', 'probe', 'probe')",
            1,
        )
    }
}

/// See the module.
pub(super) const ALL: &[Act] = &[
    Act {
        after: "select where exists (select from system.tenant_keys where tenant_id = '{our_id}' and version = 1)
                          or not exists (select from system.tenant_keys where tenant_id = '{our_id}' and version = 2 and retired_at is null)",
        ..act("an old key ends and the newest stays", RETIRE, versions!(), RETIRED, 1)
    },
    Act {
        after: "select where not exists (select from system.tenant_keys where tenant_id = '{our_id}' and version = 1 and retired_at is null)",
        ..act("a key under which something is sealed stays", RETIRE, versions!(
            "insert into \"{ours}\".vaults (tenant_id, id, name, kind, created_at, updated_at, updated_by)
             values ('{our_id}', '00000000-0000-4000-8000-00000000000b', 'ours', 'managed', now(), now(), '{our_user}');
             insert into \"{ours}\".credentials (tenant_id, vault_id, name, key_version, sealed, updated_at, updated_by)
             values ('{our_id}', '00000000-0000-4000-8000-00000000000b', 'c', 1, 'x', now(), '{our_user}')"), RETIRED, 1)
    },
    Act {
        after: "select where not exists (select from system.tenant_keys where tenant_id = '{our_id}' and version = 1)",
        ..act("a key that a backup needs is kept", RETIRE, versions!(
            "insert into system.operations (id, tenant_id, kind, exclusive, state, not_before, created_at, finished_at, result)
             values ('00000000-0000-4000-8000-0000000000f1', '{our_id}', 'backup', false, 'succeeded', now(), now(), now(), '{}')"), RETIRED, 1)
    },
    Act {
        after: "select where not exists (select from system.tenant_keys where tenant_id = '{our_id}' and version = 1 and retired_at is null)",
        ..act("no key ends while rows are brought in", RETIRE, versions!(
            "insert into system.operations (id, tenant_id, kind, exclusive, state, not_before, created_at)
             values ('00000000-0000-4000-8000-0000000000f1', '{our_id}', 'restore', true, 'running', now(), now())"), RETIRED, 1)
    },
    Act {
        after: "select where (select count(*) from system.tenant_keys where tenant_id = '{their_id}' and retired_at is null) <> 2",
        ..act("the keys of one workspace end", RETIRE, versions!(), RETIRED, 1)
    },
    noted("what is written is noted for sealing", "delete from system.due where kind = 'seal'"),
    noted("a note that is taken is none", due!("{our_id}", "seal", "1 hour", "'5'")),
    noted("a note of another's is none of ours", due!("{their_id}", "seal", "1 hour", "null")),
    Act {
        after: "select from system.due where ref = '00000000-0000-4000-8000-0000000000f5' and (horizon is null or at <= system.now())",
        ..act("what a sealing claims is closed", CLAIM, due!("{our_id}", "seal", "-1 second", "null"), "100", 1)
    },
    act("a sealing claims what is due", CLAIM, due!("{our_id}", "seal", "1 hour", "null"), "100", 0),
    act("a sealing claims seals", CLAIM, due!("{our_id}", "poll", "-1 second", "null"), "100", 0),
    act("a note goes once everything below is sealed", REST, due!("{our_id}", "seal", "0", "'50'"), "'{our_id}', '100', '200'", 1),
    act("an open note stays", REST, due!("{our_id}", "seal", "0", "null"), "'{our_id}', '100', '200'", 0),
    act("a note stays while a writer may be under way", REST, due!("{our_id}", "seal", "0", "'300'"), "'{our_id}', '300', '200'", 0),
    act("a note that goes is the workspace's", REST, due!("{their_id}", "seal", "0", "'50'"), "'{our_id}', '100', '200'", 0),
];
