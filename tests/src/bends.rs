//! Makes what the steward does in a schema that it has just made wait or fail. There is no hook in the product: whatever table is
//! made in the test's own database while a bend stands gets a trigger. Use it on a stack of one's own, one at a time.

use local::stack::Stack;
use tokio_postgres::Client;

use crate::{database, work};

/// What those who wait and the bend agree on; two numbers of an advisory lock.
const LOCK: &str = "4711, 2";

/// A bend that stands until it is taken away.
pub struct Bend {
    client: Client,
}

impl Bend {
    /// Before rows of a table are inserted, updated or deleted (`verb`), `then` is done: statements of PL/pgSQL. Only in schemas of
    /// workspaces that are made from now on.
    pub async fn new(stack: &Stack, table: &str, verb: &str, then: &str) -> Self {
        let make = format!(
            "{}
             create function public.bend_new() returns event_trigger language plpgsql security definer as $$
             declare v_made record;
             begin
                 for v_made in select c.object_identity from pg_event_trigger_ddl_commands() c
                               where c.command_tag = 'CREATE TABLE' and c.object_identity ~ '^t_[0-9a-f]{{32}}[.]{table}$'
                 loop
                     execute format('create trigger bend before {verb} on %s for each row execute function public.bend()',
                                    v_made.object_identity);
                 end loop;
             end $$;
             create event trigger bend on ddl_command_end when tag in ('CREATE TABLE') execute function public.bend_new()",
            function(then)
        );
        let client = database::superuser(stack).await;
        client.batch_execute(&make).await.expect("a bend");
        Self { client }
    }

    /// Whoever comes to the table waits there until the bend is straightened.
    pub async fn holding(stack: &Stack, table: &str, verb: &str) -> Self {
        let bend = Self::new(stack, table, verb, &format!("perform pg_advisory_xact_lock({LOCK});")).await;
        let lock = format!("select pg_advisory_lock({LOCK})");
        bend.client.batch_execute(&lock).await.expect("the bend's lock");
        bend
    }

    /// Somebody waits there.
    pub async fn is_reached(&self) -> bool {
        let ask = "select exists (select from pg_locks where locktype = 'advisory' and classid = 4711 and objid = 2 and not granted)";
        self.client.query_one(ask, &[]).await.expect("the locks").get(0)
    }

    /// Lets those go who wait there and were killed, and holds the next.
    pub async fn let_go(&self) {
        let busy = "select not exists (
                        select from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
                        where n.nspname like 't\\_%' and l.mode = 'RowExclusiveLock')";
        self.client
            .batch_execute(&format!("select pg_advisory_unlock({LOCK})"))
            .await
            .expect("the bend's lock");
        work::until("they are gone", work::SOON, async || {
            self.client.query_one(busy, &[]).await.expect("the locks").get(0)
        })
        .await;
        self.client
            .batch_execute(&format!("select pg_advisory_lock({LOCK})"))
            .await
            .expect("the bend's lock");
    }

    /// Nothing happens any more, to what was made meanwhile either.
    pub async fn straighten(self) {
        let end = format!(
            "drop event trigger bend; drop function public.bend_new(); {}; select pg_advisory_unlock_all()",
            function("")
        );
        self.client.batch_execute(&end).await.expect("the bend is gone");
    }
}

fn function(then: &str) -> String {
    format!(
        "create or replace function public.bend() returns trigger language plpgsql security definer set lock_timeout = 0 as $$
         begin {then} return coalesce(new, old); end $$;"
    )
}
