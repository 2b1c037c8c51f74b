//! The overview: of workspaces that are a customer's, of each its own figures, and nothing that anybody in one wrote.

use super::{AS_OPERATORS, Probe, Want, done, fail};

pub(super) const ONE: &str = call!("overview_get", "'{our_id}',");
pub(super) const LIST: &str = call!("overview_list", "'00000000-0000-0000-0000-000000000000', 1,");
pub(super) const TOTALS: &str = call!("overview_totals", "1,");
pub(super) const OPERATIONS: &str =
    call!("overview_operations", "'ffffffff-ffff-ffff-ffff-ffffffffffff', 1,");

/// A statement of the superuser after much has happened in theirs, and words of theirs stand wherever some can.
macro_rules! written {
    () => {
        operating!("update system.operations set request = '{\"x\": \"words of theirs\"}', progress = '{\"x\": \"words of theirs\"}', result = '{\"x\": \"words of theirs\"}',
                        error = 'words of theirs', state = 'failed', finished_at = now() where tenant_id = '{their_id}';
                    insert into system.operations (id, tenant_id, kind, exclusive, not_before, created_at)
                    select gen_random_uuid(), '{their_id}', 'backup', false, now() + interval '1 day', now() from generate_series(1, 300);
                    insert into system.rollouts (version, state, started_at, updated_at) values (2000000000, 'done', now(), now());
                    insert into system.rollout_failures (version, tenant_id, error, at) values (2000000000, '{their_id}', 'words of theirs', now());
                    insert into system.outbox (id, tenant_id, kind, ref, available_at, resend_at)
                    select gen_random_uuid(), '{their_id}', 'run', gen_random_uuid(), now() - interval '1 hour', now() + interval '1 hour' from generate_series(1, 300);
                    insert into system.due (tenant_id, kind, ref, at, round)
                    select '{their_id}', 'poll', gen_random_uuid(), now() + interval '1 day', 0 from generate_series(1, 300);
                    with new as (insert into system.users (id, provider, directory_id, object_id, display_name, created_at)
                                 select gen_random_uuid(), 'entra', gen_random_uuid(), gen_random_uuid(), 'words of theirs', now() from generate_series(1, 300) returning id)
                    insert into system.memberships (tenant_id, user_id, role, created_at, updated_at)
                    select '{their_id}', new.id, 'operator', now(), now() from new;
                    update system.tenant_metrics set day = day + 400, bytes = 4711 where tenant_id = '{their_id}';")
    };
}

/// Finds no row.
const fn nothing(given: &'static str, claim: &'static str, statement: &'static str) -> Probe {
    Probe { want: Want::NoRows, ..done(given, claim, statement, "") }
}

/// Of a workspace in this state nothing is told.
const fn absent(given: &'static str, claim: &'static str) -> Probe {
    Probe { statement: ONE, ..fail(given, AS_OPERATORS, claim, "SB404") }
}

/// See the module.
pub(in super::super) const ALL: &[&[Probe]] = &[&[
    nothing(written!(), "one workspace is told without its words",
        concat!("select from (", call!("overview_get", "'{their_id}',"), ") t where t::text like '%words of theirs%'")),
    nothing(written!(), "workspaces are listed without their words",
        concat!("select from (", call!("overview_list", "'00000000-0000-0000-0000-000000000000', 100000,"), ") t where t::text like '%words of theirs%'")),
    nothing(written!(), "totals are told without anybody's words", concat!("select from (", call!("overview_totals", "1,"), ") t where t::text like '%words of theirs%'")),
    nothing(written!(), "operations are told without what was asked, found or said",
        concat!("select from (", call!("overview_operations", "'ffffffff-ffff-ffff-ffff-ffffffffffff', 100000,"), ") t where t::text like '%words of theirs%'")),
    nothing(written!(), "the figures of a workspace are its own",
        concat!("select from (", call!("overview_get", "'{our_id}',"), ") t
                 where t.owed >= 300 or t.instants >= 300 or t.operations >= 300 or t.members >= 300 or t.rollout_failed_at is not null
                    or t.measured->>'bytes' = '4711'")),
    nothing(operating!("update system.tenants set state = 'spare' where id = '{their_id}'"), "what is nobody's yet is not listed",
        concat!("select from (", call!("overview_list", "'00000000-0000-0000-0000-000000000000', 100000,"), ") t where t.id = '{their_id}'")),
    absent(operating!("update system.tenants set state = 'spare' where id = '{our_id}'"), "what is nobody's yet is not told of"),
    absent(operating!("update system.tenants set state = 'deleted' where id = '{our_id}'"), "what is deleted is not told of"),
    done(operating!("update system.tenants set state = 'purging' where id = '{our_id}'"), "what is purged is told of, and has a log no more", ONE,
        "select from \"{ours}\".audit where id = '00000000-0000-4000-8000-0000000000b8'"),
]];
