//! One release serves two versions of a workspace's schema: the one it brings and the one before. What the older one has not
//! yet is answered with `upgrading`; everything else works, also while one becomes the other.

use local::stack::Stack;
use serde_json::json;
use shared::{clock::Clock, db::migrate, model::ids::Id, model::ids::TenantId};
use tests::{
    archive, audit, database, invariants, stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::World,
};
use uuid::Uuid;

/// The version before the newest.
fn before() -> i32 {
    migrate::tenant_version() - 1
}

/// A workspace with people whose schema is of the version before.
pub(super) async fn older(stack: &Stack) -> Tenant {
    let pool = database::of(stack, "steward", 1).await;
    let id: TenantId = Clock::system().new_id();
    tenant::spare_at(&pool, id, before()).await;
    let client = database::superuser(stack).await;
    // The oldest spare is claimed first.
    let first = "update system.tenants set created_at = '2000-01-01' where id = $1";
    client.execute(first, &[&id.uuid()]).await.expect("it is the next");
    let tenant = tenant::new(stack).await;
    assert_eq!((tenant.id, version(stack, tenant.id).await), (id.uuid(), before()));
    tenant
}

async fn version(stack: &Stack, of: Uuid) -> i32 {
    let ask = "select schema_version from system.tenants where id = $1";
    database::superuser(stack).await.query_one(ask, &[&of]).await.expect("its row").get(0)
}

#[test]
fn the_version_before_is_served_but_for_what_it_has_not() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (old, new) = (older(&stack).await, tenant::new(&stack).await);
        assert_eq!(version(&stack, new.id).await, migrate::tenant_version());
        let world = World::at_once();
        for tenant in [&old, &new] {
            let by = &tenant.administrator;
            let vault = work::vault(by, "vault").await;
            work::credential(by, &vault, "token", "secret").await;
            work::connection(by, "platform", &world).await;
            let job = work::job(by, "job", &work::chain("platform", 2)).await;
            let run = work::run(&tenant.operator, &job).await;
            work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
            assert!(!work::all(by, "/audit").await.is_empty());
            let export = archive::done(by, "/workspace/exports", &json!({})).await;
            assert_eq!(export["state"], "succeeded", "{export:#}");
            invariants::hold(&stack, tenant).await;
        }
        new.administrator.get("/audit/head").await.expect(200);
        let answer = old.administrator.get("/audit/head").await;
        answer.problem(503, "upgrading");
        assert_eq!(answer.header("retry-after"), "60");
        stack.stop().await;
    });
}

#[test]
fn a_workspace_is_used_while_it_is_brought_up_to_date_and_its_older_backup_still_opens() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let tenant = older(&stack).await;
        let (by, world) = (&tenant.administrator, World::at_once());
        work::connection(by, "platform", &world).await;
        let job = work::job(by, "job", &work::chain("platform", 1)).await;
        let kept = archive::done(by, "/workspace/backups", &json!({})).await;
        assert_eq!(kept["result"]["schema_version"], before());

        let mut runs = Vec::new();
        let used = async {
            for _ in 0..20 {
                runs.push(work::run(&tenant.operator, &job).await);
            }
        };
        let migrated = async {
            while version(&stack, tenant.id).await == before() {
                stack.order(json!({ "do": "migrate" })).await.expect("the steward migrates");
            }
        };
        futures_util::future::join(used, migrated).await;
        for run in &runs {
            work::wait_for_run(&tenant.operator, run, "succeeded", SOON).await;
        }
        assert_eq!(world.count("POST", "/start/t0"), runs.len(), "each was started once");
        invariants::hold(&stack, &tenant).await;
        audit::seal(&stack, tenant.id).await;
        assert_eq!(audit::verify(by, None).await["verified"], true, "what was written before is sealed too");

        let body = json!({ "backup_id": kept["id"], "into": "sandbox" });
        let made = archive::done(by, "/workspace/restores", &body).await;
        let sandbox = made["result"]["workspace_id"].as_str().expect("a workspace");
        let sandbox = sandbox.parse().expect("an id");
        assert_eq!(version(&stack, sandbox).await, migrate::tenant_version());
        audit::seal(&stack, sandbox).await;
        stack.stop().await;
    });
}
