//! Every transition of a run, a task and an attempt has its event, in the transaction that made it. A trigger of the test's own
//! sees the transitions; the product knows nothing of it.

use serde_json::json;
use tests::{database, stack, tenant, work, world::World};

/// Notes each change of state of a row of work.
const WITNESS: &str = "
    create table witnessed (kind text not null, id uuid not null, run_id uuid, state text not null, tx xid8 not null);
    create function witness() returns trigger language plpgsql security definer as $$
    begin
        if tg_op = 'INSERT' or new.state is distinct from old.state then
            execute format('insert into %I.witnessed values ($1, $2, $3, $4, pg_current_xact_id())', tg_table_schema)
            using tg_table_name, new.id, (to_jsonb(new) ->> 'run_id')::uuid, new.state;
        end if;
        return null;
    end $$;
    create trigger witness after insert or update on runs for each row execute function witness();
    create trigger witness after insert or update on task_runs for each row execute function witness();
    create trigger witness after insert or update on attempts for each row execute function witness();";

/// Transitions without an event of their transaction that says so.
const UNSAID: &str = "
    select format('%s %s is %s', w.kind, w.id, w.state) from witnessed w
    where not exists (
        select from events e
        where e.tx = w.tx and e.to_state = w.state
          and case w.kind when 'runs' then e.run_id = w.id and e.task_run_id is null
                          when 'task_runs' then e.task_run_id = w.id
                          else e.attempt_id = w.id end)
    order by 1";

#[test]
fn every_transition_of_work_has_its_event_in_its_transaction() {
    // Its witness is a function that no catalogue of ours would let be.
    let stack = stack::run(stack::own(|_| ()));
    stack::run(async {
        let tenant = tenant::new(&stack).await;
        let client = database::superuser(&stack).await;
        let enter = format!("set search_path = \"{}\"; {WITNESS}", tenant.schema);
        client.batch_execute(&enter).await.expect("a witness");
        let (by, world) = (&tenant.administrator, World::at_once());
        let connection = work::connection(by, "c", &world).await;
        let name = connection["name"].as_str().expect("a name");
        let job = work::job(by, "j", &work::chain(name, 3)).await;
        for _ in 0..3 {
            let run = work::run(by, &job).await;
            work::wait_for_run(by, &run, "succeeded", work::SOON).await;
        }
        let slow = World::of_runs(10_000);
        work::connection(by, "slow", &slow).await;
        let job =
            work::job(by, "k", &[work::polled("a", "slow", &[]), work::polled("b", "slow", &["a"])]).await;
        let run = work::run(by, &job).await;
        work::wait_for_run(by, &run, "active", work::SOON).await;
        by.post(&format!("/runs/{}/cancel", work::id(&run)), &json!({})).await;
        work::wait_for_run(by, &run, "cancelled", work::SOON).await;
        let seen: i64 = client.query_one("select count(*) from witnessed", &[]).await.expect("seen").get(0);
        assert!(seen > 40, "{seen} transitions were seen");
        let unsaid = client.query(UNSAID, &[]).await.expect("an answer");
        let unsaid: Vec<String> = unsaid.iter().map(|row| row.get(0)).collect();
        assert_eq!(unsaid, Vec::<String>::new());
        stack.stop().await;
    });
}
