//! Prints the tables of moves as diagrams for ARCHITECTURE.md.

use std::fmt::Write;

use super::{MOVES, RUN_MOVES};

/// The states of a task run as a mermaid diagram.
#[must_use]
pub fn task_diagram() -> String {
    diagram(
        "pending",
        MOVES.iter().flat_map(|(from, next)| next.iter().map(|to| (from.as_str(), to.as_str()))),
    )
}

/// The states of a run as a mermaid diagram.
#[must_use]
pub fn run_diagram() -> String {
    diagram(
        "pending",
        RUN_MOVES.iter().flat_map(|(from, next)| next.iter().map(|to| (from.as_str(), to.as_str()))),
    )
}

fn diagram<'a>(first: &str, moves: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = format!("stateDiagram-v2\n    [*] --> {first}\n");
    for (from, to) in moves {
        writeln!(text, "    {from} --> {to}").expect("a String takes all that is written");
    }
    text
}
