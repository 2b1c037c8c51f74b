//! Claims about states.

use super::*;

#[test]
fn every_state_reads_back_from_its_two_columns() {
    for state in TaskState::all() {
        assert_eq!(TaskState::parse(state.state(), state.reason()), Ok(state));
        let json = serde_json::to_value(state).expect("serialises");
        assert_eq!(json["state"], state.state());
        assert_eq!(json["reason"].as_str(), state.reason());
        assert_eq!(serde_json::from_value::<TaskState>(json).expect("reads"), state);
    }
    for state in RunState::ALL {
        assert_eq!(state.as_str().parse(), Ok(*state));
    }
}

#[test]
fn a_state_nobody_knows_is_refused() {
    for (state, reason) in
        [("queued", None), ("pending", None), ("active", Some("scheduled")), ("lost", Some("marked"))]
    {
        assert!(TaskState::parse(state, reason).is_err(), "{state} {reason:?}");
    }
    assert!("running".parse::<RunState>().is_err());
}

#[test]
fn a_terminal_state_is_final() {
    for from in TaskState::all().filter(|state| state.is_terminal()) {
        for to in TaskState::all() {
            assert_eq!(from.to(to), Err(Refused { from, to }));
        }
        assert_eq!(from.reopen(Pending::UpForRetry), Ok(TaskState::Pending(Pending::UpForRetry)));
    }
    for from in RunState::ALL.iter().filter(|state| state.is_terminal()) {
        assert!(RunState::ALL.iter().all(|to| from.to(*to).is_err()));
        assert_eq!(from.reopen(), Ok(RunState::Active));
    }
}

#[test]
fn what_is_not_over_is_not_opened_again() {
    for from in TaskState::all().filter(|state| !state.is_terminal()) {
        assert!(from.reopen(Pending::Scheduled).is_err());
    }
    assert!(RunState::Active.reopen().is_err());
}

#[test]
fn nothing_runs_without_a_written_intent() {
    for from in TaskState::all().filter(|state| matches!(state, TaskState::Pending(_))) {
        for to in [Active::StartUnknown, Active::Running, Active::Cancelling] {
            assert!(from.to(TaskState::Active(to)).is_err(), "{from:?} {to:?}");
        }
        assert!(from.to(TaskState::Active(Active::Dispatching)).is_ok());
        assert!(from.to(TaskState::Lost).is_err(), "only what ran can be lost");
    }
}

#[test]
fn a_doubtful_start_is_never_skipped_over() {
    let doubt = TaskState::Active(Active::StartUnknown);
    assert!(doubt.holds_slot());
    assert!(doubt.to(TaskState::Skipped(Skip::Operator)).is_err());
    assert!(doubt.to(TaskState::Expired).is_err());
    assert!(doubt.to(TaskState::Active(Active::Running)).is_ok());
}

#[test]
fn every_state_that_is_not_over_can_end_and_every_end_can_be_reached() {
    for from in TaskState::all().filter(|state| !state.is_terminal()) {
        assert!(from.to(TaskState::Cancelled).is_ok(), "{from:?}");
    }
    for to in TaskState::all() {
        assert!(TaskState::all().any(|from| from.to(to).is_ok()), "{to:?}");
    }
}

#[test]
fn the_diagrams_show_every_move_and_no_other() {
    let drawn = task_diagram().lines().filter(|line| line.contains("-->")).count() - 1;
    assert_eq!(drawn, MOVES.iter().map(|(_, next)| next.len()).sum::<usize>());
    assert!(task_diagram().contains("    dispatching --> start_unknown\n"));
    assert!(run_diagram().starts_with("stateDiagram-v2\n    [*] --> pending\n    pending --> active\n"));
}

/// Reads the list of a CHECK that follows `before` in the migration.
fn checked(migration: &str, before: &str) -> Vec<String> {
    let after = migration.split_once(before).expect("the migration has the CHECK").1;
    let list = after.split_once(')').expect("the list ends").0;
    list.split(',').map(|item| item.trim().trim_matches('\'').to_owned()).collect()
}

#[test]
fn the_database_checks_list_the_same_states() {
    let migration = include_str!("../../../migrations/tenant/0002_work.sql");
    let tasks = migration.split_once("create table task_runs").expect("the table").1;
    let names: Vec<_> = StateName::ALL.iter().map(|state| state.as_str().to_owned()).collect();
    assert_eq!(checked(tasks, "check (state in ("), names);
    for (name, before) in [
        (StateName::Pending, "check (state <> 'pending' or reason in ("),
        (StateName::Active, "check (state <> 'active' or reason in ("),
    ] {
        let reasons: Vec<_> = reasons_of(name).flatten().map(str::to_owned).collect();
        assert_eq!(checked(tasks, before), reasons);
    }
    let allowed = checked(migration, "state text not null check (state in (");
    for state in RunState::ALL {
        assert!(allowed.iter().any(|text| text == state.as_str()), "{state}");
    }
    let attempts = migration.split_once("create table attempts").expect("the table").1;
    let classes: Vec<_> =
        reasons_of(StateName::Failed).flatten().filter(|reason| *reason != "marked").collect();
    assert_eq!(checked(attempts, "check (error_class in ("), classes);
}

#[test]
fn an_outcome_comes_from_all_tasks() {
    use StateName::{
        Active, Cancelled, Expired, Failed, Lost, Pending, Skipped, Succeeded, TimedOut, UpstreamFailed,
    };
    for (tasks, outcome) in [
        (vec![Succeeded, Active], None),
        (vec![Failed, Pending], None),
        (vec![Succeeded, Skipped], Some(RunState::Succeeded)),
        (vec![Skipped], Some(RunState::Succeeded)),
        (vec![Failed, UpstreamFailed, Succeeded], Some(RunState::Failed)),
        (vec![TimedOut, UpstreamFailed], Some(RunState::TimedOut)),
        (vec![TimedOut, Failed], Some(RunState::Failed)),
        (vec![Cancelled, UpstreamFailed, Succeeded], Some(RunState::Cancelled)),
        (vec![Cancelled, TimedOut], Some(RunState::TimedOut)),
        (vec![UpstreamFailed, Succeeded], Some(RunState::Failed)),
        (vec![Lost], Some(RunState::Failed)),
        (vec![Expired, Succeeded], Some(RunState::Failed)),
    ] {
        assert_eq!(run_outcome(tasks.iter().copied()), outcome, "{tasks:?}");
    }
}

#[test]
fn the_architecture_shows_the_diagrams_of_the_tables() {
    let document = include_str!("../../../../ARCHITECTURE.md");
    for diagram in [task_diagram(), run_diagram()] {
        assert!(document.contains(&diagram), "ARCHITECTURE.md lacks:\n{diagram}");
    }
}
