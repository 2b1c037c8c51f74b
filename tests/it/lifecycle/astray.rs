//! A login's secret that leads to another database than its name says: nothing is made, moved or deleted there, whoever is asked.

use std::time::Duration;

use local::{settings::FUNCTIONS, stack::Stack};
use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx},
    error::chain,
};
use tests::{
    database, stack,
    tenant::{self, Placement, Tenant, random_id},
    work::{self, SOON},
};

use super::deletion::ask_for;

/// A further database, and the one into which its logins lead from now on; none for the first.
type Swap<'a> = (&'a str, &'a str);

/// What the secret of a function says of how to come into a database; of the first one under an empty name.
async fn way(stack: &Stack, function: &str, database: &str) -> Value {
    let name = if database.is_empty() { function.to_owned() } else { format!("{function}-{database}") };
    let login = database::login_of(stack, &name).await;
    json!({ "dbname": login.database, "username": login.user, "password": login.password })
}

/// Leads every function's login of one database into another, and has it read anew.
async fn lead(stack: &Stack, swaps: &[Swap<'_>]) {
    for function in FUNCTIONS {
        let mut ways = Vec::new();
        for (_, there) in swaps {
            ways.push(way(stack, function, there).await);
        }
        for ((database, _), way) in swaps.iter().zip(ways) {
            database::change_login(stack, (function, database), |secret| {
                for (field, value) in way.as_object().expect("fields") {
                    secret[field] = value.clone();
                }
            });
        }
        stack.cloud().kill(function).await.expect("a function");
    }
}

/// How many of everything that is made, moved or deleted stand in each database.
async fn everything(stack: &Stack) -> Vec<String> {
    let ask = "select concat_ws(' ', (select count(*) from system.tenants where state <> 'deleted'), (select count(*) from system.directories),
                      (select count(*) from system.users), (select count(*) from system.homes), (select count(*) from system.tombstones),
                      (select count(*) from pg_namespace where nspname ~ '^[tp]_'),
                      (select string_agg(d.id || coalesce(d.database_name, ''), ' ' order by d.id) from system.directories d))";
    let mut found = Vec::new();
    for database in [None, Some("north"), Some("south")] {
        let client = database::superuser_in(stack, database).await;
        found.push(client.query_one(ask, &[]).await.expect("counts").get(0));
    }
    found
}

/// An order fails, and says why.
async fn fails(stack: &Stack, order: Value) {
    let said = match stack.order(order.clone()).await {
        Ok(done) => panic!("{order} was done: {done}"),
        Err(error) => chain(&error),
    };
    assert!(said.contains("the login leads to \"signalbox database"), "{order}: {said}");
}

/// Whatever would make, move or delete something in a database of its own is refused while the way leads astray.
async fn nothing_is_done(stack: &Stack, own: &Tenant, plain: &Tenant, free: &str) {
    let before = everything(stack).await;
    own.operator.get("/runs").await.problem(503, "unavailable");
    let vault = json!({ "name": "astray", "kind": "managed" });
    own.administrator.post("/vaults", &vault).await.problem(503, "unavailable");
    let deletion = json!({ "name": own.directory.name, "grace_s": 1 });
    own.administrator.post("/workspace/deletion", &deletion).await.problem(503, "unavailable");
    assert_eq!(tenant::refused(stack, &own.administrator_account).await.0, 503);
    let directory = random_id();
    fails(stack, json!({ "do": "onboard", "directory_id": directory, "name": "x", "placement": "dedicated", "database": free }))
        .await;
    for order in ["install", "refill", "operate", "seal", "migrate", "gather_evidence", "sweep"] {
        fails(stack, json!({ "do": order })).await;
    }
    let scheduler = stack.cloud().tick_now("scheduler").await.expect_err("it says so").to_string();
    assert!(scheduler.contains(&format!("{free}: ")) && !scheduler.contains("first: "), "{scheduler}");
    plain.operator.get("/runs").await.expect(200);
    tenant::signed_in(stack, &plain.administrator_account).await.get("/me").await.expect(200);
    assert_eq!(everything(stack).await, before);
}

