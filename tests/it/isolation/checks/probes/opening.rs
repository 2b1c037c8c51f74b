//! Opening a scope: what a session, a token and a worker get, and when they get nothing.

use super::{Probe, Want, Who, once, refused};

const PORTAL: Who = Who::Login("signalbox_portal");
const DISPATCHER: Who = Who::Login("signalbox_dispatcher");

/// Opens a scope with a session: `session, user, tenant, schema, permission, roles`.
macro_rules! session {
    ($session:literal, $user:literal, $tenant:literal, $schema:literal, $permission:literal, $roles:literal) => {
        concat!(
            "select from system.authorize('",
            $session,
            "', null, '",
            $user,
            "', '",
            $tenant,
            "', '",
            $schema,
            "', '",
            $permission,
            "', '",
            $roles,
            "') having count(*) = 1"
        )
    };
}

/// Opens a scope with the token of [`TOKEN`]: `user, tenant, schema, permission`.
macro_rules! token {
    ($user:literal, $tenant:literal, $schema:literal, $permission:literal) => {
        concat!(
            "select from system.authorize(null, sha256('token'), '",
            $user,
            "', '",
            $tenant,
            "', '",
            $schema,
            "', '",
            $permission,
            "', '{administrator}')"
        )
    };
}

/// A statement of the superuser after a token of ours is made.
macro_rules! with_token {
    ($then:literal) => {
        concat!("insert into system.api_tokens (tenant_id, id, user_id, hash, name, permissions, created_at, expires_at)
                 values ('{our_id}', gen_random_uuid(), '{our_user}', sha256('token'), 'x', '{runs.read}', now(), now() + interval '1 hour'); ", $then)
    };
}

/// A statement of the superuser after our person's role is one of ours, and theirs is of the same id and gives more.
macro_rules! with_role {
    ($then:literal) => {
        concat!("insert into system.roles (tenant_id, id, name, permissions, created_at, updated_at) values
                     ('{their_id}', '00000000-0000-4000-8000-0000000000c1', 'x', '{vaults.read}', now(), now()),
                     ('{our_id}', '00000000-0000-4000-8000-0000000000c1', 'x', '{runs.read}', now(), now());
                 update system.memberships set role = 'custom', role_id = '00000000-0000-4000-8000-0000000000c1' where user_id = '{our_user}'; ", $then)
    };
}

const OPEN: &str =
    session!("{our_session}", "{our_user}", "{our_id}", "{ours}", "vaults.read", "{administrator}");
const WATCH: &str =
    session!("{our_session}", "{our_user}", "{our_id}", "{ours}", "runs.read", "{administrator}");
const WORK: &str = "select from system.authorize(null, null, null, '{our_id}', '{ours}', '', '{}')";
const TOKEN: &str = token!("{our_user}", "{our_id}", "{ours}", "runs.read");

/// What goes through where everything is as it should be: or the refusals would say nothing.
const fn opens(given: &'static str, who: Who, claim: &'static str, statement: &'static str) -> Probe {
    Probe { claim, who, given, statement, want: Want::Done, after: "" }
}

/// See the module.
pub(super) const ALL: &[Probe] = &[
    opens("", PORTAL, "a session opens its workspace", OPEN),
    opens("", DISPATCHER, "a worker opens a workspace", WORK),
    opens(with_token!(""), PORTAL, "a token opens its workspace", TOKEN),
    opens(with_role!(""), PORTAL, "a role of ours opens what it gives", WATCH),
    opens(
        "update system.tenants set state = 'deleting' where id = '{our_id}'",
        PORTAL,
        "a workspace that may be taken back is open",
        OPEN,
    ),
    opens(
        "update system.tenants set state = 'purging' where id = '{our_id}'",
        DISPATCHER,
        "what runs outside is stopped in a purge",
        WORK,
    ),
    refused(Who::Login("signalbox_signin"), "sign-in opens no scope", OPEN),
    refused(Who::Login("signalbox_scheduler"), "the scheduler opens no scope", WORK),
    refused(PORTAL, "the portal is no worker", WORK),
    refused(
        PORTAL,
        "a session that never was opens nothing",
        session!(
            "00000000-0000-4000-8000-0000000000f9",
            "{our_user}",
            "{our_id}",
            "{ours}",
            "vaults.read",
            "{administrator}"
        ),
    ),
    refused(
        PORTAL,
        "a session is its person's",
        session!("{our_session}", "{their_user}", "{our_id}", "{ours}", "vaults.read", "{administrator}"),
    ),
    refused(
        PORTAL,
        "a session is of one workspace",
        session!("{our_session}", "{our_user}", "{their_id}", "{theirs}", "vaults.read", "{administrator}"),
    ),
    refused(
        PORTAL,
        "a session opens no other schema",
        session!("{our_session}", "{our_user}", "{our_id}", "{theirs}", "vaults.read", "{administrator}"),
    ),
    refused(
        PORTAL,
        "a session opens no other workspace's id",
        session!("{our_session}", "{our_user}", "{their_id}", "{ours}", "vaults.read", "{administrator}"),
    ),
    refused(
        PORTAL,
        "a role that may not is refused",
        session!("{our_session}", "{our_user}", "{our_id}", "{ours}", "vaults.read", "{operator}"),
    ),
    refused(
        PORTAL,
        "what no role may is refused",
        session!("{our_session}", "{our_user}", "{our_id}", "{ours}", "vaults.read", "{}"),
    ),
    once(
        "update system.sessions set ended_at = now() where id = '{our_session}'",
        PORTAL,
        "an ended session opens nothing",
        OPEN,
    ),
    once(
        "update system.sessions set expires_at = now() - interval '1 second' where id = '{our_session}'",
        PORTAL,
        "an expired session opens nothing",
        OPEN,
    ),
    once(
        "update system.memberships set state = 'removed' where user_id = '{our_user}'",
        PORTAL,
        "a removed member's session opens nothing",
        OPEN,
    ),
    once(
        "update system.tenants set state = 'deleted' where id = '{our_id}'",
        PORTAL,
        "a deleted workspace is closed",
        OPEN,
    ),
    once(
        "update system.tenants set state = 'purging' where id = '{our_id}'",
        PORTAL,
        "a workspace that is purged is closed",
        OPEN,
    ),
    once(
        "update system.tenants set state = 'deleted' where id = '{our_id}'",
        DISPATCHER,
        "nobody works in a deleted workspace",
        WORK,
    ),
    once(
        "update system.tenants set state = 'spare' where id = '{our_id}'",
        DISPATCHER,
        "nobody works in a spare workspace",
        WORK,
    ),
    refused(
        DISPATCHER,
        "a worker's workspace has its own schema",
        "select from system.authorize(null, null, null, '{our_id}', '{theirs}', '', '{}')",
    ),
    once(with_role!(""), PORTAL, "a role of ours gives no more than it says", OPEN),
    once(
        with_role!(""),
        PORTAL,
        "a role of ours is no built-in one",
        session!(
            "{our_session}",
            "{our_user}",
            "{our_id}",
            "{ours}",
            "vaults.read",
            "{administrator,operator,custom}"
        ),
    ),
    once(
        with_role!("update system.roles set permissions = '{jobs.read}' where tenant_id = '{our_id}'"),
        PORTAL,
        "what a role of ours gives is read at once",
        WATCH,
    ),
    once(
        with_token!(""),
        PORTAL,
        "a token gives its scope alone",
        token!("{our_user}", "{our_id}", "{ours}", "vaults.read"),
    ),
    once(
        with_token!(
            "update system.api_tokens set permissions = '{vaults.read}' where user_id = '{our_user}'; update system.memberships set role = 'operator' where user_id = '{our_user}'"
        ),
        PORTAL,
        "a token gives what its maker still has",
        token!("{our_user}", "{our_id}", "{ours}", "vaults.read"),
    ),
    once(
        with_token!("update system.api_tokens set ended_at = now()"),
        PORTAL,
        "a token that ended opens nothing",
        TOKEN,
    ),
    once(
        with_token!("update system.api_tokens set expires_at = now() - interval '1 second'"),
        PORTAL,
        "a token that expired opens nothing",
        TOKEN,
    ),
    once(
        with_token!("update system.api_tokens set hash = sha256('other') where user_id = '{our_user}'"),
        PORTAL,
        "a token that never was opens nothing",
        TOKEN,
    ),
    once(
        with_token!(""),
        PORTAL,
        "a token is its person's",
        token!("{their_user}", "{our_id}", "{ours}", "runs.read"),
    ),
    once(
        with_token!(""),
        PORTAL,
        "a token is of one workspace",
        token!("{our_user}", "{their_id}", "{theirs}", "runs.read"),
    ),
    once(
        with_token!(""),
        PORTAL,
        "a token opens no other schema",
        token!("{our_user}", "{our_id}", "{theirs}", "runs.read"),
    ),
    once(
        with_token!(""),
        PORTAL,
        "a token opens no other workspace's id",
        token!("{our_user}", "{their_id}", "{ours}", "runs.read"),
    ),
    once(
        with_token!("update system.tenants set state = 'purging' where id = '{our_id}'"),
        PORTAL,
        "a token opens no workspace that is purged",
        TOKEN,
    ),
    once(
        with_token!(
            "update system.memberships set state = 'removed' where user_id = '{our_user}'; update system.memberships set state = 'active' where user_id = '{our_user}'"
        ),
        PORTAL,
        "a token does not come back with its person",
        TOKEN,
    ),
    once(
        with_token!(
            "update system.memberships set state = 'removed' where user_id = '{our_user}'; update system.api_tokens set ended_at = null"
        ),
        PORTAL,
        "a removed member's token opens nothing",
        TOKEN,
    ),
];
