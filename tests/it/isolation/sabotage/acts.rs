//! Controls of the steward's statements, of quotas, leases, keys and sealing: one condition after another is taken out of the
//! text of a statement or a function, and an act of [`checks::acts`] must come to something else.

mod functions;
mod statements;

use tests::scale;
use tokio_postgres::Client;

use super::bend;
use crate::isolation::checks::{
    Pair,
    acts::{self, Act, Of},
};

/// A control: where it stands, and the text with and without it.
struct Bent {
    control: &'static str,
    of: Of,
    from: &'static str,
    to: &'static str,
}

const fn file(control: &'static str, file: &'static str, from: &'static str, to: &'static str) -> Bent {
    Bent { control, of: Of::File(file), from, to }
}

const fn function(control: &'static str, name: &'static str, from: &'static str, to: &'static str) -> Bent {
    Bent { control, of: Of::Function(name), from, to }
}

/// What acts of a statement or a function came to that they must not, with this text in place of it.
async fn wrong(client: &Client, pair: &Pair, of: Of, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for act in acts::all().filter(|act| act.of == of) {
        wrong.extend(act.run(client, pair, text).await);
    }
    wrong
}

impl Bent {
    /// Whether an act notices; why not, where it is not as it was when this was written.
    async fn is_noticed(&self, client: &Client, pair: &Pair) -> Result<bool, String> {
        let text = match self.of {
            Of::File(file) => {
                let text = acts::text_of(file);
                if !text.contains(self.from) {
                    return Err(format!(
                        "{file} has no `{}`: say in sabotage/acts/ what the control is now",
                        self.from
                    ));
                }
                text.replace(self.from, self.to)
            }
            Of::Function(name) => {
                let text = bend(client, name, self.from, self.to).await?;
                client.batch_execute(&text).await.map_err(|error| format!("cannot be planted: {error:?}"))?;
                String::new()
            }
        };
        Ok(!wrong(client, pair, self.of, &text).await.is_empty())
    }
}

/// What every act comes to that it must not, while nothing is bent.
async fn wrong_as_it_is(client: &Client, pair: &Pair) -> Vec<String> {
    client.batch_execute("begin").await.expect("a transaction");
    let mut found = Vec::new();
    for act in acts::all() {
        let text = match act.of {
            Of::File(file) => acts::text_of(file),
            Of::Function(_) => String::new(),
        };
        found.extend(Act::run(act, client, pair, &text).await);
    }
    client.batch_execute("rollback").await.expect("as it was");
    found
}

/// Plants one after another; says which nothing has noticed.
pub(super) async fn plant_all(client: &Client, pair: &Pair) -> Vec<String> {
    let found = wrong_as_it_is(client, pair).await;
    assert!(found.is_empty(), "nothing is noticed where nothing is gone: {found:#?}");
    let mut missed = Vec::new();
    let all: Vec<&Bent> = [statements::ALL, functions::ALL].into_iter().flatten().collect();
    for bent in &all {
        client.batch_execute("begin").await.expect("a transaction");
        match bent.is_noticed(client, pair).await {
            Ok(true) => {}
            Ok(false) => missed.push(bent.control.to_owned()),
            Err(why) => missed.push(format!("{}: {why}", bent.control)),
        }
        client.batch_execute("rollback").await.expect("as it was");
    }
    let found = wrong_as_it_is(client, pair).await;
    assert!(found.is_empty(), "everything stands again: {found:#?}");
    let (planted, caught) = (all.len(), all.len() - missed.len());
    let counts = [
        ("where", "statements_and_acts".to_owned()),
        ("acts", acts::all().count().to_string()),
        ("planted", planted.to_string()),
        ("caught", format!("{caught} ({}%)", caught * 100 / planted)),
    ];
    scale::say("sabotage", &counts);
    missed
}
