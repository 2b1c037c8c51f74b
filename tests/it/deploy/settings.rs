//! `docs/configuration.md` is the one list of settings; the code and the template name the same ones.

use std::collections::BTreeSet;

use shared::config::{Config, Function, VARIABLES};

use super::template::repository;

/// The functions by folder.
pub(super) const FUNCTIONS: [(&str, Function); 6] = [
    ("signin", Function::Signin),
    ("portal", Function::Portal),
    ("scheduler", Function::Scheduler),
    ("steward", Function::Steward),
    ("dispatcher", Function::Dispatcher),
    ("operators", Function::Operators),
];

/// The settings `function` is told in AWS, as documented. Those marked *local* are not among them.
pub(super) fn documented(function: &str) -> BTreeSet<String> {
    table()
        .into_iter()
        .filter(|row| row.deployed && row.functions.contains(function))
        .map(|row| row.name)
        .collect()
}

/// The settings of `function` with a value each, as a start would read them.
pub(super) fn started(function: &str) -> Config {
    let (_, kind) = FUNCTIONS.into_iter().find(|(name, _)| *name == function).expect("one of the functions");
    let needed = VARIABLES.iter().filter(|(_, needed, _)| needed.contains(&kind));
    Config::from_vars(kind, needed.map(|(name, ..)| ((*name).to_owned(), "x".to_owned())))
        .expect("all it needs")
}

struct Row {
    name: String,
    functions: BTreeSet<String>,
    deployed: bool,
}

/// Rows of the form `| SIGNALBOX_X | functions | …`.
fn table() -> Vec<Row> {
    let text =
        std::fs::read_to_string(repository().join("docs/configuration.md")).expect("the list of settings");
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let name = cells[0].trim_matches('`');
            (name.starts_with("SIGNALBOX_") && cells.len() >= 3).then(|| Row {
                name: name.to_owned(),
                functions: FUNCTIONS
                    .iter()
                    .map(|(function, _)| *function)
                    .filter(|function| {
                        cells[1] == "all" || cells[1].split(", ").any(|said| said == *function)
                    })
                    .map(str::to_owned)
                    .collect(),
                deployed: !cells[2].starts_with("local"),
            })
        })
        .collect()
}

#[test]
fn the_list_of_settings_is_the_codes() {
    let documented: Vec<(String, BTreeSet<String>)> = table()
        .into_iter()
        .filter(|row| row.name != "SIGNALBOX_DATABASE_URL")
        .map(|row| (row.name, row.functions))
        .collect();
    for (name, functions) in &documented {
        let (_, needed, allowed) = VARIABLES
            .iter()
            .find(|(known, ..)| known == name)
            .unwrap_or_else(|| panic!("docs/configuration.md names {name}, shared::config does not"));
        let coded: BTreeSet<String> = FUNCTIONS
            .iter()
            .filter(|(_, function)| needed.contains(function) || allowed.contains(function))
            .map(|(folder, _)| (*folder).to_owned())
            .collect();
        assert_eq!(*functions, coded, "{name}");
    }
    for (name, ..) in VARIABLES {
        assert!(
            documented.iter().any(|(known, _)| known == name),
            "docs/configuration.md does not name {name}"
        );
    }
}
