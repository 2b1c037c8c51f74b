//! Workspaces with a database of their own, beside those of the first: they work as the others do, and nothing of them is there.

use local::{stack::Stack, verify};
use serde_json::json;
use tests::{
    archive,
    caller::{Answer, Proof, send},
    database, invariants, stack,
    tenant::{self, Placement, Tenant, random_id},
    work::{self, SOON},
    world::World,
};

use super::{
    deletion::{ask_for, fill, gone},
    moves::shown,
    program,
    restores::{backup, replace},
    sandboxes::delete,
};

async fn with_two_databases() -> Stack {
    stack::own(|settings| settings.databases = vec!["north".to_owned(), "south".to_owned()]).await
}

async fn count(stack: &Stack, database: Option<&str>, ask: &str, tenant: &Tenant) -> i64 {
    let client = database::superuser_in(stack, database).await;
    client.query_one(ask, &[&tenant.id]).await.unwrap_or_else(|error| panic!("{ask}: {error:?}")).get(0)
}

#[test]
fn a_workspace_with_a_database_of_its_own_works_as_any_other_and_the_first_one_holds_nothing_of_it() {
    stack::run(async {
        let stack = with_two_databases().await;
        let (ours, theirs) = (
            tenant::new_in(&stack, Placement::Dedicated).await,
            tenant::new_in(&stack, Placement::Dedicated).await,
        );
        let (own, pooled) = (tenant::new(&stack).await, tenant::new_in(&stack, Placement::Pooled).await);
        assert_ne!(ours.database, theirs.database);
        let world = World::at_once();
        for tenant in [&ours, &theirs, &own, &pooled] {
            work::connection(&tenant.administrator, "platform", &world).await;
            let job = work::job(&tenant.administrator, "job", &work::chain("platform", 3)).await;
            let run = work::run(&tenant.operator, &job).await;
            work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
            assert_eq!(work::all(&tenant.operator, "/runs").await.len(), 1);
            let usage = tenant.administrator.get("/workspace/usage").await.expect(200);
            assert!(usage.is_object(), "{usage}");
        }
        for tenant in [&ours, &theirs] {
            let placement = "select count(*) from system.tenants where id = $1 and placement = 'dedicated' and state = 'active'";
            assert_eq!(count(&stack, tenant.database.as_deref(), placement, tenant).await, 1);
            for other in [None, Some("north"), Some("south")]
                .into_iter()
                .filter(|it| *it != tenant.database.as_deref())
            {
                let anywhere = "select (select count(*) from system.tenants where id = $1)
                                     + (select count(*) from system.memberships where tenant_id = $1)
                                     + (select count(*) from system.sessions where tenant_id = $1)
                                     + (select count(*) from system.outbox where tenant_id = $1)
                                     + (select count(*) from system.due where tenant_id = $1)
                                     + (select count(*) from pg_namespace where nspname = 't_' || replace($1::uuid::text, '-', ''))";
                assert_eq!(count(&stack, other, anywhere, tenant).await, 0, "{other:?}");
            }
        }
        for tenant in [&ours, &theirs, &own, &pooled] {
            invariants::hold(&stack, tenant).await;
        }
        stack.stop().await;
    });
}

#[test]
fn a_login_of_one_database_cannot_connect_to_another() {
    stack::run(async {
        let stack = with_two_databases().await;
        let logins = ["portal", "dispatcher", "scheduler", "signin", "operators"];
        let mut tried = 0;
        for function in logins {
            for (own, there) in
                [("", "signalbox"), ("-north", "signalbox_north"), ("-south", "signalbox_south")]
            {
                let login = database::login_of(&stack, &format!("{function}{own}")).await;
                assert_eq!(login.database, there);
                for database in ["signalbox", "signalbox_north", "signalbox_south"] {
                    let let_in = local::postgres::connect(&login.in_database(database).url()).await;
                    assert_eq!(let_in.is_ok(), database == there, "{login:?} in {database}");
                    tried += 1;
                }
            }
        }
        assert_eq!(tried, 45);
        stack.stop().await;
    });
}

#[test]
fn a_database_is_one_directorys_and_a_directory_stays_where_its_workspace_is() {
    stack::run(async {
        let stack = with_two_databases().await;
        let dedicated = |directory, database| json!({ "do": "onboard", "directory_id": directory, "name": "x", "placement": "dedicated", "database": database });
        let (first, second) = (random_id(), random_id());
        stack.order(dedicated(first, "north")).await.expect("listed");
        stack.order(dedicated(first, "north")).await.expect("and again");
        assert!(stack.order(dedicated(second, "north")).await.is_err(), "somebody has it");
        assert!(stack.order(dedicated(first, "south")).await.is_err(), "it has another");
        assert!(stack.order(dedicated(second, "nowhere")).await.is_err(), "there is none");
        assert!(stack.order(dedicated(second, "North;")).await.is_err(), "no name");
        let named = json!({ "do": "onboard", "directory_id": second, "name": "x", "placement": "schema", "database": "south" });
        assert!(stack.order(named).await.is_err(), "a schema is of the first");
        stack.order(dedicated(second, "south")).await.expect("listed");

        // One with a workspace here does not get another there.
        let settled = tenant::new(&stack).await;
        assert!(stack.order(dedicated(settled.directory.id, "south")).await.is_err());
        let renamed = json!({ "do": "onboard", "directory_id": first, "name": "y" });
        stack.order(renamed).await.expect("its name may change");
        let client = database::superuser(&stack).await;
        let ask = "select name, placement, database_name from system.directories where id = $1";
        let row = client.query_one(ask, &[&first]).await.expect("listed");
        let said: (String, String, String) = (row.get(0), row.get(1), row.get(2));
        assert_eq!(said, ("y".to_owned(), "dedicated".to_owned(), "north".to_owned()));
        stack.stop().await;
    });
}

