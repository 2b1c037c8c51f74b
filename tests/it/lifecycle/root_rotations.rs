//! Rotations of the root key: two are in use at once, functions that are warm take the new one up, and the old one may be removed
//! when nothing needs it any more, not before.

use std::collections::BTreeSet;

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    archive, database,
    keys::{self, PAST_THE_CONFIRMATION},
    stack, tenant,
    work::{self, SOON},
    world::World,
};

use super::{
    restores::{backup, workspaces},
    rotations::{opened, shown, trusted},
};

/// What the steward tells of a version of the root.
async fn told(stack: &Stack, version: u32) -> Value {
    let told = stack.order(json!({ "do": "roots" })).await.expect("it is told");
    let roots = told["roots"].as_array().expect("roots");
    roots.iter().find(|root| root["version"] == version).expect("a known version").clone()
}

/// Gives the order, and lets time pass until every rotation has ended.
async fn rotate_all(stack: &Stack) -> Value {
    let answer = stack.order(json!({ "do": "rotate_root" })).await.expect("planned");
    work::until("every workspace has new keys", 2 * SOON, async || {
        stack.advance(PAST_THE_CONFIRMATION).await.expect("time passes");
        stack.order(json!({ "do": "operate" })).await.expect("the steward works");
        stack.order(json!({ "do": "roots" })).await.expect("it is told")["rotations_open"] == 0
    })
    .await;
    answer
}

fn sentence(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The old root goes while a backup needs it, is missed by the order and by every tick, and comes back.
async fn removing_it_early_is_told(stack: &Stack) {
    let taken = keys::remove_root(stack, 1);
    let refused = stack.order(json!({ "do": "rotate_root" })).await.expect_err("it is missing");
    let said = "version 1 of the root key is missing and still needed, by 0 workspaces and by backups of 1: put it back";
    assert!(sentence(&refused).contains(said), "{refused:?}");
    stack.cloud().tick_now("steward").await.expect_err("and every tick says so");
    keys::put_back(stack, 1, &taken);
}

#[test]
fn the_root_is_rotated_under_warm_functions_and_the_old_one_goes_last() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let (world, elsewhere) = (World::at_once(), World::at_once());
        let (one, vault, job) = trusted(&stack, &world, "secret").await;
        let (two, ..) = trusted(&stack, &elsewhere, "theirs").await;
        let by = &one.administrator;
        assert_eq!(shown(&one, &job, &world).await, "Bearer secret", "portal and dispatcher are warm");
        let kept = backup(&one).await;
        let export = archive::done(by, "/workspace/exports", &json!({})).await;
        archive::done(&two.administrator, "/workspace/suspend", &json!({})).await;
        assert_eq!(told(&stack, 1).await["may_be_removed"], json!(false));
        let old_key = by.get("/workspace/signing-keys").await.expect(200)["keys"][0].clone();

        let version = keys::add_root(&stack);
        let planned = rotate_all(&stack).await;
        assert_eq!(planned["root_version"], version, "{planned}");
        assert!(
            planned["planned"].as_u64() >= Some(2) && planned["spares_bound"].as_u64() >= Some(1),
            "{planned}"
        );
        for tenant in [&one, &two] {
            let all = opened(&stack, tenant).await;
            assert!(all.values().all(|(key, _)| *key == 2), "{all:?}");
            let salts = keys::salts(&stack, tenant.id).await;
            assert_eq!(salts.last().expect("a key").root, Some(version));
        }
        // Nothing was started anew, nothing has heard of the new root by any other way than by needing it.
        assert_eq!(shown(&one, &job, &world).await, "Bearer secret");
        work::credential(by, &vault, "token", "since").await;
        assert_eq!(shown(&one, &job, &world).await, "Bearer since");
        let again = stack.order(json!({ "do": "rotate_root" })).await.expect("planned");
        assert_eq!((&again["planned"], &again["spares_bound"]), (&json!(0), &json!(0)), "{again}");

        // One workspace has a backup of before: the old root cannot go.
        let old = told(&stack, 1).await;
        assert_eq!((&old["in_use_by"], &old["kept_for_backups_of"]), (&json!(0), &json!(1)), "{old:#}");
        assert!(old["backups_until"].is_string() && old["may_be_removed"] == false, "{old:#}");
        removing_it_early_is_told(&stack).await;
        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        archive::done(by, "/workspace/restores", &body).await;

        let asked = by.delete(&format!("/workspace/backups/{}", work::id(&kept))).await.expect(202);
        archive::wait(by, &asked).await;
        assert_eq!(told(&stack, 1).await["may_be_removed"], json!(true));
        keys::remove_root(&stack, 1);
        for function in ["portal", "dispatcher", "steward"] {
            stack.cloud().kill(function).await.expect("a function");
        }
        assert_eq!(shown(&one, &job, &world).await, "Bearer since", "without the old root");
        let old = told(&stack, 1).await;
        assert_eq!((&old["is_there"], &old["may_be_removed"]), (&json!(false), &json!(true)));
        stack.cloud().tick_now("steward").await.expect("nothing is missing");
        // What the old root signed is still checked: its public key is kept.
        let listed = by.get("/workspace/signing-keys").await.expect(200)["keys"].clone();
        assert_eq!((&listed[0], listed.as_array().map(Vec::len)), (&old_key, Some(2)), "{listed:#}");
        let signature = archive::file(by, &export, "manifest.sig").await.expect(200);
        assert_eq!(signature["key_id"], old_key["id"]);
        stack.stop().await;
    });
}

