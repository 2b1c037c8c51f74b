//! The database's verdict: who is let in, and what a refusal leaves behind (nothing).

use futures_util::future::join_all;
use local::stack::Stack;
use tests::{
    database, stack,
    tenant::{Directory, placed},
};

use super::browser::{Browser, SESSION, set_cookie};

async fn count(stack: &Stack, sql: &str, directory: &Directory) -> i64 {
    database::superuser(stack).await.query_one(sql, &[&directory.id]).await.expect("a count").get(0)
}

const USERS: &str = "select count(*) from system.users where directory_id = $1";
const SESSIONS: &str = "select count(*) from system.sessions s join system.users u on u.id = s.user_id where u.directory_id = $1";
const ADMINISTRATORS: &str = "select count(*) from system.memberships m join system.users u on u.id = m.user_id \
                              where u.directory_id = $1 and m.role = 'administrator'";

/// Threat A9.
#[test]
fn a_directory_that_nobody_listed_gets_nothing() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let mallory = directory.person(stack, "mallory");
        let mut browser = Browser::new(stack);
        let page = browser.sign_in(&mallory).await;
        assert_eq!((page.status, set_cookie(&page, SESSION)), (403, None));
        assert!(page.text().contains("not_onboarded") && page.text().contains(page.header("x-request-id")));
        for sql in [USERS, SESSIONS, "select count(*) from system.directories where id = $1"] {
            assert_eq!(count(stack, sql, &directory).await, 0, "{sql}");
        }
        assert_eq!(placed(stack, directory.id).await, None);
    });
}

/// Threats A10, A11: only directory and object id are a person. The same name elsewhere, and the same address with a new object
/// id (somebody left, somebody came), are somebody else.
#[test]
fn a_name_gives_nobody_access() {
    stack::with(async |stack| {
        let (ours, theirs) = (Directory::unknown(stack), Directory::unknown(stack));
        let ada = ours.person(stack, "ada");
        ours.onboard(stack, Some(ada.object_id)).await;
        Browser::new(stack).sign_in(&ada).await.expect(302);
        let came = ours.person(stack, "ada");
        assert_eq!(came.user_name, ada.user_name);
        let page = Browser::new(stack).sign_in(&came).await;
        assert_eq!(page.status, 403);
        assert!(page.text().contains("no_role"));
        let namesake = theirs.person(stack, "ada");
        theirs.onboard(stack, None).await;
        let page = Browser::new(stack).sign_in(&namesake).await;
        assert!(
            page.status == 403 && page.text().contains("no_role"),
            "listed, and no first Administrator was named"
        );
        assert_eq!(count(stack, ADMINISTRATORS, &ours).await, 1);
        assert_eq!((count(stack, SESSIONS, &ours).await, count(stack, SESSIONS, &theirs).await), (1, 0));
    });
}

/// Threat A19.
#[test]
fn first_sign_ins_at_once_make_one_workspace_with_one_administrator() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        let others: Vec<_> = (0..8).map(|n| directory.person(stack, &format!("colleague-{n}"))).collect();
        directory.onboard(stack, Some(ada.object_id)).await;
        let everybody = others.iter().chain(std::iter::repeat_n(&ada, 16));
        let answers =
            join_all(everybody.map(async |who| Browser::new(stack).sign_in(who).await.status)).await;
        assert_eq!(answers, [vec![403; 8], vec![302; 16]].concat());
        assert_eq!(count(stack, ADMINISTRATORS, &directory).await, 1);
        assert_eq!(count(stack, SESSIONS, &directory).await, 16);
        let named = "select count(*) from system.tenants t join system.directories d on t.name = d.name where d.id = $1";
        assert_eq!(count(stack, named, &directory).await, 1);
        let (_, schema) = placed(stack, directory.id).await.expect("a workspace");
        let entries = format!("select count(*) from {schema}.audit where action = 'workspace.provision'");
        let client = database::superuser(stack).await;
        assert_eq!(client.query_one(&entries, &[]).await.expect("a count").get::<_, i64>(0), 1);
    });
}

/// A first sign-in that finds no spare workspace asks for one and waits.
#[test]
fn first_sign_ins_beyond_the_spares_wait_for_the_steward() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        let spares = "select count(*) from system.tenants where state = 'spare'";
        let spares: i64 = client.query_one(spares, &[]).await.expect("a count").get(0);
        let directories: Vec<_> = (0..spares + 2).map(|_| Directory::unknown(stack)).collect();
        let first = async |directory: &Directory| {
            let ada = directory.person(stack, "ada");
            directory.onboard(stack, Some(ada.object_id)).await;
            Browser::new(stack).sign_in(&ada).await.status
        };
        let answers = join_all(directories.iter().map(first)).await;
        assert!(answers.iter().all(|status| *status == 302), "{answers:?}");
    });
}
