//! A file reads in one sitting. Functions are measured by clippy (`too_many_lines`, `too_many_arguments`).

use super::source::{production, sources};

/// No file of ours is longer.
const LINES: usize = 300;

/// Files that are allowed to be longer, each with its reason. Best empty.
const LONGER: &[(&str, &str)] = &[];

#[test]
fn a_file_reads_in_one_sitting() {
    let ours = ["shared", "functions", "infra/local", "tests"];
    let mut wrong = Vec::new();
    for ending in [".rs", ".sql", ".js", ".css", ".html"] {
        for source in sources(&ours, ending) {
            let lines = source.text.lines().count();
            let excused = LONGER.iter().any(|(path, _)| *path == source.path);
            if lines > LINES && !excused {
                wrong.push(format!("{}: {lines} lines", source.path));
            }
            if lines <= LINES && excused {
                wrong.push(format!("{}: no longer needs its excuse", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "more than {LINES} lines:\n{}", wrong.join("\n"));
}

#[test]
fn a_module_opens_with_what_it_does() {
    let silent: Vec<String> =
        production(&["shared", "functions", "infra/local", "tests/it", "tests/src", "tests/benches"], ".rs")
            .into_iter()
            .filter(|source| !source.text.starts_with("//!"))
            .map(|source| source.path)
            .collect();
    assert!(silent.is_empty(), "no module documentation:\n{}", silent.join("\n"));
}
