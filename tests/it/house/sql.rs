//! How SQL is written: in files, one statement each, lower case, columns listed; a transaction begins in one place.

use shared::db::backfill::BACKFILLS;

use super::source::{Source, production, repository, sources};

/// The one file that begins and ends transactions.
const TRANSACTIONS: &str = "shared/src/db/tx.rs";

/// A customer's own transaction, on the customer's database.
const CUSTOMERS: &str = "functions/dispatcher/src/connectors/postgres";

#[test]
fn a_file_holds_one_statement_in_lower_case_with_its_columns_listed() {
    let files = sources(&["shared/sql", "functions"], ".sql");
    assert!(!files.is_empty(), "statements stand in shared/sql");
    let wrong: Vec<String> = files
        .iter()
        .flat_map(|file| judge(&file.text).into_iter().map(|what| format!("{}: {what}", file.path)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_backfill_is_one_statement_that_names_no_schema() {
    let files = sources(&["shared/migrations/tenant", "tests/examples"], ".backfill.sql");
    let mut wrong: Vec<String> = files
        .iter()
        .flat_map(|file| judge_backfill(&file.text).into_iter().map(|what| format!("{}: {what}", file.path)))
        .collect();
    for file in files.iter().filter(|file| file.path.starts_with("shared/")) {
        let is_known =
            BACKFILLS.iter().any(|known| file.path.ends_with(&format!("/{}.backfill.sql", known.name)));
        if !is_known || !repository().join(file.path.replace(".backfill", "")).is_file() {
            wrong.push(format!("{}: of no migration that BACKFILLS names", file.path));
        }
    }
    assert!(!files.is_empty() && wrong.is_empty(), "{}", wrong.join("\n"));
    for bad in [
        "update vaults set name = '' where id > $1 limit $2",
        "with a as (update system.tenants set name = '') select $1 as last, $2 as changed",
        "with a as (update \"t_0\".vaults set name = '') select $1 as last, $2 as changed",
        "with a as (update vaults set name = '') select null as last, 0 as changed",
    ] {
        assert!(!judge_backfill(bad).is_empty(), "{bad}");
    }
}

/// What is wrong with a backfill's statement.
fn judge_backfill(text: &str) -> Vec<String> {
    let (mut wrong, code) = (judge(text), blank(text));
    let words = |needed: &[&str]| needed.iter().all(|word| code.contains(word));
    if !words(&["$1", "$2", " as last", " as changed"]) {
        wrong.push("it takes $1 and $2 and answers last and changed".to_owned());
    }
    if code.contains("system.") || code.contains('"') || code.contains("pg_") {
        wrong.push("it names a schema".to_owned());
    }
    wrong
}

/// What is wrong with one statement.
fn judge(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let code = blank(text);
    if code.trim().trim_end_matches(';').contains(';') {
        wrong.push("more than one statement".to_owned());
    }
    if let Some(word) = code.split(|c: char| !c.is_alphanumeric() && c != '_').find(|word| is_shouted(word)) {
        wrong.push(format!("{word} is not lower case"));
    }
    let flat = code.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.contains("select *") || flat.contains(".*") || flat.contains("returning *") {
        wrong.push("columns are not listed".to_owned());
    }
    for word in ["begin", "commit", "rollback", "set role", "set local", "notify", "listen"] {
        if flat == word || flat.starts_with(&format!("{word} ")) || flat.starts_with(&format!("{word};")) {
            wrong.push(format!("{word} is TenantTx's business"));
        }
    }
    if flat.contains("set_config(") || flat.contains("with hold") || flat.contains("create temp") {
        wrong.push("reaches past its transaction".to_owned());
    }
    wrong
}

fn is_shouted(word: &str) -> bool {
    word.chars().any(char::is_alphabetic) && word.chars().any(char::is_uppercase)
}

/// The statement without comments and literals.
fn blank(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        out.push_str(line.split("--").next().unwrap_or_default());
        out.push('\n');
    }
    out.split('\'').step_by(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_transaction_begins_and_ends_in_one_place() {
    let wrong = literals_of(&[TRANSACTIONS, CUSTOMERS], transacts);
    assert!(wrong.is_empty(), "only db/tx.rs begins and commits: {wrong:?}");
}

#[test]
fn identity_is_switched_in_the_database_module_only() {
    let wrong = literals_of(&["shared/src/db/", CUSTOMERS], switches);
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// The product's files outside `keepers` with a literal that `is` what only those may hold.
fn literals_of(keepers: &[&str], is: fn(&str) -> bool) -> Vec<String> {
    product()
        .into_iter()
        .filter(|source| !keepers.iter().any(|keeper| source.path.starts_with(keeper)))
        .filter(|source| source.literals.iter().any(|literal| is(literal)))
        .map(|source| source.path)
        .collect()
}

fn transacts(literal: &str) -> bool {
    statements(literal).any(|statement| {
        ["begin", "commit", "rollback", "abort", "end", "savepoint", "start transaction"].iter().any(|word| {
            statement == *word
                || (statement.starts_with(&format!("{word} ")) && statement.contains("transaction"))
        })
    })
}

fn switches(literal: &str) -> bool {
    let words = ["set role ", "set local ", "set session ", "set search_path", "reset "];
    statements(literal).any(|statement| words.iter().any(|word| statement.starts_with(word)))
}

/// The statements of a literal, without the bodies of functions, in lower case and single spaces.
fn statements(literal: &str) -> impl Iterator<Item = String> {
    let outside: String = literal.split("$$").step_by(2).collect::<Vec<_>>().join(" ").to_lowercase();
    let words = |statement: &str| statement.split_whitespace().collect::<Vec<_>>().join(" ");
    outside.split(';').map(words).collect::<Vec<_>>().into_iter()
}

#[test]
fn no_sql_is_built_from_strings() {
    let wrong: Vec<String> = product()
        .into_iter()
        .filter(|source| source.path != TRANSACTIONS && !source.path.starts_with(CUSTOMERS))
        .filter(|source| !source.path.starts_with("shared/src/db/"))
        .filter(|source| {
            source.code.contains("format!")
                && source.literals.iter().any(|literal| is_statement(literal) && literal.contains('{'))
        })
        .map(|source| source.path)
        .collect();
    assert!(wrong.is_empty(), "statements stand in files, with parameters: {wrong:?}");
}

fn is_statement(literal: &str) -> bool {
    let text = literal.trim_start().to_lowercase();
    [
        "select ",
        "insert into ",
        "update ",
        "delete from ",
        "with ",
        "create ",
        "drop ",
        "alter ",
        "grant ",
        "revoke ",
    ]
    .iter()
    .any(|start| text.starts_with(start))
        && [" from ", " into ", " set ", " table ", " schema ", " role ", " on "]
            .iter()
            .any(|word| text.contains(word))
}

fn product() -> Vec<Source> {
    production(&["shared/src", "functions"], ".rs")
}

#[test]
fn a_badly_written_statement_is_noticed() {
    assert!(
        judge("select id, name\nfrom runs -- A comment; with all\nwhere name = 'SHOUT; *';\n").is_empty()
    );
    for bad in [
        "select * from runs",
        "SELECT id from runs",
        "delete from a; delete from b",
        "insert into a (b) values ($1) returning *",
        "commit",
        "select set_config('role', $1, true)",
    ] {
        assert!(!judge(bad).is_empty(), "{bad}");
    }
    assert!(transacts("begin; select 1") && transacts("x; commit"));
    assert!(!transacts("do $$ begin; end $$; begin with a letter"));
    assert!(switches("begin; set local role x") && !switches("settings"));
    assert!(is_statement("select a from {schema}.b") && !is_statement("with a letter"));
}
