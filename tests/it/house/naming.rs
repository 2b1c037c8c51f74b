//! One name per thing: folder = package; modules say what they are about; lints are expected with a reason, never allowed.

use super::source::sources;

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
