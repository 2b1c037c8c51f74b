//! What the templates of a job may name: declared parameters, fields of the run, outputs of tasks that come before.

use std::collections::HashMap;

use serde_json::Value;

use super::{JobDefinition, Task, Variable, VariablesOf};
use crate::model::connection::ConnectionKind;
use crate::model::problem::Problems;

/// What `run` holds in a template.
pub const RUN_FIELDS: &[&str] =
    &["id", "job", "trigger", "logical_date", "data_interval_start", "data_interval_end", "run_after"];

pub(super) struct Templates<'a> {
    tasks: &'a [Task],
    names: &'a HashMap<&'a str, usize>,
    upstream: &'a [Vec<usize>],
    variables_of: VariablesOf<'a>,
    parameters: Option<&'a serde_json::Map<String, Value>>,
    /// Whether parameters that are not declared may come too.
    open: bool,
}

impl<'a> Templates<'a> {
    pub(super) fn new(
        job: &'a JobDefinition,
        names: &'a HashMap<&'a str, usize>,
        upstream: &'a [Vec<usize>],
        variables_of: VariablesOf<'a>,
    ) -> Self {
        let open = job.parameters.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false))
            || job.parameters.get("patternProperties").is_some();
        let parameters = job.parameters.get("properties").and_then(Value::as_object);
        Self { tasks: &job.tasks, names, upstream, variables_of, parameters, open }
    }

    /// Checks all templates of a task. Pointers are relative to it.
    pub(super) fn check(&self, task: usize, kind: ConnectionKind, problems: &mut Problems) {
        let start = &self.tasks[task].start;
        let mut templated = start.clone();
        for literal in kind.literal_fields() {
            let Some(text) = templated.as_object_mut().and_then(|fields| fields.remove(*literal)) else {
                continue;
            };
            // Text that merely looks like a template (an array literal, say) names nothing of ours.
            let named = (self.variables_of)(&text).unwrap_or_default();
            if named
                .iter()
                .any(|v| matches!(v.path.first().map(String::as_str), Some("params" | "run" | "tasks")))
            {
                let message = "is sent as it stands: no template may stand in it; pass the value another way";
                problems.add(format!("/start/{literal}"), message);
            }
        }
        self.value(task, "/start", &templated, problems);
        if let Some(expression) = &self.tasks[task].run_if {
            let braced = if expression.contains("{{") {
                expression.clone()
            } else {
                format!("{{{{ {expression} }}}}")
            };
            self.value(task, "/run_if", &Value::String(braced), problems);
        }
    }

    fn value(&self, task: usize, at: &str, value: &Value, problems: &mut Problems) {
        match (self.variables_of)(value) {
            Err(wrong) => problems.extend_under(at, wrong),
            Ok(variables) => {
                for variable in variables {
                    if let Some(wrong) = self.wrong_with(task, &variable) {
                        problems.add(format!("{at}{}", variable.pointer), wrong);
                    }
                }
            }
        }
    }

    fn wrong_with(&self, task: usize, variable: &Variable) -> Option<String> {
        let path: Vec<&str> = variable.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["params"] | ["run"] | ["tasks"] => None,
            ["params", name, ..] => {
                let declared = self.open || self.parameters.is_some_and(|known| known.contains_key(*name));
                (!declared).then(|| format!("params.{name} is not among the job's parameters"))
            }
            ["run", field, ..] => (!RUN_FIELDS.contains(field))
                .then(|| format!("run.{field} does not exist; run has {}", RUN_FIELDS.join(", "))),
            ["tasks", name, rest @ ..] => self.wrong_with_task(task, name, rest),
            [other, ..] => Some(format!(
                "{other} is not known; templates name params, run and tasks (a task whose name has a `-` as tasks['its-name'])"
            )),
            [] => None,
        }
    }

    fn wrong_with_task(&self, task: usize, name: &str, rest: &[&str]) -> Option<String> {
        let Some(&named) = self.names.get(name) else {
            return Some(format!("there is no task named {name:?} in this job"));
        };
        if !self.comes_after(task, named) {
            return Some(format!(
                "{:?} does not come after {name:?}, so its outputs are not there yet",
                self.tasks[task].name
            ));
        }
        match rest {
            [] | ["outputs", ..] => None,
            [other, ..] => Some(format!("tasks.{name}.{other} does not exist; a task has outputs")),
        }
    }

    /// Whether `task` comes after `before`, directly or not. Asked for tasks that templates name, so seldom.
    fn comes_after(&self, task: usize, before: usize) -> bool {
        let mut seen = vec![false; self.tasks.len()];
        let mut open = vec![task];
        while let Some(next) = open.pop() {
            if self.upstream[next].contains(&before) {
                return true;
            }
            if !std::mem::replace(&mut seen[next], true) {
                open.extend(&self.upstream[next]);
            }
        }
        false
    }
}
