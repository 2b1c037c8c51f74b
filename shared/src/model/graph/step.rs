//! One step of a run's graph.

use super::{Counts, Decision, Graph, Verdict};
use crate::model::state::{Pending, StateName, TaskState};

/// Everything that is decided now, in an order in which it may be applied: a skip can decide further tasks, and those are
/// here too. Takes time linear in tasks and dependencies.
///
/// Tasks are gone through in topological order, so each is judged by all that its upstream tasks become in this step: what is
/// decided does not depend on the order in which endings arrive together.
///
/// `states` holds the state of each task by index. Only tasks that wait for their dependencies are decided; one that is
/// held, or already ready, is left alone.
///
/// # Panics
/// `states` is shorter than the graph.
#[must_use]
pub fn advance(graph: &Graph, states: &[TaskState]) -> Vec<(usize, Decision)> {
    let mut names: Vec<StateName> = states.iter().map(|state| state.name()).collect();
    let mut decided = Vec::new();
    for &task in graph.order() {
        if states[task] != TaskState::Pending(Pending::WaitingDependency) {
            continue;
        }
        let upstream = Counts::of(graph.upstream(task).iter().map(|up| names[*up]));
        if let Verdict::Decided(decision) = graph.rule(task).verdict(upstream) {
            names[task] = decision.ends_as().unwrap_or(names[task]);
            decided.push((task, decision));
        }
    }
    decided
}

impl Decision {
    /// The terminal state it gives the task; `None` if it may start.
    #[must_use]
    pub const fn ends_as(self) -> Option<StateName> {
        match self {
            Decision::Ready => None,
            Decision::Skip => Some(StateName::Skipped),
            Decision::UpstreamFailed => Some(StateName::UpstreamFailed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::TriggerRule;
    use super::*;
    use crate::model::job::JobDefinition;
    use crate::model::state::{Active, Skip};

    const WAITS: TaskState = TaskState::Pending(Pending::WaitingDependency);

    fn graph(tasks: &[(TriggerRule, Vec<usize>)]) -> Graph {
        let tasks: Vec<_> = tasks
            .iter()
            .enumerate()
            .map(|(index, (rule, upstream))| {
                let upstream: Vec<_> = upstream.iter().map(|up| format!("t{up}")).collect();
                serde_json::json!({
                    "name": format!("t{index}"), "connection": "c", "start": {}, "depends_on": upstream, "trigger_rule": rule,
                })
            })
            .collect();
        let job: JobDefinition =
            serde_json::from_value(serde_json::json!({ "name": "j", "tasks": tasks })).expect("a job");
        Graph::of(&job).expect("a graph")
    }

    #[test]
    fn a_failure_blocks_the_whole_chain_at_once_and_frees_the_clean_up() {
        let rule = TriggerRule::AllSuccess;
        let graph =
            graph(&[(rule, vec![]), (rule, vec![0]), (rule, vec![1]), (TriggerRule::AllDone, vec![2])]);
        let decided = advance(&graph, &[TaskState::Failed(None), WAITS, WAITS, WAITS]);
        let expected = [(1, Decision::UpstreamFailed), (2, Decision::UpstreamFailed), (3, Decision::Ready)];
        assert_eq!(decided, expected);
    }

    #[test]
    fn a_skip_goes_down_a_chain_but_not_past_none_failed() {
        let graph = graph(&[
            (TriggerRule::AllSuccess, vec![]),
            (TriggerRule::AllSuccess, vec![0]),
            (TriggerRule::NoneFailed, vec![1]),
        ]);
        let decided = advance(&graph, &[TaskState::Skipped(Skip::ConditionFalse), WAITS, WAITS]);
        assert_eq!(decided, [(1, Decision::Skip), (2, Decision::Ready)]);
    }

    #[test]
    fn what_does_not_wait_for_dependencies_is_left_alone() {
        let graph = graph(&[(TriggerRule::Always, vec![]), (TriggerRule::Always, vec![])]);
        let states = [TaskState::Pending(Pending::Held), TaskState::Active(Active::Running)];
        assert_eq!(advance(&graph, &states), []);
    }

    #[test]
    fn a_chain_of_five_hundred_skips_is_one_step() {
        let chain: Vec<_> = (0..500_usize)
            .map(|i| (TriggerRule::AllSuccess, if i == 0 { vec![] } else { vec![i - 1] }))
            .collect();
        let mut states = vec![WAITS; 500];
        states[0] = TaskState::Skipped(Skip::Operator);
        assert_eq!(advance(&graph(&chain), &states).len(), 499);
    }

    /// The reference: go over all tasks again and again until nothing changes.
    fn naive(graph: &Graph, states: &[TaskState]) -> Vec<(usize, Decision)> {
        let mut names: Vec<_> = states.iter().map(|s| s.name()).collect();
        let mut waits: Vec<_> = states.iter().map(|s| *s == WAITS).collect();
        let mut decided = Vec::new();
        loop {
            let before = decided.len();
            for task in 0..graph.len() {
                let counts = Counts::of(graph.upstream(task).iter().map(|up| names[*up]));
                if let (true, Verdict::Decided(d)) = (waits[task], graph.rule(task).verdict(counts)) {
                    waits[task] = false;
                    names[task] = d.ends_as().unwrap_or(names[task]);
                    decided.push((task, d));
                }
            }
            if decided.len() == before {
                decided.sort_by_key(|(task, _)| *task);
                return decided;
            }
        }
    }

    prop_compose! {
        fn any_graph()(size in 1..30_usize)(
            tasks in (0..size).map(|index| {
                let upstream = proptest::collection::btree_set(0..index.max(1), 0..=index.min(4));
                (0..TriggerRule::ALL.len(), upstream, 0..6_usize)
            }).collect::<Vec<_>>(),
        ) -> (Graph, Vec<TaskState>) {
            let shape: Vec<_> = tasks.iter().enumerate().map(|(index, (rule, upstream, _))| {
                (TriggerRule::ALL[*rule], upstream.iter().copied().filter(|up| *up < index).collect())
            }).collect();
            let states = tasks.iter().map(|(_, _, state)| match state {
                0 => TaskState::Succeeded { marked: false },
                1 => TaskState::Failed(None),
                2 => TaskState::Skipped(Skip::TriggerRule),
                3 => TaskState::Active(Active::Running),
                _ => WAITS,
            }).collect();
            (graph(&shape), states)
        }
    }

    proptest! {
        #[test]
        fn a_step_decides_what_going_over_all_tasks_until_nothing_changes_decides((graph, states) in any_graph()) {
            let mut decided = advance(&graph, &states);
            decided.sort_by_key(|(task, _)| *task);
            prop_assert_eq!(decided, naive(&graph, &states));
        }

        #[test]
        fn a_run_whose_tasks_all_end_never_gets_stuck((graph, _) in any_graph(), ends in proptest::collection::vec(0..3, 30)) {
            let mut states = vec![WAITS; graph.len()];
            loop {
                let decided = advance(&graph, &states);
                if decided.is_empty() {
                    break;
                }
                for (task, decision) in decided {
                    states[task] = match (decision, ends[task]) {
                        (Decision::Skip, _) => TaskState::Skipped(Skip::TriggerRule),
                        (Decision::UpstreamFailed, _) => TaskState::UpstreamFailed,
                        (Decision::Ready, 0) => TaskState::Failed(None),
                        (Decision::Ready, 1) => TaskState::Skipped(Skip::ConditionFalse),
                        (Decision::Ready, _) => TaskState::Succeeded { marked: false },
                    };
                }
            }
            prop_assert!(states.iter().all(|state| state.is_terminal()));
        }
    }
}
