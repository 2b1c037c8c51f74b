//! Signing in to one workspace, and what the portal is told of somebody in another database than their session's.

use super::{Probe, Want, Who, once, refused};

const IN: Who = Who::Inside;
const AS_PORTAL: Who = Who::Group("signalbox_portal", "system_portal");
const AS_SIGNIN: Who = Who::Group("signalbox_signin", "system_signin");

/// A statement of the superuser after our person was given a name that is known.
macro_rules! known {
    ($then:literal) => {
        concat!("update system.users set directory_id = '00000000-0000-4000-8000-0000000000d1', object_id = '00000000-0000-4000-8000-0000000000d2'
                 where id = '{our_user}';
                 update system.users set directory_id = '00000000-0000-4000-8000-0000000000d1' where id = '{their_user}'; ", $then)
    };
}

/// Our person signs in to a workspace, by what is said of their directory.
macro_rules! comes {
    ($workspace:literal, $object:literal, $listed:literal) => {
        concat!(
            "select from system.sign_in_to('",
            $workspace,
            "', 'entra', '00000000-0000-4000-8000-0000000000d1', '",
            $object,
            "', 'x', ",
            $listed,
            ",
                 array[gen_random_uuid(), gen_random_uuid()], interval '1 hour', '', '')"
        )
    };
}

const HOME: &str = comes!("{our_id}", "00000000-0000-4000-8000-0000000000d2", "true");
const AS_GUEST: &str = comes!("{our_id}", "00000000-0000-4000-8000-0000000000d2", "false");

/// Goes through, or the refusals would say nothing.
const fn done(who: Who, given: &'static str, claim: &'static str, statement: &'static str) -> Probe {
    Probe { claim, who, given, statement, want: Want::Done, after: "" }
}

/// Finds nothing.
const fn nothing(given: &'static str, claim: &'static str, statement: &'static str) -> Probe {
    Probe { claim, who: AS_PORTAL, given, statement, want: Want::NoRows, after: "" }
}

/// See the module.
pub(super) const ALL: &[Probe] = &[
    done(AS_SIGNIN, known!(""), "a member signs in to their workspace", HOME),
    done(AS_SIGNIN, known!("update system.memberships set guest = true where user_id = '{our_user}'"), "a guest comes whatever is said of their directory", AS_GUEST),
    once(known!(""), AS_SIGNIN, "of a directory on no list guests come, and no other member", AS_GUEST),
    once(known!(""), AS_SIGNIN, "nobody signs in to a workspace that is not theirs", comes!("{their_id}", "00000000-0000-4000-8000-0000000000d2", "true")),
    once(known!(""), AS_SIGNIN, "nor to one that never was", comes!("00000000-0000-4000-8000-0000000000d9", "00000000-0000-4000-8000-0000000000d2", "true")),
    once(known!(""), AS_SIGNIN, "who is somebody else is no member", comes!("{our_id}", "00000000-0000-4000-8000-0000000000d3", "true")),
    once(known!("update system.users set directory_id = gen_random_uuid() where id = '{our_user}'"), AS_SIGNIN, "nor who is of another directory", HOME),
    once(known!("update system.memberships set state = 'removed' where user_id = '{our_user}'"), AS_SIGNIN, "a removed member stays outside", HOME),
    once(known!("update system.tenants set state = 'purging' where id = '{our_id}'"), AS_SIGNIN, "a workspace that is being removed takes nobody in", HOME),
    Probe {
        want: Want::Fails("40001"),
        ..once(known!("update system.tenants set state = 'provisioning', claimed_at = now() where id = '{our_id}'"), AS_SIGNIN,
            "a member of one that is on its way tries again", HOME)
    },
    once(known!("update system.tenants set state = 'provisioning', claimed_at = now() where id = '{their_id}'"), AS_SIGNIN, "nobody else is told that it is", comes!("{their_id}", "00000000-0000-4000-8000-0000000000d2", "true")),
    Probe {
        after: "select from system.sessions where user_id = '{our_user}' and tenant_id <> '{our_id}'",
        ..done(AS_SIGNIN, known!(""), "a session is of the workspace that was asked for", HOME)
    },
    done(AS_SIGNIN, "insert into system.homes (tenant_id, database_name, placed_at) values ('{their_id}', 'elsewhere', now())",
        "sign-in is told in which database a workspace is",
        "select 1 / (w.database_name = 'elsewhere' and not w.listed)::integer from system.way_to('entra', gen_random_uuid(), false, '{their_id}') w"),
    done(AS_SIGNIN, "insert into system.homes (tenant_id, database_name, placed_at) values ('{their_id}', 'elsewhere', now())",
        "and of no other one",
        "select 1 / (w.database_name is null)::integer from system.way_to('entra', gen_random_uuid(), false, '{our_id}') w"),
    once("insert into system.directories (id, name, state, created_at) values ('00000000-0000-4000-8000-0000000000d1', 'x', 'blocked', now())",
        AS_SIGNIN, "who is kept out is led nowhere", "select from system.way_to('entra', '00000000-0000-4000-8000-0000000000d1', true, '{our_id}')"),
    done(AS_PORTAL, known!(""), "the portal is told what somebody has here",
        "select 1 / (count(*) filter (where w.id = '{our_id}') = 1)::integer
         from system.workspaces_of_person('entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2') w"),
    nothing(known!(""), "and of nobody else",
        "select id from system.workspaces_of_person('entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2') where id <> '{our_id}'"),
    nothing(known!(""), "nor of whoever has their number in another directory",
        "select id from system.workspaces_of_person('entra', '00000000-0000-4000-8000-0000000000d4', '00000000-0000-4000-8000-0000000000d2')"),
    nothing(known!("update system.memberships set state = 'removed' where user_id = '{our_user}'"), "who was removed has nothing",
        "select id from system.workspaces_of_person('entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2')"),
    nothing(known!("update system.tenants set state = 'purging' where id = '{our_id}'"), "what is being removed is not told",
        "select id from system.workspaces_of_person('entra', '00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000d2')"),
    once(known!(""), AS_PORTAL, "the portal's group signs nobody in to a workspace", HOME),
    refused(AS_PORTAL, "nor asks for anybody's way", "select from system.way_to('entra', gen_random_uuid(), true, '{their_id}')"),
    refused(AS_SIGNIN, "sign-in is not told what somebody has", "select from system.workspaces_of_person('entra', gen_random_uuid(), gen_random_uuid())"),
    refused(IN, "inside a workspace nobody signs in", HOME),
    refused(IN, "nor asks what somebody has", "select from system.workspaces_of_person('entra', gen_random_uuid(), gen_random_uuid())"),
    refused(IN, "nor where others are", "select from system.way_to('entra', gen_random_uuid(), true, '{their_id}')"),
];
