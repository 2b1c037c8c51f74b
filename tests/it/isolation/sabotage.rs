//! The tests, tested: one control after another is taken away, and each time a check of this suite must notice.
//!
//! What stands in the database is bent in a transaction that is rolled back ([`databases`], [`grants`], [`tables`], [`opening`],
//! [`functions`], [`people`], [`sandboxes`], [`ways`], [`operators`], [`acts`]), on a stack of its own. What stands in the code is bent at its seams ([`seams`], [`connections`]):
//! the product has no switch for it.

mod acts;
mod connections;
mod databases;
mod functions;
mod grants;
mod opening;
mod operators;
mod people;
mod sandboxes;
mod seams;
mod tables;
mod ways;

use tests::{scale, stack};
use tokio_postgres::Client;

use super::checks::{self, Pair};

/// A control and how it is taken away.
struct Sabotage {
    control: &'static str,
    how: How,
}

enum How {
    /// By this statement.
    Sql(&'static str),
    /// By a function of schema `system` with another text in place of this one.
    Bent(&'static str, &'static str, &'static str),
}

const fn sql(control: &'static str, statement: &'static str) -> Sabotage {
    Sabotage { control, how: How::Sql(statement) }
}

const fn bent(
    control: &'static str,
    function: &'static str,
    from: &'static str,
    to: &'static str,
) -> Sabotage {
    Sabotage { control, how: How::Bent(function, from, to) }
}

impl Sabotage {
    /// Takes the control away; says why not, where it is not as it was when this was written.
    async fn plant(&self, client: &Client, pair: &Pair) -> Result<(), String> {
        let statement = match self.how {
            How::Sql(statement) => pair.fill(statement),
            How::Bent(function, from, to) => bend(client, function, from, to).await?,
        };
        client.batch_execute(&statement).await.map_err(|error| format!("cannot be planted: {error:?}"))
    }

    /// Whether a check notices; the generated calls are made last, of the function that is bent.
    async fn is_noticed(&self, client: &Client, pair: &Pair) -> bool {
        let function = match self.how {
            How::Bent(function, ..) => function.split('/').next(),
            How::Sql(_) => None,
        };
        if checks::is_anything_wrong(client, pair, function).await {
            return true;
        }
        let Some(name) = function else { return false };
        for function in checks::calls::functions_of(client, "signalbox_tenants").await {
            if function.name == name && !function.call(client, pair).await.wrong.is_empty() {
                return true;
            }
        }
        false
    }
}

/// The definition of a function with another text in it. Of several of one name it is the one with the most arguments, unless
/// the name says how many: `authorize/5` is what the release before calls.
async fn bend(client: &Client, function: &str, from: &str, to: &str) -> Result<String, String> {
    let (name, arguments) = function.split_once('/').unwrap_or((function, ""));
    let ask = "select pg_get_functiondef(p.oid) from pg_proc p
               where p.pronamespace = 'system'::regnamespace and p.proname = $1 and $2 in ('', p.pronargs::text)
               order by p.pronargs desc limit 1";
    let row = client
        .query_one(ask, &[&name, &arguments])
        .await
        .unwrap_or_else(|error| panic!("system.{function}: {error:?}"));
    let text: String = row.get(0);
    if text.contains(from) {
        return Ok(text.replace(from, to));
    }
    Err(format!("system.{function} has no `{from}`: say in sabotage/functions.rs what the control is now"))
}

/// Plants one after another between two workspaces; says how many were planted, and which nothing has noticed.
async fn plant_all(client: &Client, pair: &Pair, all: &[&Sabotage]) -> Vec<String> {
    let mut missed = Vec::new();
    for sabotage in all {
        client.batch_execute("begin").await.expect("a transaction");
        match sabotage.plant(client, pair).await {
            Err(why) => missed.push(format!("{}: {why}", sabotage.control)),
            Ok(()) if sabotage.is_noticed(client, pair).await => {}
            Ok(()) => missed.push(sabotage.control.to_owned()),
        }
        client.batch_execute("rollback").await.expect("as it was");
    }
    client.batch_execute("begin").await.expect("a transaction");
    let left = checks::wrong(client, pair).await;
    client.batch_execute("rollback").await.expect("as it was");
    assert!(left.is_empty(), "the fence stands again: {}", left.join("\n"));
    let (planted, caught) = (all.len(), all.len() - missed.len());
    let caught_of = format!("{caught} ({}%)", caught * 100 / planted);
    let place = format!("the_database_{}", pair.fill("{database}"));
    scale::say("sabotage", &[("where", place), ("planted", planted.to_string()), ("caught", caught_of)]);
    missed
}

#[test]
fn every_control_of_the_database_is_missed_when_it_is_gone() {
    stack::run(async {
        let stack = stack::own(|settings| settings.databases = vec!["north".to_owned()]).await;
        let in_each = [databases::ALL, grants::ALL, tables::ALL];
        let in_first = [opening::ALL, functions::ALL, people::ALL, sandboxes::ALL, ways::ALL];
        let in_each: Vec<&Sabotage> = in_each.into_iter().flatten().collect();
        let in_first = in_first.into_iter().chain(operators::ALL.iter().copied()).flatten();
        let all: Vec<&Sabotage> = in_each.iter().copied().chain(in_first).collect();
        let mut missed = Vec::new();
        // Functions are the same text in each database; who may do what there is granted in each.
        for (pair, planted) in [(Pair::new(&stack).await, &all), (Pair::beside(&stack).await, &in_each)] {
            let client = pair.superuser(&stack).await;
            if pair.ours.database.is_none() {
                missed.extend(acts::plant_all(&client, &pair).await);
            }
            missed.extend(plant_all(&client, &pair, planted).await);
        }
        assert!(missed.is_empty(), "nothing noticed that these were gone: {missed:#?}");
        stack.stop().await;
    });
}
