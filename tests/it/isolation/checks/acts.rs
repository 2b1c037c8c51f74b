//! Acts of the product on which more than one tenant's fence hangs: the steward's statements under an epoch, what a deletion
//! counts, what a move compares, quotas, leases of calls, the end of keys, sealing. Each is done under circumstances in which it
//! must come to something: so many rows, or a refusal. The text is the product's own, of a file or of a function; sabotage puts a
//! bent one in its place.

mod keys;
mod shares;
mod steward;

use std::fs;

use local::settings;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{Pair, probes};
pub(in crate::isolation) use probes::Who;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::isolation) enum Of {
    /// A statement, by its file below `shared/sql`.
    File(&'static str),
    /// A function of schema `system`.
    Function(&'static str),
}

/// What must come of it.
#[derive(Clone, Copy, Debug)]
enum Comes {
    /// So many rows, told or touched.
    To(u64),
    /// This error.
    Fails(&'static str),
}

/// One act.
#[derive(Clone, Copy, Debug)]
pub(in crate::isolation) struct Act {
    pub(in crate::isolation) claim: &'static str,
    pub(in crate::isolation) of: Of,
    who: Who,
    /// What the superuser does first.
    given: &'static str,
    /// The arguments of a file's statement, or the statement that calls a function.
    done: &'static str,
    comes: Comes,
    /// A question the superuser asks afterwards: a row is something wrong.
    after: &'static str,
}

/// All of them.
pub(in crate::isolation) fn all() -> impl Iterator<Item = &'static Act> {
    [steward::ALL, shares::ALL, keys::ALL].into_iter().flatten()
}

/// The steward on schema `system`.
const OWNER: Who = Who::Group("signalbox_steward", "signalbox_owner");

/// An act of the steward that comes to so many rows.
const fn act(claim: &'static str, of: Of, given: &'static str, done: &'static str, rows: u64) -> Act {
    Act { claim, of, who: OWNER, given, done, comes: Comes::To(rows), after: "" }
}

/// The text of a statement.
pub(in crate::isolation) fn text_of(file: &str) -> String {
    let path = settings::workspace().join("shared/sql").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Act {
    /// Does it, a file's with this text; what came of it, where that is not what must. The connection is the superuser's, inside a
    /// transaction that is rolled back.
    pub(in crate::isolation) async fn run(&self, client: &Client, pair: &Pair, text: &str) -> Option<String> {
        let given = pair.fill(&format!("savepoint act; {}", self.given));
        client.batch_execute(&given).await.unwrap_or_else(|error| panic!("{}: {error:?}", self.claim));
        let wrong = self.tried(client, pair, text).await;
        let back = "rollback to savepoint act; release savepoint act; deallocate all";
        client.batch_execute(back).await.expect("nothing stays");
        wrong.map(|what| format!("{}: {what}", self.claim))
    }

    async fn tried(&self, client: &Client, pair: &Pair, text: &str) -> Option<String> {
        let done = match self.of {
            Of::File(_) => format!("prepare act as {text}\n; execute act({})", self.done),
            Of::Function(_) => self.done.to_owned(),
        };
        let done = pair.fill(&format!("{}; {done}", self.who.enter()));
        let answer = client.simple_query(&done).await;
        let rows = |messages: &[SimpleQueryMessage]| {
            let last = messages.iter().rev().find_map(|message| match message {
                SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
                _ => None,
            });
            last.unwrap_or_default()
        };
        match (&answer, self.comes) {
            (Ok(messages), Comes::To(wanted)) if rows(messages) == wanted => {}
            (Err(error), Comes::Fails(wanted)) if error.code().is_some_and(|it| it.code() == wanted) => {
                return None;
            }
            (Ok(messages), _) => return Some(format!("it came to {} rows", rows(messages))),
            (Err(error), _) => return Some(format!("{error:?}")),
        }
        if self.after.is_empty() {
            return None;
        }
        client.batch_execute(probes::BACK).await.expect("the superuser again");
        let wrong = client.query(&pair.fill(self.after), &[]).await;
        let wrong = wrong.unwrap_or_else(|error| panic!("{}: {error:?}", self.claim)).len();
        (wrong > 0).then(|| "what it left is not what it must".to_owned())
    }
}
