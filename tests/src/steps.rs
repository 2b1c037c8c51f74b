//! A gate at which a function is held in the middle of its work, to be killed there. There is no hook in the product: a
//! trigger in the test's own database waits for a lock that the gate holds.
//!
//! [`Gate::at_record`] holds the steward when a step's work is done and not yet recorded, [`Gate::on`] in the middle of a step,
//! before a row of a table is touched, [`Gate::on_drop`] and [`Gate::on_create`] after a schema was dropped or made and before
//! the commit. Use it on a stack of one's own.

use std::time::Duration;

use local::stack::Stack;
use tokio_postgres::Client;

use crate::{database, work};

/// What the trigger and the gate agree on; two numbers of an advisory lock.
const LOCK: &str = "4711, 1";
/// Longer than the steward's lease on an operation.
pub const PAST_THE_LEASE: Duration = Duration::from_secs(400);

/// What becomes of what a process had sent behind the statement at which it was killed: its commit, where both went together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It arrives, and is done.
    Arrives,
    /// It is lost, and the transaction with it.
    IsLost,
}

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
        Self::on_some(stack, table, verb, "true").await
    }

    /// The same, only for rows of which this holds: of `new` and, where there was a row, of `old`.
    pub async fn on_some(stack: &Stack, table: &str, verb: &str, held: &str) -> Self {
        Self::install(database::superuser(stack).await, table, verb, held).await
    }

    /// As the end of an archive is being planned.
    pub async fn on_plan(stack: &Stack) -> Self {
        let client = database::superuser(stack).await;
        Self::install(client, "system.operations", "insert", "new.kind = 'expiry'").await
    }

    /// After a schema was dropped, before that is committed.
    pub async fn on_drop(stack: &Stack) -> Self {
        Self::on_event(stack, "sql_drop", "DROP SCHEMA").await
    }

    /// After a schema was made, before anything is in it.
    pub async fn on_create(stack: &Stack) -> Self {
        Self::on_event(stack, "ddl_command_end", "CREATE SCHEMA").await
    }

    async fn on_event(stack: &Stack, event: &str, tag: &str) -> Self {
        let make = format!(
            "create function public.gate() returns event_trigger language plpgsql set lock_timeout = 0 as $$
             begin perform pg_advisory_xact_lock({LOCK}); end $$;
             create event trigger gate on {event} when tag in ('{tag}') execute function public.gate()"
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
        self.kill(stack, "steward", Sent::Arrives).await;
    }

    /// Waits for a function at the gate, kills it there with signal 9, and takes the gate away.
    pub async fn kill(self, stack: &Stack, function: &str, sent: Sent) {
        let at_the_gate = format!("the {function} stands at the gate");
        work::until(&at_the_gate, work::SOON, async || self.is_reached().await).await;
        let killed = stack.cloud().kill(function).await.expect("a function");
        assert!(killed > 0, "no {function} was there to be killed");
        if sent == Sent::IsLost {
            let end = "select pg_terminate_backend(pid, 10000) from pg_locks
                       where locktype = 'advisory' and classid = 4711 and not granted";
            self.client.query(end, &[]).await.expect("what waits is ended");
        }
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
