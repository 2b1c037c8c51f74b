//! The steward is killed with signal 9 at each step of one rollout: as it opens, in the middle of a workspace's migration at the
//! beginning of each wave, as each wave is counted, and as it ends. The next order goes on, and nothing is half done.

use local::stack::Stack;
use serde_json::json;
use tests::{
    database, stack,
    steps::{Gate, Sent},
    tenant,
    work::{self, SOON},
};
use tokio_postgres::Client;
use uuid::Uuid;

use super::migrations::{BEFORE_THE_FENCE, behind, count, schema};

/// Workspaces whose version is recorded without what it brings, or the other way round.
async fn halves(client: &Client, of: &[Uuid]) -> i64 {
    let ask = "select count(*) from system.tenants t where t.id = any ($1)
               and (t.schema_version >= $2) <> has_table_privilege(t.role_name, t.schema_name || '.vaults', 'select')";
    client.query_one(ask, &[&of, &(BEFORE_THE_FENCE + 1)]).await.expect("a count").get(0)
}

/// Where the steward is killed, in the order in which it comes there.
enum At {
    Opened,
    /// Between the begin and the commit of a workspace's migration.
    Migrates(Uuid),
    Counted,
    Done,
}

async fn gate(stack: &Stack, at: &At) -> Gate {
    let rollouts = "system.rollouts";
    match at {
        At::Opened => Gate::on(stack, rollouts, "insert").await,
        At::Migrates(id) => {
            Gate::on(stack, &format!("\"{}\".schema_migrations", schema(*id)), "insert").await
        }
        At::Counted => Gate::on_some(stack, rollouts, "update", "new.migrated > old.migrated").await,
        At::Done => {
            Gate::on_some(stack, rollouts, "update", "new.state = 'done' and old.state <> 'done'").await
        }
    }
}

#[test]
fn a_rollout_whose_steward_is_killed_at_every_step_ends_as_if_nothing_had_been() {
    stack::run(async {
        let stack = stack::own(|settings| settings.ticks = false).await;
        let client = database::superuser(&stack).await;
        let all = behind(&stack, 13).await;
        // Nobody lives in the first: the wave before the first.
        let spare = "update system.tenants set state = 'spare' where id = $1";
        client.execute(spare, &[&all[0]]).await.expect("a spare");
        let steps = [
            ("it opens", At::Opened),
            ("a spare", At::Migrates(all[0])),
            ("the count of the spares", At::Counted),
            ("the wave of one", At::Migrates(all[1])),
            ("the count of one", At::Counted),
            ("the wave of ten", At::Migrates(all[2])),
            ("the count of ten", At::Counted),
            ("the wave of all", At::Migrates(all[11])),
            ("the count of all", At::Counted),
            ("the end", At::Done),
        ];
        let order = json!({ "do": "migrate" });
        for (what, at) in &steps {
            let gate = gate(&stack, at).await;
            let killing = gate.kill(&stack, "steward", Sent::IsLost);
            let (killed, ()) = futures_util::future::join(stack.order(order.clone()), killing).await;
            assert!(killed.is_err(), "killed at {what}");
            assert_eq!(halves(&client, &all).await, 0, "killed at {what}");
            if let At::Migrates(id) = at {
                assert_eq!(count(&stack, &[*id]).await, 0, "killed at {what}: nothing of it is kept");
            }
        }
        stack.cloud().tick_now("steward").await.expect("a tick");
        work::until("all are migrated", SOON, async || count(&stack, &all).await == all.len()).await;
        let answer = stack.order(order).await.expect("the steward answers");
        assert_eq!(answer["rollout"]["state"], "done", "{answer}");
        assert_eq!((&answer["rollout"]["behind"], &answer["rollout"]["failures"]), (&json!(0), &json!([])));
        assert_eq!(halves(&client, &all).await, 0);
        // Each migration is recorded once in each schema.
        let newest = shared::db::migrate::tenant_version();
        for id in &all {
            let ask = format!(
                "select count(*), count(distinct version) from \"{}\".schema_migrations",
                schema(*id)
            );
            let row = client.query_one(&ask, &[]).await.expect("the schema's migrations");
            let wanted = i64::from(newest);
            assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (wanted, wanted), "{id}");
        }
        tenant::new(&stack).await.operator.get("/runs").await.expect(200);
        stack.stop().await;
    });
}
