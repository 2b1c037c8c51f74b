//! Pools and cells: workspaces that share a schema live beside those that have their own, as if nobody shared anything.

use local::stack::Stack;
use serde_json::json;
use shared::db::{
    migrate,
    placement::{self, Room},
};
use tests::{
    database, invariants, stack,
    tenant::{self, Directory, Placement, Workspace, random_id},
    work::{self, SOON},
    world::World,
};
use uuid::Uuid;

async fn row<T: for<'a> tokio_postgres::types::FromSql<'a>>(stack: &Stack, ask: &str, id: Uuid) -> T {
    let client = database::superuser(stack).await;
    client.query_one(ask, &[&id]).await.unwrap_or_else(|error| panic!("{ask}: {error:?}")).get(0)
}

#[test]
fn two_pooled_workspaces_share_a_schema_and_work_as_if_they_did_not() {
    stack::with(async |stack| {
        let ours = tenant::new_in(stack, Placement::Pooled).await;
        let theirs = tenant::new_in(stack, Placement::Pooled).await;
        let own = tenant::new(stack).await;
        assert_eq!(ours.schema, theirs.schema, "one pool");
        assert_ne!(ours.schema, own.schema);
        assert_ne!(ours.schema, format!("t_{}", ours.id.simple()), "a pool bears no workspace's id");
        let world = World::at_once();
        for tenant in [&ours, &theirs, &own] {
            // The same names everywhere: uniqueness is within a workspace.
            work::connection(&tenant.administrator, "platform", &world).await;
            let job = work::job(&tenant.administrator, "job", &work::chain("platform", 3)).await;
            let run = work::run(&tenant.operator, &job).await;
            work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
            assert_eq!(work::all(&tenant.operator, "/runs").await.len(), 1);
            assert_eq!(work::all(&tenant.operator, "/jobs").await.len(), 1);
            let dashboard = tenant.operator.get("/dashboard").await.expect(200);
            assert_eq!(dashboard["counts"]["succeeded_24h"], 1, "{dashboard}");
        }
        for tenant in [&ours, &theirs, &own] {
            invariants::hold(stack, tenant).await;
        }
    });
}

#[test]
fn a_directory_gets_the_placement_it_was_onboarded_with_and_none_it_cannot_have() {
    stack::with(async |stack| {
        let placement = "select placement from system.tenants where id = $1";
        for wanted in [Placement::Pooled, Placement::Schema] {
            let tenant = tenant::new_in(stack, wanted).await;
            assert_eq!(row::<String>(stack, placement, tenant.id).await, wanted.name());
        }
        let order = |placement: &str| json!({ "do": "onboard", "directory_id": random_id(), "name": "x", "placement": placement });
        assert!(stack.order(order("dedicated")).await.is_err(), "no database is named");
        assert!(stack.order(order("elsewhere")).await.is_err());
    });
}

#[test]
fn pools_and_cells_that_are_full_are_followed_by_the_next() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let small = json!({ "do": "refill", "spares": 9, "per_cell": 3, "per_pool": 2 });
        let directory = Directory::unknown(&stack);
        let person = directory.person(&stack, "ada");
        directory.onboard_in(&stack, Some(person.object_id), Placement::Pooled).await;
        stack.order(small).await.expect("refilled");
        let client = database::superuser(&stack).await;
        let pools = "select array_agg(n order by n) from (select count(t.id) as n from system.pools p
                     left join system.tenants t on t.schema_name = p.schema_name
                          and not exists (select from system.canaries k where k.tenant_id = t.id)
                     group by p.schema_name) c";
        let pools: Vec<i64> = client.query_one(pools, &[]).await.expect("pools").get(0);
        assert_eq!(pools, [1, 2, 2, 4], "four made at onboarding fill the first one");
        let cells = "select array_agg(n order by name) from (
                         select c.name, (select count(*) from system.tenants t where t.cell = c.name and t.placement = 'schema')
                                      + (select count(*) from system.pools p where p.cell = c.name) as n
                         from system.cells c) c";
        let cells: Vec<i64> = client.query_one(cells, &[]).await.expect("cells").get(0);
        assert_eq!(cells.iter().sum::<i64>(), 9 + 4, "{cells:?}");
        assert!(cells.len() > 2 && cells[1..].iter().all(|n| *n <= 3), "{cells:?}");
        // A workspace of a later cell is entered like one of the first.
        let take =
            "update system.tenants set state = 'provisioning' where state = 'spare' and cell = 'cell_0001'";
        client.execute(take, &[]).await.expect("taken");
        for placement in [Placement::Pooled, Placement::Schema] {
            let tenant = tenant::new_in(&stack, placement).await;
            tenant.operator.get("/jobs").await.expect(200);
        }
        // Installing again gives a login what it needs of every cell.
        stack.order(json!({ "do": "install" })).await.expect("installed");
        stack.stop().await;
    });
}

#[test]
fn a_pool_is_migrated_once_and_its_workspaces_with_it() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let steward = database::of(&stack, "steward", 1).await;
        let last = migrate::tenant_version();
        let pool = placement::make_pool(&steward, random_id(), Room::USUAL, last - 1).await.expect("a pool");
        let ours = Workspace::claim_in(&stack, Placement::Pooled).await;
        let theirs = Workspace::claim_in(&stack, Placement::Pooled).await;
        assert_eq!([ours.schema.as_str(), theirs.schema.as_str()], [pool.as_str(); 2]);
        let client = database::superuser(&stack).await;
        let versions = "select array_agg(distinct schema_version) from (
                            select schema_version from system.pools
                            union all select schema_version from system.tenants where placement = 'pooled') v";
        let all: Vec<i32> = client.query_one(versions, &[]).await.expect("versions").get(0);
        assert_eq!(all, [last - 1], "who joins a pool has its version");
        let answer = stack.order(json!({ "do": "migrate", "until": "one" })).await.expect("migrated");
        let all: Vec<i32> = client.query_one(versions, &[]).await.expect("versions").get(0);
        assert_eq!(all, [last], "{answer}");
        let applied = format!("select count(*) from {pool}.schema_migrations where version = {last}");
        assert_eq!(client.query_one(&applied, &[]).await.expect("a count").get::<_, i64>(0), 1);
        stack.stop().await;
    });
}
