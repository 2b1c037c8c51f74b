//! Quotas, the count of runs, and the leases of calls.

use super::{Act, Comes, Of, Who, act};

const HOLD: Of = Of::Function("hold_quota");
const RUN: Of = Of::Function("count_run");
const LEASE: Of = Of::Function("lease_tokens");
const COUNT: &str = "select system.count_run(1, 1000, 1000)";
const LEASED: &str = "select granted from system.lease_tokens('{our_id}', 'api', 10, 10, 0, 0)";

/// Our workspace, found full by its last measurement.
const FULL: &str = "
    insert into system.limits (tenant_id, name, value, updated_at) values ('{our_id}', 'stored_bytes', 100, now());
    insert into system.tenant_metrics (tenant_id, day, measured_at, placement, \"rows\", bytes, growth_bytes, runs, task_runs, failed_runs,
                                       api_calls, api_limited)
    values ('{our_id}', system.today(), now(), 'schema', 1, 100, 1, 1, 1, 1, 1, 1)
    on conflict (tenant_id, day) do update set bytes = 100";

/// Both have a bucket that gains nothing meanwhile; ours has so many tokens.
macro_rules! bucket {
    ($tokens:literal) => {
        concat!(
            "insert into system.rate_buckets (tenant_id, bucket, tokens, at)
             values ('{our_id}', 'api', ",
            $tokens,
            ", system.now() + interval '1 hour'), ('{their_id}', 'api', 4711, system.now() + interval '1 hour')
             on conflict (tenant_id, bucket) do update set tokens = excluded.tokens, at = excluded.at"
        )
    };
}

/// An act inside our workspace.
const fn inside(claim: &'static str, of: Of, given: &'static str, done: &'static str, rows: u64) -> Act {
    Act { who: Who::Inside, ..act(claim, of, given, done, rows) }
}

/// A lease, asked for by the portal.
const fn leased(claim: &'static str, given: &'static str, done: &'static str, rows: u64) -> Act {
    Act { who: Who::Group("signalbox_portal", "system_portal"), ..act(claim, LEASE, given, done, rows) }
}

/// See the module.
pub(super) const ALL: &[Act] = &[
    inside(
        "a quota is the workspace's own",
        HOLD,
        "insert into system.limits (tenant_id, name, value, updated_at) values ('{our_id}', 'jobs', 7, now())",
        "select where system.hold_quota('jobs', 10, null) <> 7",
        0,
    ),
    Act {
        after: "select where not exists (select from pg_locks where locktype = 'advisory' and classid = 4 and granted
                                         and pid = pg_backend_pid())",
        ..inside("of two at once one waits", HOLD, "", "select system.hold_quota('jobs', 10, null)", 1)
    },
    Act {
        comes: Comes::Fails("SB429"),
        ..inside("a full workspace takes no more", HOLD, FULL, "select system.hold_quota('jobs', 10, 1000)", 0)
    },
    Act {
        after: "select where not exists (select from system.usage where tenant_id = '{our_id}' and runs >= 1 and task_runs >= 1)",
        ..inside("a run is counted at its workspace", RUN, "delete from system.usage where tenant_id = '{our_id}'", COUNT, 1)
    },
    Act {
        comes: Comes::Fails("SB429"),
        ..inside(
            "a day's runs end",
            RUN,
            "insert into system.limits (tenant_id, name, value, updated_at) values ('{our_id}', 'runs_per_day', 1, now());
             insert into system.usage (tenant_id, day, shard, runs) values ('{our_id}', system.today(), 99, 1)",
            COUNT,
            0,
        )
    },
    Act { comes: Comes::Fails("SB429"), ..inside("a full workspace makes no run", RUN, FULL, COUNT, 0) },
    leased(
        "an empty bucket leases nothing",
        bucket!("0"),
        "select from system.lease_tokens('{our_id}', 'api', 10, 10, 0, 0) where granted > 0",
        0,
    ),
    Act {
        after: "select from system.rate_buckets where tenant_id = '{our_id}' and tokens >= 5",
        ..leased("what is leased is taken", bucket!("5"), LEASED, 1)
    },
    Act {
        after: "select from system.rate_buckets where tenant_id = '{our_id}' and tokens > 10",
        ..leased("a bucket holds no more than the burst", bucket!("1000"), LEASED, 1)
    },
    Act {
        after: "select from system.rate_buckets where tenant_id = '{their_id}' and tokens <> 4711",
        ..leased("a bucket is its workspace's", bucket!("5"), LEASED, 1)
    },
    leased(
        "a rate is the workspace's own",
        "insert into system.limits (tenant_id, name, value, updated_at)
         values ('{our_id}', 'api_rate', 3, now()), ('{our_id}', 'api_burst', 4, now())",
        "select from system.lease_tokens('{our_id}', 'api', 10, 10, 0, 0) where rate <> 3 or burst <> 4",
        0,
    ),
    leased(
        "a workspace that is purged leases nothing",
        "update system.tenants set state = 'purging' where id = '{our_id}'",
        LEASED,
        0,
    ),
];
