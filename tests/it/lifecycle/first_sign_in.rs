//! First sign-ins: one workspace a directory, whoever comes first and however many come at once.

use futures_util::future::join_all;
use local::{oidc::Account, people::sign_in, stack::Stack};
use serde_json::json;
use tests::{
    database, stack,
    tenant::{self, Directory, NO_ROLE, NOT_ONBOARDED},
    work::{SOON, until},
};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// How often the first sign-ins of a fresh directory race.
const ROUNDS: usize = 3;

async fn count(stack: &Stack, ask: &str, parameters: &[&(dyn ToSql + Sync)]) -> i64 {
    let client = database::superuser(stack).await;
    client.query_one(ask, parameters).await.unwrap_or_else(|error| panic!("{ask}: {error:?}")).get(0)
}

async fn sessions(stack: &Stack, directory: Uuid) -> i64 {
    let ask = "select count(*) from system.sessions s join system.users u on u.id = s.user_id where u.directory_id = $1";
    count(stack, ask, &[&directory]).await
}

async fn is_refused(stack: &Stack, person: &Account, (status, title): (u16, &str)) {
    let (answered, said) = tenant::refused(stack, person).await;
    assert_eq!(answered, status, "{said}");
    assert!(said.contains(title), "{said}");
}

#[test]
fn sixty_four_first_sign_ins_at_once_make_one_workspace_and_one_administrator() {
    stack::with(async |stack| {
        for _ in 0..ROUNDS {
            let directory = Directory::unknown(stack);
            let people: Vec<_> = (0..64).map(|n| directory.person(stack, &format!("p{n}"))).collect();
            directory.onboard(stack, Some(people[17].object_id)).await;
            let attempts = people.iter().map(|person| sign_in::token_of(stack.url(), &person.user_name));
            let signed_in = join_all(attempts).await;
            for (person, outcome) in people.iter().zip(&signed_in) {
                if person == &people[17] {
                    assert!(outcome.is_ok(), "the buyer: {:?}", outcome.as_ref().err());
                } else {
                    let said = outcome.as_ref().expect_err("only the buyer has a role").to_string();
                    assert!(said.contains("403") && said.contains(NO_ROLE.1), "{said}");
                }
            }
            let (id, schema) = tenant::placed(stack, directory.id).await.expect("a workspace");
            let members = "select count(*) from system.memberships where tenant_id = $1";
            assert_eq!(count(stack, members, &[&id]).await, 1);
            let administrators =
                "select count(*) from system.memberships m join system.users u on u.id = m.user_id
                                  where m.tenant_id = $1 and m.role = 'administrator' and u.object_id = $2";
            assert_eq!(count(stack, administrators, &[&id, &people[17].object_id]).await, 1);
            assert_eq!(sessions(stack, directory.id).await, 1, "nobody else was let in");
            let audited =
                format!("select count(*) from \"{schema}\".audit where action = 'workspace.provision'");
            assert_eq!(count(stack, &audited, &[]).await, 1);
        }
    });
}

#[test]
fn the_same_person_signing_in_many_times_at_once_is_one_administrator() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let person = directory.person(stack, "ada");
        directory.onboard(stack, Some(person.object_id)).await;
        let outcomes = join_all((0..16).map(|_| sign_in::token_of(stack.url(), &person.user_name))).await;
        for outcome in &outcomes {
            assert!(outcome.is_ok(), "{:?}", outcome.as_ref().err());
        }
        let users = "select count(*) from system.users where directory_id = $1";
        assert_eq!(count(stack, users, &[&directory.id]).await, 1);
        let (id, _) = tenant::placed(stack, directory.id).await.expect("a workspace");
        assert_eq!(
            count(stack, "select count(*) from system.memberships where tenant_id = $1", &[&id]).await,
            1
        );
        assert_eq!(sessions(stack, directory.id).await, 16, "each sign-in is a session of its own");
    });
}

#[test]
fn a_directory_that_was_not_onboarded_gets_nothing_and_leaves_nothing() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let person = directory.person(stack, "ada");
        is_refused(stack, &person, NOT_ONBOARDED).await;
        let asked = [
            "select count(*) from system.users where directory_id = $1",
            "select count(*) from system.directories where id = $1",
        ];
        for ask in asked {
            assert_eq!(count(stack, ask, &[&directory.id]).await, 0, "{ask}");
        }
        assert_eq!(sessions(stack, directory.id).await, 0);
    });
}

#[test]
fn an_onboarded_directory_without_a_named_administrator_lets_nobody_in() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let person = directory.person(stack, "ada");
        directory.onboard(stack, None).await;
        is_refused(stack, &person, NO_ROLE).await;
        assert_eq!(tenant::placed(stack, directory.id).await, None, "no workspace was claimed");
    });
}

#[test]
fn an_equal_address_in_another_directory_is_another_person() {
    stack::with(async |stack| {
        let ours = tenant::new(stack).await;
        let theirs = Directory::unknown(stack);
        let mut double = theirs.person(stack, "double");
        theirs.onboard(stack, Some(double.object_id)).await;
        // The provider knows people by the name they sign in with, so the display name carries the victim's address.
        double.name.clone_from(&ours.administrator_account.user_name);
        stack.oidc().add_person(double.clone());
        let caller = tenant::signed_in(stack, &double).await;
        let me = caller.get("/me").await.expect(200);
        assert_ne!(me["workspace"]["id"], json!(ours.id));
        assert_eq!(me["workspaces"].as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn a_dry_pool_is_refilled_while_the_first_sign_in_waits() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let client = database::superuser(&stack).await;
        // Whatever is ready is taken by others.
        let take = "update system.tenants set state = 'provisioning' where state = 'spare'";
        assert!(client.execute(take, &[]).await.expect("spares") > 0);
        let directory = Directory::unknown(&stack);
        let person = directory.person(&stack, "ada");
        directory.onboard(&stack, Some(person.object_id)).await;
        let caller = tenant::signed_in(&stack, &person).await;
        caller.get("/me").await.expect(200);
        let spares = "select count(*) from system.tenants where state = 'spare'";
        until("the pool is full again", SOON, async || count(&stack, spares, &[]).await > 0).await;
        stack.stop().await;
    });
}
