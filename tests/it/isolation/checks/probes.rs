//! Statements tried as a login, as a group role or inside a workspace, each with what must come of it. They run on a
//! superuser's connection that takes on the session's identity, inside a savepoint that is rolled back.

mod databases;
mod inside;
mod lifecycle;
mod opening;
mod operators;
mod outside;
mod people;
mod sandboxes;
mod ways;

use tokio_postgres::{Client, SimpleQueryMessage};

use super::Pair;

/// As whom a statement is tried.
#[derive(Clone, Copy, Debug)]
pub(in crate::isolation) enum Who {
    /// A function's login, without a scope.
    Login(&'static str),
    /// A function's login under a group role.
    Group(&'static str, &'static str),
    /// The portal inside our workspace.
    Inside,
    /// The steward inside our workspace, where it exports.
    Exporting,
    /// A platform operator inside our workspace, who only reads.
    Looking,
    /// Their login that takes on our role by itself and may write: the product never does.
    Unguarded,
    /// Our role with the other workspace's setting.
    OtherSetting,
    /// Our role with no setting.
    NoSetting,
    /// Our role, taken on by a login that is no function's.
    Stranger,
}

/// What must come of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::isolation) enum Want {
    /// Permission denied, or a refusal of ours.
    Refused,
    /// No row.
    NoRows,
    /// It goes through.
    Done,
    /// This error.
    Fails(&'static str),
}

/// One statement.
#[derive(Clone, Copy, Debug)]
pub(in crate::isolation) struct Probe {
    pub(in crate::isolation) claim: &'static str,
    pub(super) who: Who,
    /// What the superuser does first.
    pub(super) given: &'static str,
    pub(super) statement: &'static str,
    pub(super) want: Want,
    /// A question the superuser asks afterwards: a row is something that was touched.
    pub(super) after: &'static str,
}

/// All of them.
const ALL: [&[&[Probe]]; 5] = [
    &[
        databases::ALL,
        inside::ALL,
        lifecycle::ALL,
        opening::ALL,
        outside::ALL,
        people::INSIDE,
        people::OUTSIDE,
        sandboxes::ALL,
        ways::ALL,
        operators::ALL,
    ],
    operators::SESSIONS,
    operators::CALLERS,
    operators::GRANTS,
    operators::OVERVIEW,
];

/// All of them, one by one.
pub(in crate::isolation) fn all() -> impl Iterator<Item = &'static Probe> {
    ALL.into_iter().flatten().copied().flatten()
}

/// A statement that is refused.
const fn refused(who: Who, claim: &'static str, statement: &'static str) -> Probe {
    Probe { claim, who, given: "", statement, want: Want::Refused, after: "" }
}

/// Refused after the superuser has done something.
const fn once(given: &'static str, who: Who, claim: &'static str, statement: &'static str) -> Probe {
    Probe { given, ..refused(who, claim, statement) }
}

/// A statement that finds nothing.
const fn empty(who: Who, claim: &'static str, statement: &'static str) -> Probe {
    Probe { claim, who, given: "", statement, want: Want::NoRows, after: "" }
}

/// A statement inside our workspace that may go through and touches nothing of theirs.
const fn harmless(claim: &'static str, statement: &'static str, after: &'static str) -> Probe {
    Probe { claim, who: Who::Inside, given: "", statement, want: Want::Done, after }
}

impl Who {
    pub(super) fn enter(self) -> String {
        let scope = |role: &str, setting: &str| {
            format!("set local role {role}; set local search_path = \"{{ours}}\", pg_temp; {setting}")
        };
        let (ours, own) = ("\"{ours}\"", "set local app.tenant_id = '{our_id}'");
        let session = "set local session authorization";
        match self {
            Self::Login(login) => format!("{session} {login}; set local search_path = ''"),
            Self::Group(login, role) => {
                format!(
                    "{session} {login}; set local role {role}; set local search_path = pg_catalog, pg_temp"
                )
            }
            Self::Inside => format!("{session} signalbox_portal; {}", scope(ours, own)),
            Self::Exporting => format!("{session} signalbox_steward; {}", scope(ours, own)),
            Self::Looking => {
                format!("set transaction read only; {session} signalbox_operators; {}", scope(ours, own))
            }
            Self::Unguarded => format!("{session} signalbox_operators; {}", scope(ours, own)),
            Self::OtherSetting => {
                format!(
                    "{session} signalbox_portal; {}",
                    scope(ours, "set local app.tenant_id = '{their_id}'")
                )
            }
            Self::NoSetting => {
                format!("{session} signalbox_portal; {}", scope(ours, "set local app.tenant_id = ''"))
            }
            Self::Stranger => scope(ours, own),
        }
    }
}