#[test]
fn what_holds_of_sessions_and_tokens_holds_in_a_database_of_ones_own() {
    stack::run(async {
        let stack = with_two_databases().await;
        let (ours, theirs) = (
            tenant::new_in(&stack, Placement::Dedicated).await,
            tenant::new_in(&stack, Placement::Dedicated).await,
        );
        let program = program(&ours.administrator).await;
        program.get("/vaults").await.expect(200);
        program.get("/runs").await.problem(403, "forbidden");
        let me = ours.administrator.get("/me").await.expect(200);
        assert_eq!(me["workspaces"].as_array().map(Vec::len), Some(1), "{me}");
        let switch = async |to| ours.administrator.put("/me/workspace", &json!({ "workspace_id": to })).await;
        let (foreign, absent) = (switch(theirs.id).await, switch(random_id()).await);
        let said =
            |answer: &Answer| (answer.status, answer.json()["code"].clone(), answer.json()["errors"].clone());
        assert_eq!(said(&foreign), said(&absent));
        assert_eq!(foreign.status, 400);
        let out = ours.administrator.in_browser().request(reqwest::Method::POST, "//auth/logout");
        assert_eq!(send(out).await.status, 303);
        ours.administrator.get("/me").await.problem(401, "unauthenticated");
        ours.operator.get("/me").await.expect(200);
        stack.stop().await;
    });
}

/// Export, backup, sandbox, restore in place, deletion; then the database is somebody else's.
#[test]
fn a_workspace_lives_and_ends_in_a_database_of_its_own_and_leaves_it_free() {
    stack::run(async {
        let stack = with_two_databases().await;
        let ours = tenant::new_in(&stack, Placement::Dedicated).await;
        let neighbour = tenant::new(&stack).await;
        let world = World::at_once();
        fill(&ours, &world).await;
        fill(&neighbour, &world).await;
        let others = shown(&neighbour).await;
        let by = &ours.administrator;
        let export = archive::done(by, "/workspace/exports", &json!({})).await;
        let (folder, keys) = archive::fetch(by, &export).await;
        let checked = verify::export::export(&folder, &keys).expect("it holds");
        assert_eq!(checked.tenant, ours.id.to_string());
        let kept = backup(&ours).await;
        let sandbox = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let made = archive::done(by, "/workspace/restores", &sandbox).await;
        let sandbox = made["result"]["workspace_id"].clone();
        let me = by.get("/me").await.expect(200);
        assert_eq!(me["workspaces"].as_array().map(Vec::len), Some(2), "{me}");
        let again = tenant::signed_in(&stack, &ours.administrator_account).await;
        let there = again.put("/me/workspace", &json!({ "workspace_id": sandbox })).await.expect(200);
        let there = again.with(Proof::Bearer(there["token"].as_str().expect("a token").to_owned()));
        assert_eq!(work::all(&there, "/jobs").await.len(), 1);

        work::vault(by, "made since").await;
        archive::done(by, "/workspace/suspend", &json!({})).await;
        let restored = replace(&stack, &ours, &kept).await;
        assert_eq!(by.get("/vaults").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
        restored.administrator.post("/workspace/reactivate", &json!({})).await.expect(200);
        delete(&stack, &there).await;
        ask_for(&restored, 1).await;
        let certificate = gone(&stack, &restored).await;
        assert!(certificate["before"]["rows"]["runs"].as_i64() >= Some(1), "{certificate:#}");
        restored.administrator.get("/jobs").await.problem(401, "unauthenticated");
        assert_eq!(shown(&neighbour).await, others);

        let first = database::superuser(&stack).await;
        let named = "select count(*) from system.directories d where d.name = $1 or d.database_name = $2";
        let database = ours.database.as_deref().expect("one of its own");
        let left: i64 =
            first.query_one(named, &[&ours.directory.name, &database]).await.expect("rows").get(0);
        assert_eq!(left, 0, "the first one knows neither its name nor where it was");
        let next = json!({ "do": "onboard", "directory_id": random_id(), "name": "next", "placement": "dedicated", "database": database });
        stack.order(next).await.expect("it is free");
        stack.stop().await;
    });
}