#[test]
fn a_root_that_is_another_key_than_it_was_is_told_and_nothing_is_planned() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let tenant = tenant::new(&stack).await;
        let was = keys::remove_root(&stack, 1);
        let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        keys::put_back(&stack, 1, &json!(other));
        let refused = stack.order(json!({ "do": "rotate_root" })).await.expect_err("it is another key");
        assert!(
            sentence(&refused).contains("version 1 of the root key is not the key that it was"),
            "{refused:?}"
        );
        keys::put_back(&stack, 1, &was);
        let before = keys::versions(&stack, &tenant).await;
        let planned = stack.order(json!({ "do": "rotate_root" })).await.expect("planned");
        assert_eq!(planned["planned"], 0, "{planned}");
        assert_eq!(keys::versions(&stack, &tenant).await, before);
        stack.stop().await;
    });
}

#[test]
fn every_workspace_gets_its_keys_and_its_rows_stay_what_they_were() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let mut tenants = Vec::new();
        for _ in 0..6 {
            let world = World::at_once();
            tenants.push(trusted(&stack, &world, "secret").await.0);
        }
        stack.order(json!({ "do": "gather_evidence" })).await.expect("the canaries are there");
        // The log of each says that it was planned, and what was retired.
        let without_credentials = async || {
            let mut all = workspaces(&stack, &[]).await;
            let is_kept = |table: &str| !["credentials", "audit"].contains(&table);
            all.values_mut().for_each(|tables| tables.retain(|table, _| is_kept(table)));
            all
        };
        let client = database::superuser(&stack).await;
        let before_roots = "update system.tenant_keys set root_version = null where tenant_id = $1";
        client.execute(before_roots, &[&tenants[1].id]).await.expect("as keys were before roots were known");
        // One of them has asked for a rotation of its own, which is under way.
        let gate = tests::steps::Gate::at_record(&stack, "rotation", "reseal").await;
        let asked = tenants[0].administrator.post("/workspace/rotations", &json!({})).await.expect(202);
        work::until("it is held", SOON, async || gate.is_reached().await).await;
        let before = without_credentials().await;
        let version = keys::add_root(&stack);
        let planned = stack.order(json!({ "do": "rotate_root" })).await.expect("planned");
        gate.open().await;
        let begun = std::time::Instant::now();
        rotate_all(&stack).await;
        eprintln!("{} workspaces got keys under a new root in {:?}", planned["planned"], begun.elapsed());
        let ended = archive::wait(&tenants[0].administrator, &asked).await;
        assert_eq!(ended["result"]["key_version"], 3, "it went on to the new root by itself: {ended:#}");
        assert_eq!(without_credentials().await, before);
        let ask = "select distinct k.root_version from system.tenant_keys k";
        let rows = client.query(ask, &[]).await.expect("the keys");
        let roots: BTreeSet<Option<i32>> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(
            roots,
            BTreeSet::from([i32::try_from(version).ok()]),
            "of workspaces, canaries and spares"
        );
        for tenant in &tenants {
            assert_eq!(opened(&stack, tenant).await["token"].1, "secret");
        }
        stack.stop().await;
    });
}
