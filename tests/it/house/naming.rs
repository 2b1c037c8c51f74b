//! One name per thing: folder = package; modules say what they are about; lints are expected with a reason, never allowed.

use super::source::{repository, sources};

/// Names that say nothing about what is inside.
const EMPTY: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "misc", "types", "base"];

#[test]
fn folder_and_package_have_one_name() {
    for manifest in sources(&["shared", "functions", "infra", "tests"], "Cargo.toml") {
        let folder = manifest.path.trim_end_matches("/Cargo.toml").rsplit('/').next().expect("a folder");
        let name = format!("name = \"{folder}\"");
        assert!(manifest.text.contains(&name), "{} is not package {folder}", manifest.path);
    }
}

#[test]
fn a_module_is_named_after_what_it_is_about() {
    let empty: Vec<String> = sources(&["shared/src", "functions", "infra/local", "tests"], ".rs")
        .into_iter()
        .map(|source| source.path)
        .filter(|path| path.trim_end_matches(".rs").split('/').any(|part| EMPTY.contains(&part)))
        .collect();
    assert!(empty.is_empty(), "{empty:?}");
}

#[test]
fn a_module_is_a_file_and_a_folder_of_its_name() {
    let old: Vec<String> = sources(&["shared/src", "functions", "infra/local", "tests"], ".rs")
        .into_iter()
        .map(|source| source.path)
        .filter(|path| path.ends_with("/mod.rs"))
        .collect();
    assert!(old.is_empty(), "name.rs + name/, not mod.rs: {old:?}");
}

#[test]
fn no_lint_is_allowed_and_no_line_is_unsafe() {
    let mut wrong = Vec::new();
    for source in sources(&["shared/src", "functions", "infra/local", "tests"], ".rs") {
        for bad in ["#[allow(", "#![allow(", "unsafe {", "unsafe fn"] {
            if source.code.contains(bad) {
                wrong.push(format!("{}: {bad}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_decision_is_numbered_and_stands_alone() {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(repository().join("docs/decisions")).expect("decisions are recorded") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let (number, _) = name.split_once('-').expect("NNNN-title.md");
        numbers.push(number.parse::<usize>().expect("a decision has a number"));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "numbers run from 1 without a gap");
}
