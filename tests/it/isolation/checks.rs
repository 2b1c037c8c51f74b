//! The fence's checks as functions of one connection, so that the tests run them and so does the sabotage, which takes one
//! control away and looks whether a check notices. Each gives what it found wrong; nothing where the fence stands.
//!
//! [`questions`] asks the catalogs; [`probes`] tries, as a login or a tenant would; [`calls`] calls every function.
//! [`acts`] does what hangs on more than one tenant's fence, as the product does it.

pub(super) mod acts;
pub(super) mod calls;
pub(super) mod probes;
pub(super) mod questions;

use local::stack::Stack;
use probes::Probe;
use tests::{database, scale, stack, tenant::Workspace};
use tokio_postgres::Client;

/// Two workspaces, one of which reaches for the other.
pub(super) struct Pair {
    pub(super) ours: Workspace,
    pub(super) theirs: Workspace,
}

impl Pair {
    /// Two with a schema each, in the first database.
    pub(super) async fn new(stack: &Stack) -> Self {
        Self { ours: Workspace::claim(stack).await, theirs: Workspace::claim(stack).await }
    }

    /// Two in a database beside the first.
    pub(super) async fn beside(stack: &Stack) -> Self {
        let (name, _) = &stack.databases().further[0];
        let (ours, theirs) =
            (Workspace::claim_beside(stack, name).await, Workspace::claim_beside(stack, name).await);
        Self { ours, theirs }
    }

    /// The superuser in their database.
    pub(super) async fn superuser(&self, stack: &Stack) -> Client {
        database::superuser_in(stack, self.ours.database.as_deref()).await
    }

    /// A text with the names of both in it, and of their database and its logins.
    pub(super) fn fill(&self, text: &str) -> String {
        let Self { ours, theirs } = self;
        let name = ours.database.as_ref().map_or_else(String::new, |name| format!("_{name}"));
        let sessions = [("{our_session}", ours.session), ("{their_session}", theirs.session)];
        let ids = [
            ("{our_id}", ours.id),
            ("{their_id}", theirs.id),
            ("{our_user}", ours.user),
            ("{their_user}", theirs.user),
        ];
        let text = text.replace("{ours}", &ours.schema).replace("{theirs}", &theirs.schema);
        let text = text.replace("{logins}", &questions::logins());
        let text = text.replace("{database}", &format!("signalbox{name}"));
        let logins = questions::LOGINS.into_iter();
        let text = logins.fold(text, |text, login| text.replace(login, &format!("{login}{name}")));
        ids.into_iter().chain(sessions).fold(text, |text, (name, id)| text.replace(name, &id.to_string()))
    }
}

/// Everything that is wrong, as `check: what`. The connection is the superuser's, inside a transaction that is rolled back.
pub(super) async fn wrong(client: &Client, pair: &Pair) -> Vec<String> {
    let (mut found, mut probes) = (Vec::new(), probes::all());
    for (claim, question) in questions::all() {
        found.extend(
            questions::ask(client, pair, question).await.iter().map(|what| format!("{claim}: {what}")),
        );
    }
    tried(client, pair, &mut probes, usize::MAX, &mut found).await;
    found
}

/// Whether anything is wrong: what is about this function is tried first, and nothing more once something is found.
pub(super) async fn is_anything_wrong(client: &Client, pair: &Pair, function: Option<&str>) -> bool {
    let call = function.map(|name| format!("system.{name}("));
    let is_about = |probe: &&Probe| call.as_ref().is_some_and(|call| probe.statement.contains(call));
    let (first, last): (Vec<&Probe>, Vec<&Probe>) = probes::all().partition(is_about);
    let mut found = Vec::new();
    tried(client, pair, &mut first.into_iter(), 1, &mut found).await;
    for (_, question) in questions::all() {
        if !found.is_empty() {
            return true;
        }
        found = questions::ask(client, pair, question).await;
    }
    tried(client, pair, &mut last.into_iter(), 1, &mut found).await;
    !found.is_empty()
}

/// Probes, until so much is found.
async fn tried(
    client: &Client,
    pair: &Pair,
    probes: &mut dyn Iterator<Item = &Probe>,
    enough: usize,
    found: &mut Vec<String>,
) {
    let given = pair.fill(&format!("savepoint given; {}", probes::GIVEN));
    client.batch_execute(&given).await.expect("what is theirs");
    for probe in probes {
        if found.len() >= enough {
            break;
        }
        found.extend(probe.run(client, pair).await.map(|what| format!("{}: {what}", probe.claim)));
    }
    let back = "rollback to savepoint given; release savepoint given";
    client.batch_execute(back).await.expect("nothing stays");
}

async fn comes_to_what_it_must(stack: &Stack, pair: Pair) {
    let client = pair.superuser(stack).await;
    client.batch_execute("begin").await.expect("a transaction");
    let wrong = wrong(&client, &pair).await;
    client.batch_execute("rollback").await.expect("nothing stays");
    let counts = [
        ("database", pair.fill("{database}")),
        ("catalog_questions", questions::all().count().to_string()),
        ("probes", probes::all().count().to_string()),
        ("violations", wrong.len().to_string()),
    ];
    scale::say("isolation", &counts);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_probe_comes_to_what_it_must() {
    stack::with(async |stack| comes_to_what_it_must(stack, Pair::new(stack).await).await);
}

#[test]
fn so_it_does_in_a_database_beside_the_first() {
    stack::with_databases(async |stack| comes_to_what_it_must(stack, Pair::beside(stack).await).await);
}