#[test]
fn a_login_that_leads_to_another_database_than_its_name_says_is_used_for_nothing() {
    stack::run(async {
        let stack = stack::own(|settings| {
            settings.databases = vec!["north".to_owned(), "south".to_owned()];
            settings.ticks = false;
        })
        .await;
        let (own, plain) = (tenant::new_in(&stack, Placement::Dedicated).await, tenant::new(&stack).await);
        let free = database::free(&stack).await;
        // What is made in the first database anyway is there before.
        for order in ["gather_evidence", "refill"] {
            stack.order(json!({ "do": order })).await.expect("every database does it");
        }
        let named = own.database.clone().expect("one of its own");
        for astray in [[(&*named, &*free), (&*free, &*named)], [(&*named, ""), (&*free, "")]] {
            let right = secrets(&stack);
            lead(&stack, &astray).await;
            nothing_is_done(&stack, &own, &plain, &free).await;
            // Put right, it is served again by the same instances.
            put_back(&stack, &right);
            work::until("its workspace is served", SOON, async || {
                own.operator.get("/runs").await.status == 200
            })
            .await;
            for order in ["install", "operate", "seal"] {
                stack.order(json!({ "do": order })).await.expect("every database does it");
            }
        }
        // A deletion that was under way meanwhile is worked where the workspace is, once the way is right.
        ask_for(&own, 3600).await;
        let right = secrets(&stack);
        lead(&stack, &[(&*named, &*free), (&*free, &*named)]).await;
        let before = everything(&stack).await;
        stack.advance(Duration::from_secs(2 * 3600)).await.expect("its grace is over");
        fails(&stack, json!({ "do": "operate" })).await;
        assert_eq!(everything(&stack).await, before);
        put_back(&stack, &right);
        let certificate = json!({ "do": "certificate", "tenant_id": own.id });
        work::until("it is deleted", 2 * SOON, async || {
            stack.order(json!({ "do": "operate" })).await.expect("every database does it");
            !stack.order(certificate.clone()).await.expect("an answer")["certificate"].is_null()
        })
        .await;
        stack.stop().await;
    });
}

const FURTHER: [&str; 2] = ["north", "south"];

/// The secrets of every login in the further databases.
fn secrets(stack: &Stack) -> Vec<Value> {
    let mut kept = Vec::new();
    for function in FUNCTIONS {
        for database in FURTHER {
            database::change_login(stack, (function, database), |secret| kept.push(secret.clone()));
        }
    }
    kept
}

fn put_back(stack: &Stack, kept: &[Value]) {
    let mut kept = kept.iter();
    for function in FUNCTIONS {
        for database in FURTHER {
            database::change_login(stack, (function, database), |secret| {
                *secret = kept.next().expect("as many").clone();
            });
        }
    }
}

/// Nobody in particular: the role is taken on with a first statement, and none is run.
const WHO: SystemRole = SystemRole::Portal;

/// The first database is asked too: a login of its own that leads elsewhere is no way to it.
#[test]
fn each_database_says_which_one_it_is_to_whoever_connects() {
    stack::run(async {
        let stack = stack::own(|settings| settings.databases = vec!["north".to_owned()]).await;
        for function in ["portal", "scheduler", "signin", "operators", "dispatcher"] {
            let pools = database::of(&stack, function, 1).await;
            for pool in pools.each() {
                let is_let_in = match SystemTx::begin(&pool, WHO, "which").await {
                    Ok(tx) => tx.rollback().await.is_ok(),
                    Err(error) => panic!("{function} in {}: {}", pool.title(), chain(&error)),
                };
                assert!(is_let_in);
            }
            let login = database::login_of(&stack, &format!("{function}-north")).await;
            let astray = database::as_first(&stack, &login).await;
            let Err(error) = SystemTx::begin(&astray, WHO, "which").await else {
                panic!("{function} took north for the first");
            };
            assert!(
                chain(&error)
                    .contains("\"signalbox database north\" and not to \"signalbox database first\"")
            );
        }
        // A database of a release that did not name it is taken as it is, and named by the next install.
        let client = database::superuser_in(&stack, Some("north")).await;
        client.batch_execute("comment on schema system is null").await.expect("as before");
        let portal = database::of(&stack, "portal", 1).await;
        let north = portal.named(&"north".parse().expect("a name")).expect("it is one of them");
        SystemTx::begin(&north, WHO, "which").await.expect("let in").rollback().await.expect("ended");
        stack.order(json!({ "do": "install" })).await.expect("installed");
        let said = "select obj_description('system'::regnamespace, 'pg_namespace')";
        let said: String = client.query_one(said, &[]).await.expect("a comment").get(0);
        assert_eq!(said, "signalbox database north");
        stack.stop().await;
    });
}
