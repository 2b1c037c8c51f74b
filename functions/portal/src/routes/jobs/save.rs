//! What a job is checked for before a version is written: its graph, its templates, its parameters, and that every
//! connection it names is one of this workspace.

use std::collections::HashMap;

use shared::{
    model::{
        Problem,
        connection::ConnectionKind,
        ids::JobId,
        job::{self, JobDefinition},
    },
    parameters,
    store::{
        connections::{self, Named},
        jobs::{Draft, Tasks},
    },
    template,
};

use crate::{fault::Fault, work::Work};

/// Checks a definition; gives the version as it is stored.
pub(super) async fn check(
    work: &Work,
    new: &JobDefinition,
    job: JobId,
    version: i32,
) -> Result<Draft, Fault> {
    // A body within its limits can still name very many connections: more than a job may have tasks is looked up for nobody.
    let names: Vec<String> =
        new.tasks.iter().take(job::MAX_TASKS).map(|task| task.connection.clone()).collect();
    let found = connections::named(work, &names).await?;
    let known: HashMap<&str, &Named> = found.iter().map(|c| (c.name.as_str(), c)).collect();
    let kind_of = |name: &str| known.get(name).and_then(|c| c.kind.parse::<ConnectionKind>().ok());

    let mut problems = job::validate(new, &kind_of, &template::variables_of);
    problems.extend(parameters::check_schema(&new.parameters).into_iter().map(|p| p.under("/parameters")));
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let unreadable = |_| Fault::invalid(vec![Problem::at("", "cannot be stored")]);
    Ok(Draft {
        job,
        version,
        definition: serde_json::to_value(new).map_err(unreadable)?,
        max_active_runs: new.max_active_runs.and_then(|n| i32::try_from(n).ok()),
        tasks: tasks(new, &known)?,
    })
}

fn tasks(new: &JobDefinition, known: &HashMap<&str, &Named>) -> Result<Tasks, Fault> {
    let mut tasks = Tasks::default();
    for (index, task) in new.tasks.iter().enumerate() {
        let missing = || {
            Fault::dangling(&format!("/tasks/{index}/connection"), "is not a connection of this workspace")
        };
        tasks.connections.push(known.get(task.connection.as_str()).ok_or_else(missing)?.id);
        tasks.names.push(task.name.clone());
        tasks.priorities.push(i32::from(task.priority));
        tasks.weights.push(i32::try_from(task.weight).unwrap_or(1));
        tasks.roots.push(task.depends_on.is_empty());
    }
    Ok(tasks)
}
