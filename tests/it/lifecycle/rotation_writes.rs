//! Who writes and who reads while keys are rotated: nothing that is written is lost, and what was read before can still be used.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::join;
use local::stack::Stack;
use serde_json::json;
use shared::{
    db::{Database, Scope, TenantTx},
    keys::TenantKeys,
    model::{
        ids::{Id, TenantId},
        tenant::Route,
    },
    store::credentials,
};
use tests::{
    database, keys, scale, stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::{Answer, World},
};

use super::rotations::{opened, trusted};

/// Seals everything anew under a version, three at a time; says how much that was.
async fn reseal_all(stack: &Stack, pool: &Database, route: &Route, newest: i32) -> u64 {
    let salts = keys::salts(stack, route.tenant.uuid()).await;
    let keys = TenantKeys::new(keys::ring(stack).await, salts);
    let (mut after, mut resealed) = (None, 0);
    loop {
        let tx = TenantTx::begin(pool, &Scope::Worker(route.clone()), "reseal").await.expect("a scope");
        let done =
            credentials::reseal(&tx, (route.tenant, &keys), newest, &mut after, 3).await.expect("resealed");
        tx.commit().await.expect("committed");
        assert_eq!(done.unreadable, 0);
        resealed += done.resealed;
        if after.is_none() {
            return resealed;
        }
    }
}

#[test]
fn what_is_written_while_everything_is_sealed_anew_is_never_lost() {
    stack::with(async |stack| {
        let world = World::at_once();
        let (tenant, vault, _) = trusted(stack, &world, "before").await;
        let by = &tenant.administrator;
        let names: Vec<String> = (0..12).map(|number| format!("c{number}")).collect();
        for name in &names {
            work::credential(by, &vault, name, "0").await;
        }
        let route =
            Route { tenant: TenantId::from(tenant.id), schema: tenant.schema.parse().expect("a schema") };
        let pool = database::of(stack, "steward", 2).await;
        let client = database::superuser(stack).await;
        let add = "select system.key_add($1, $2::integer, sha256($2::integer::text::bytea))";
        let (rounds, is_over) = (scale::of(40, 400), AtomicBool::new(false));
        let rotating = async {
            let (mut resealed, mut newest) = (0, 1);
            for _ in 0..rounds {
                newest += 1;
                client.execute(add, &[&tenant.id, &newest]).await.expect("a version");
                resealed += reseal_all(stack, &pool, &route, newest).await;
                let retire = "select destroyed, kept from system.keys_retire($1)";
                let row = client.query_one(retire, &[&tenant.id]).await.expect("retired");
                assert_eq!(
                    (row.get::<_, i32>(0), row.get::<_, i32>(1)),
                    (1, 0),
                    "nobody seals under an older one"
                );
            }
            is_over.store(true, Ordering::Relaxed);
            resealed
        };
        let writing = async {
            let mut last = BTreeMap::new();
            let mut written = 0_usize;
            while !is_over.load(Ordering::Relaxed) {
                let name = &names[written * 7 % names.len()];
                written += 1;
                work::credential(by, &vault, name, &written.to_string()).await;
                last.insert(name.clone(), written.to_string());
            }
            (written, last)
        };
        let (resealed, (written, last)) = join(rotating, writing).await;
        eprintln!("{rounds} rotations sealed {resealed} credentials anew while {written} were written");
        assert!(written > rounds / 4 && resealed > 0);
        let all = opened(stack, &tenant).await;
        for (name, text) in last {
            assert_eq!(all[&name].1, text, "{name}: what was written last");
        }
    });
}

#[test]
fn a_version_waits_for_whoever_is_sealing_and_they_for_it() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let vault = work::vault(&tenant.administrator, "vault").await;
        // Somebody who seals: holds the workspace, has read the salts, has not written yet.
        let sealing = database::superuser(stack).await;
        let hold = "select pg_advisory_lock_shared(1, hashtext($1::uuid::text))";
        sealing.execute(hold, &[&tenant.id]).await.expect("held");
        let other = database::superuser(stack).await;
        other.batch_execute("set lock_timeout = '300ms'").await.expect("set");
        let add = "select system.key_add($1, 2, sha256('x'))";
        assert!(other.execute(add, &[&tenant.id]).await.is_err(), "it waits for the one who seals");
        let written = "select pg_advisory_unlock_shared(1, hashtext($1::uuid::text))";
        sealing.execute(written, &[&tenant.id]).await.expect("let go");
        other.execute(add, &[&tenant.id]).await.expect("added");
        work::credential(&tenant.administrator, &vault, "token", "x").await;
        assert_eq!(
            opened(stack, &tenant).await["token"],
            (2, "x".to_owned()),
            "the next one takes the newest"
        );
    });
}

#[test]
fn a_dispatcher_that_read_a_credential_before_the_rotation_can_still_use_it() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let world = World::new(|request, _| {
            let done = Answer::Json(200, json!({ "ok": true }));
            if request.path == "/start/t0" {
                Answer::After(Duration::from_secs(6), Box::new(done))
            } else {
                done
            }
        });
        let (tenant, ..) = trusted(&stack, &world, "before").await;
        let job = work::job(&tenant.administrator, "chain", &work::chain("platform", 2)).await;
        let run = work::run(&tenant.operator, &job).await;
        work::until("the first call is under way", SOON, async || world.count("POST", "/start/t0") == 1)
            .await;
        // The dispatcher holds the connection with its credential as it was; both its key and its bytes are gone from now on.
        let client = database::superuser(&stack).await;
        let ring = keys::ring(&stack).await;
        let old = TenantKeys::new(ring.clone(), keys::salts(&stack, tenant.id).await);
        let add = "select system.key_add($1, 2, sha256('x'))";
        client.execute(add, &[&tenant.id]).await.expect("a version");
        let new = TenantKeys::new(ring, keys::salts(&stack, tenant.id).await);
        reseal_by_hand(&stack, &tenant, &old, &new).await;
        let gone = "delete from system.tenant_keys where tenant_id = $1 and version = 1";
        assert_eq!(client.execute(gone, &[&tenant.id]).await.expect("destroyed"), 1);
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        let shown: Vec<_> =
            world.ledger().iter().map(|entry| entry.headers["authorization"].clone()).collect();
        assert_eq!(shown, ["Bearer before", "Bearer before"]);
        stack.stop().await;
    });
}

/// What a rotation does to the one credential, at once.
async fn reseal_by_hand(stack: &Stack, tenant: &Tenant, old: &TenantKeys, new: &TenantKeys) {
    let route = Route { tenant: TenantId::from(tenant.id), schema: tenant.schema.parse().expect("a schema") };
    let pool = database::of(stack, "steward", 1).await;
    let tx = TenantTx::begin(&pool, &Scope::Worker(route.clone()), "reseal").await.expect("a scope");
    let mut after = None;
    let none = credentials::reseal(&tx, (route.tenant, old), 1, &mut after, 10).await.expect("looked");
    assert_eq!(none.resealed, 0, "nothing is older than the first version");
    let done = credentials::reseal(&tx, (route.tenant, new), 2, &mut after, 10).await.expect("resealed");
    assert_eq!((done.resealed, done.unreadable), (1, 0));
    tx.commit().await.expect("committed");
}
