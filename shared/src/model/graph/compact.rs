//! A job's graph by index.

use std::collections::HashMap;

use super::TriggerRule;
use crate::model::job::JobDefinition;

/// Tasks by their index in the job, with their rules and edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    names: Vec<String>,
    rules: Vec<TriggerRule>,
    upstream: Vec<Vec<usize>>,
    downstream: Vec<Vec<usize>>,
    order: Vec<usize>,
}

/// A job version that should never have been saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadGraph {
    /// A dependency names no task.
    #[error("task {task:?} depends on {missing:?}, which is not a task of its job")]
    Missing {
        /// The task.
        task: String,
        /// What it names.
        missing: String,
    },
    /// Some tasks wait for each other.
    #[error("tasks wait for each other")]
    Cycle,
}

impl Graph {
    /// Builds it from a job that passed [`crate::model::job::validate`].
    ///
    /// # Errors
    /// A dependency names no task, or tasks wait for each other.
    pub fn of(job: &JobDefinition) -> Result<Self, BadGraph> {
        let by_name: HashMap<&str, usize> =
            job.tasks.iter().enumerate().map(|(index, task)| (task.name.as_str(), index)).collect();
        let mut graph = Self {
            names: job.tasks.iter().map(|t| t.name.clone()).collect(),
            rules: job.tasks.iter().map(|t| t.trigger_rule).collect(),
            upstream: vec![Vec::new(); job.tasks.len()],
            downstream: vec![Vec::new(); job.tasks.len()],
            order: Vec::new(),
        };
        for (index, task) in job.tasks.iter().enumerate() {
            for name in &task.depends_on {
                let Some(&before) = by_name.get(name.as_str()) else {
                    return Err(BadGraph::Missing { task: task.name.clone(), missing: name.clone() });
                };
                graph.upstream[index].push(before);
                graph.downstream[before].push(index);
            }
        }
        graph.order = topological(&graph.upstream, &graph.downstream);
        if graph.order.len() == graph.len() { Ok(graph) } else { Err(BadGraph::Cycle) }
    }

    /// All tasks, each after everything it comes after.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// How many tasks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The index of a task.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// The name of a task.
    #[must_use]
    pub fn name(&self, task: usize) -> &str {
        &self.names[task]
    }

    /// Its trigger rule.
    #[must_use]
    pub fn rule(&self, task: usize) -> TriggerRule {
        self.rules[task]
    }

    /// What it directly comes after.
    #[must_use]
    pub fn upstream(&self, task: usize) -> &[usize] {
        &self.upstream[task]
    }

    /// What directly comes after it.
    #[must_use]
    pub fn downstream(&self, task: usize) -> &[usize] {
        &self.downstream[task]
    }

    /// Tasks that come after nothing: ready when the run is.
    pub fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).filter(|task| self.upstream[*task].is_empty())
    }

    /// A task and all that comes after it, directly or not, in index order: what `clear` touches.
    #[must_use]
    pub fn descendants(&self, task: usize) -> Vec<usize> {
        let mut seen = vec![false; self.len()];
        let mut open = vec![task];
        while let Some(next) = open.pop() {
            if !std::mem::replace(&mut seen[next], true) {
                open.extend(self.downstream(next));
            }
        }
        (0..self.len()).filter(|task| seen[*task]).collect()
    }
}

/// Indices, each after everything upstream of it; those on a cycle or after one are left out.
pub(in crate::model) fn topological(upstream: &[Vec<usize>], downstream: &[Vec<usize>]) -> Vec<usize> {
    let mut missing: Vec<usize> = upstream.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..upstream.len()).filter(|task| missing[*task] == 0).collect();
    let mut next = 0;
    while let Some(&task) = order.get(next) {
        next += 1;
        for &after in &downstream[task] {
            missing[after] -= 1;
            if missing[after] == 0 {
                order.push(after);
            }
        }
    }
    order
}
