//! A gate at which the steward is held in the middle of an operation, to be killed there. There is no hook in the product: a
//! trigger in the test's own database waits for a lock that the gate holds.
//!
//! [`Gate::at_record`] holds it when a step's work is done and not yet recorded, [`Gate::on`] in the middle of a step, before a
//! row of a table is touched, [`Gate::on_drop`] after a schema was dropped and before the commit. Use it on a stack of one's own.

use std::time::Duration;

use local::stack::Stack;
use tokio_postgres::Client;

use crate::{database, work};

/// What the trigger and the gate agree on; two numbers of an advisory lock.
const LOCK: &str = "4711, 1";
/// Longer than the steward's lease on an operation.
pub const PAST_THE_LEASE: Duration = Duration::from_secs(400);

/// Holds whoever comes until it is opened.
pub struct Gate {
    client: Client,
    remove: String,
}

impl Gate {
    /// Where an operation of a kind is about to record this as its next step; `end` is its end.
    pub async fn at_record(stack: &Stack, kind: &str, step: &str) -> Self {
        Self::at_record_in(stack, None, kind, step).await
    }

    /// The same in another database than the first, where one is named.
    pub async fn at_record_in(stack: &Stack, database: Option<&str>, kind: &str, step: &str) -> Self {
        let at = if step == "end" {
            "tg_op = 'DELETE' or new.finished_at is not null".to_owned()
        } else {
            format!("tg_op = 'UPDATE' and new.step = '{step}' and old.step <> new.step")
        };
        let held = format!("old.kind = '{kind}' and ({at})");
        let client = database::superuser_in(stack, database).await;
        Self::install(client, "system.operations", "update or delete", &held).await
    }

    /// Before a row of a table is inserted, updated or deleted: `verb`.
    pub async fn on(stack: &Stack, table: &str, verb: &str) -> Self {
        Self::install(database::superuser(stack).await, table, verb, "true").await
    }

    /// As the end of an archive is being planned.
    pub async fn on_plan(stack: &Stack) -> Self {
        let client = database::superuser(stack).await;
        Self::install(client, "system.operations", "insert", "new.kind = 'expiry'").await
    }

    /// After a schema was dropped, before that is committed.
    pub async fn on_drop(stack: &Stack) -> Self {
        let make = format!(
            "create function public.gate() returns event_trigger language plpgsql set lock_timeout = 0 as $$
             begin perform pg_advisory_xact_lock({LOCK}); end $$;
             create event trigger gate on sql_drop when tag in ('DROP SCHEMA') execute function public.gate()"
        );
        let client = database::superuser(stack).await;
        Self::close(client, &make, "drop event trigger gate; drop function public.gate()").await
    }

    async fn install(client: Client, table: &str, verb: &str, held: &str) -> Self {
        let row = if verb.contains("delete") { "coalesce(new, old)" } else { "new" };
        let make = format!(
            "create function public.gate() returns trigger language plpgsql security definer set lock_timeout = 0 as $$
             begin
                 if {held} then perform pg_advisory_xact_lock({LOCK}); end if;
                 return {row};
             end $$;
             create trigger gate before {verb} on {table} for each row execute function public.gate()"
        );
        let remove = format!("drop trigger gate on {table}; drop function public.gate()");
        Self::close(client, &make, &remove).await
    }

    async fn close(client: Client, make: &str, remove: &str) -> Self {
        client.batch_execute(make).await.expect("a gate");
        client.batch_execute(&format!("select pg_advisory_lock({LOCK})")).await.expect("the gate's lock");
        Self { client, remove: remove.to_owned() }
    }

    /// Somebody stands at the gate.
    pub async fn is_reached(&self) -> bool {
        let ask =
            "select count(*) from pg_locks where locktype = 'advisory' and classid = 4711 and not granted";
        self.client.query_one(ask, &[]).await.expect("the locks").get::<_, i64>(0) > 0
    }

    /// Waits for the steward at the gate, kills it there with signal 9, and takes the gate away: what its transaction had done
    /// is rolled back, for nobody is left to commit it.
    pub async fn kill_the_steward(self, stack: &Stack) {
        work::until("the steward stands at the gate", work::SOON, async || self.is_reached().await).await;
        let killed = stack.cloud().kill("steward").await.expect("a function");
        assert!(killed > 0, "no steward was there to be killed");
        self.open().await;
    }

    /// Takes the gate away.
    pub async fn open(self) {
        self.client
            .batch_execute(&format!("select pg_advisory_unlock({LOCK})"))
            .await
            .expect("the gate's lock");
        // Whoever stood there holds the table until it has found out that nobody listens.
        self.client.batch_execute(&self.remove).await.expect("the gate is gone");
    }
}
