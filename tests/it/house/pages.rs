//! The prose that can be checked: state diagrams are the code's, links lead somewhere, decisions are numbered.

use shared::{
    model::{
        connection::ConnectionKind,
        job::{JobDefinition, validate},
        limit::Limit,
        state::{run_diagram, task_diagram},
    },
    template::variables_of,
};

use super::source::{Source, repository, source, sources};

#[test]
fn the_state_diagrams_are_the_codes() {
    let text = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for diagram in [task_diagram(), run_diagram()] {
        let block = format!("```mermaid\n{diagram}```\n");
        assert!(text.contains(&block), "ARCHITECTURE.md should have:\n{block}");
    }
}

#[test]
fn the_job_that_is_shown_is_one() {
    let text = std::fs::read_to_string(repository().join("docs/jobs.md")).expect("docs/jobs.md");
    let shown = text.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a job");
    let job: JobDefinition = serde_json::from_str(shown).expect("a job's fields");
    let kind_of = |name: &str| match name {
        "warehouse" => Some(ConnectionKind::Postgres),
        "reports" => Some(ConnectionKind::Http),
        _ => None,
    };
    assert_eq!(validate(&job, &kind_of, &variables_of), []);
    for field in serde_json::to_value(&job).expect("JSON").as_object().into_iter().flatten() {
        assert!(text.contains(&format!("`{}`", field.0)), "{} is explained", field.0);
    }
}

#[test]
fn the_limits_that_are_listed_are_the_codes() {
    let text =
        std::fs::read_to_string(repository().join("docs/fair-shares.md")).expect("docs/fair-shares.md");
    for limit in Limit::ALL {
        let (initial, range) = (limit.initial(), limit.range());
        let row = format!("| `{limit}` | {initial} | {} to {} |", range.start(), range.end());
        assert!(text.contains(&row), "docs/fair-shares.md should have: {row}");
    }
}

#[test]
fn every_link_between_our_pages_leads_somewhere() {
    let mut wrong = Vec::new();
    let mut pages = sources(&["docs", "shared", "infra", "functions", "tests"], ".md");
    pages.extend(front());
    for page in pages {
        let folder = repository().join(&page.path).parent().expect("a page stands in a folder").to_owned();
        for link in links(&page.text) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !folder.join(file).exists() {
                wrong.push(format!("{}: {link}", page.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The pages at the root.
fn front() -> Vec<Source> {
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(source).into()
}

/// The targets of `[text](target)` that are not addresses on the web.
fn links(text: &str) -> Vec<&str> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    ends.filter(|link| !link.contains("://")).collect()
}

#[test]
fn a_decision_is_numbered_and_reads_in_a_minute() {
    let mut numbers = Vec::new();
    for page in sources(&["docs/decisions"], ".md") {
        let name = page.path.rsplit('/').next().expect("a file");
        let (number, _) = name.split_once('-').expect("NNNN-title.md");
        let number = number.parse::<usize>().expect("a decision has a number");
        assert!(page.text.starts_with(&format!("# {number}. ")), "{name}: its title has its number");
        assert!(page.text.contains("\nStatus: "), "{name}: its status");
        assert!(page.text.lines().count() <= 60, "{name}: one page");
        numbers.push(number);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "numbers run from 1 without a gap");
}