/// Rows of theirs that probes reach for, in their schema, in schema `system`, and, as in a pooled schema, beside our own.
pub(super) const GIVEN: &str = "
    insert into \"{theirs}\".vaults (tenant_id, id, name, kind, created_at, updated_at, updated_by)
    values ('{their_id}', '00000000-0000-4000-8000-00000000000a', 'theirs', 'managed', now(), now(), '{their_user}');
    insert into \"{ours}\".vaults (tenant_id, id, name, kind, created_at, updated_at, updated_by)
    values ('{our_id}', '00000000-0000-4000-8000-00000000000b', 'ours', 'managed', now(), now(), '{our_user}'),
           ('{their_id}', '00000000-0000-4000-8000-00000000000c', 'beside', 'managed', now(), now(), '{their_user}');
    insert into system.outbox (id, tenant_id, kind, ref, available_at, resend_at)
    values ('00000000-0000-4000-8000-00000000000d', '{their_id}', 'run', '00000000-0000-4000-8000-00000000000e',
            now() - interval '1 hour', now() + interval '1 hour');
    insert into system.due (tenant_id, kind, ref, at, round)
    values ('{their_id}', 'poll', '00000000-0000-4000-8000-00000000000e', now() + interval '1 day', 0);
    insert into system.operations (id, tenant_id, kind, exclusive, not_before, created_at)
    values ('00000000-0000-4000-8000-0000000000e1', '{their_id}', 'export', false, now() + interval '1 day', now());
    insert into system.roles (tenant_id, id, name, permissions, created_at, updated_at)
    values ('{their_id}', '00000000-0000-4000-8000-0000000000a1', 'theirs', '{runs.read}', now(), now());
    insert into system.invitations (tenant_id, id, hash, role, created_by, created_at, expires_at)
    values ('{their_id}', '00000000-0000-4000-8000-0000000000a2', sha256('their invitation'), 'operator', '{their_user}', now(),
            now() + interval '1 hour');
    insert into system.api_tokens (tenant_id, id, user_id, hash, name, permissions, created_at, expires_at)
    values ('{their_id}', '00000000-0000-4000-8000-0000000000a3', '{their_user}', sha256('their token'), 'theirs', '{runs.read}', now(),
            now() + interval '1 hour');
    insert into system.isolation_evidence (tenant_id, checked_at, attempts, violations, checks)
    values ('{their_id}', now(), 4711, 0, '[]') on conflict (tenant_id) do update set attempts = 4711;
    insert into system.limits (tenant_id, name, value, updated_at) values ('{their_id}', 'theirs', 4711, now());
    insert into system.usage (tenant_id, day, shard, runs) values ('{their_id}', system.today(), 4711, 4711);
    insert into system.tenant_metrics (tenant_id, day, measured_at, placement, \"rows\", bytes, growth_bytes, runs, task_runs, failed_runs,
                                       api_calls, api_limited)
    values ('{their_id}', system.today(), now(), 'schema', 4711, 4711, 4711, 4711, 4711, 4711, 4711, 4711) on conflict do nothing;";

/// The superuser again.
pub(super) const BACK: &str =
    "set local session authorization default; set local role none; set local search_path = pg_catalog";

impl Probe {
    /// Tries it, once [`GIVEN`] is there; what came of it, where that is not what must.
    pub(in crate::isolation) async fn run(&self, client: &Client, pair: &Pair) -> Option<String> {
        let given = pair.fill(&format!("savepoint probe; {}", self.given));
        client.batch_execute(&given).await.unwrap_or_else(|error| panic!("{}: {error:?}", self.claim));
        let wrong = self.tried(client, pair).await;
        client
            .batch_execute("rollback to savepoint probe; release savepoint probe")
            .await
            .expect("nothing stays");
        wrong
    }

    async fn tried(&self, client: &Client, pair: &Pair) -> Option<String> {
        let statement = pair.fill(&format!("{}; {}", self.who.enter(), self.statement));
        let answer = client.simple_query(&statement).await;
        let rows = |messages: &[SimpleQueryMessage]| {
            messages.iter().filter(|message| matches!(message, SimpleQueryMessage::Row(_))).count()
        };
        let code = |error: &tokio_postgres::Error| {
            error.code().map(|code| code.code().to_owned()).unwrap_or_default()
        };
        let is_right = match (&answer, self.want) {
            (Err(error), Want::Refused) => ["42501", "SB"].iter().any(|known| code(error).starts_with(known)),
            (Err(error), Want::Fails(wanted)) => code(error) == wanted,
            (Ok(messages), Want::NoRows) => rows(messages) == 0,
            (Ok(_), Want::Done) => true,
            _ => false,
        };
        if !is_right {
            return Some(match answer {
                Ok(messages) => format!("{} went through, {} rows", self.statement, rows(&messages)),
                Err(error) => format!("{}: {error:?}", self.statement),
            });
        }
        if self.after.is_empty() || answer.is_err() {
            return None;
        }
        client.batch_execute(BACK).await.expect("the superuser again");
        let touched = client.query(&pair.fill(self.after), &[]).await;
        let touched = touched.unwrap_or_else(|error| panic!("{}: {error:?}", self.claim)).len();
        (touched > 0).then(|| format!("{} touched {touched} rows of theirs", self.statement))
    }
}
