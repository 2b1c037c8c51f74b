//! What can be known to be wrong with a job at save.

use std::collections::{HashMap, HashSet};

use super::names::{check_name, check_task_name};
use super::templates::Templates;
use super::{JobDefinition, KindOf, MAX_EDGES, MAX_TASKS, MAX_TIMEOUT_S, Task, Timeouts, VariablesOf};
use crate::model::graph::topological;
use crate::model::problem::{Problem, Problems};
use crate::model::retry::RetryPolicy;

pub(super) fn job(job: &JobDefinition, kind_of: KindOf<'_>, variables_of: VariablesOf<'_>) -> Vec<Problem> {
    let mut problems = Problems::default();
    head(job, &mut problems);
    let edges: usize = job.tasks.iter().map(|task| task.depends_on.len()).sum();
    if job.tasks.is_empty() || job.tasks.len() > MAX_TASKS {
        problems.add("/tasks", format!("a job has 1 to {MAX_TASKS} tasks, this one {}", job.tasks.len()));
        return problems.into_vec();
    }
    if edges > MAX_EDGES {
        problems.add("/tasks", format!("a job has at most {MAX_EDGES} dependencies, this one {edges}"));
        return problems.into_vec();
    }
    let names = unique_names(&job.tasks, &mut problems);
    let upstream = dependencies(&job.tasks, &names, &mut problems);
    cycles(&job.tasks, &upstream, &mut problems);
    let templates = Templates::new(job, &names, &upstream, variables_of);
    for (index, task) in job.tasks.iter().enumerate() {
        let mut of_task = Problems::default();
        numbers(task, &mut of_task);
        match kind_of(&task.connection) {
            None => of_task.add("/connection", format!("there is no connection named {:?}", task.connection)),
            Some(kind) => {
                of_task.extend_under("/start", kind.check_start(&task.start));
                templates.check(index, kind, &mut of_task);
            }
        }
        problems.extend_under(&format!("/tasks/{index}"), of_task.into_vec());
    }
    problems.into_vec()
}

fn head(job: &JobDefinition, problems: &mut Problems) {
    if let Some(wrong) = check_name(&job.name) {
        problems.add("/name", wrong);
    }
    let described = job.description.as_ref().map_or(0, |text| text.chars().count());
    problems.unless(described <= 2000, "/description", "must be at most 2,000 characters");
    if let Some(most) = job.max_active_runs {
        problems.unless((1..=1000).contains(&most), "/max_active_runs", "must be 1 to 1,000");
    }
    match job.parameters.as_object() {
        None => problems.add("/parameters", "must be a JSON Schema: an object"),
        Some(schema) => {
            let is_object = schema.get("type").is_none_or(|kind| kind == "object");
            problems.unless(is_object, "/parameters/type", "must be \"object\": parameters have names");
            let named = schema.get("properties").is_none_or(serde_json::Value::is_object);
            problems.unless(named, "/parameters/properties", "must be an object");
        }
    }
}

fn unique_names<'a>(tasks: &'a [Task], problems: &mut Problems) -> HashMap<&'a str, usize> {
    let mut names = HashMap::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        if let Some(wrong) = check_task_name(&task.name) {
            problems.add(format!("/tasks/{index}/name"), wrong);
        }
        if let Some(first) = names.insert(task.name.as_str(), index) {
            let message = format!("task {first} is already named {:?}", task.name);
            problems.add(format!("/tasks/{index}/name"), message);
        }
    }
    names
}

/// Upstream tasks by index, without those that are no tasks, the task itself, and doubles.
fn dependencies(tasks: &[Task], names: &HashMap<&str, usize>, problems: &mut Problems) -> Vec<Vec<usize>> {
    let mut upstream = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        let mut seen = HashSet::with_capacity(task.depends_on.len());
        let mut of_task = Vec::with_capacity(task.depends_on.len());
        for (position, name) in task.depends_on.iter().enumerate() {
            let wrong = match names.get(name.as_str()) {
                _ if *name == task.name => "a task can't depend on itself".to_owned(),
                None => format!("there is no task named {name:?} in this job"),
                Some(before) if seen.insert(*before) => {
                    of_task.push(*before);
                    continue;
                }
                Some(_) => format!("{name:?} is named twice"),
            };
            problems.add(format!("/tasks/{index}/depends_on/{position}"), wrong);
        }
        upstream.push(of_task);
    }
    upstream
}

/// Names the members of each cycle once. What is left over by a topological sort has an upstream task that is left over
/// too, so walking upstream ends in a cycle; every task is walked once.
fn cycles(tasks: &[Task], upstream: &[Vec<usize>], problems: &mut Problems) {
    let mut downstream = vec![Vec::new(); tasks.len()];
    for (task, before) in upstream.iter().enumerate() {
        before.iter().for_each(|up| downstream[*up].push(task));
    }
    let mut left = vec![true; tasks.len()];
    topological(upstream, &downstream).into_iter().for_each(|task| left[task] = false);
    let mut walked: Vec<Option<usize>> = vec![None; tasks.len()];
    for start in (0..tasks.len()).filter(|task| left[*task]) {
        let mut path = Vec::new();
        let mut task = start;
        while walked[task].is_none() {
            walked[task] = Some(start);
            path.push(task);
            let Some(before) = upstream[task].iter().copied().find(|up| left[*up]) else { break };
            task = before;
        }
        if walked[task] != Some(start) {
            continue;
        }
        if let Some(from) = path.iter().position(|member| *member == task) {
            let first = path[from..].iter().copied().min().unwrap_or(task);
            problems.add(format!("/tasks/{first}/depends_on"), circle(tasks, &path[from..]));
        }
    }
}

/// `a → b → c → a`, at most ten names written out.
fn circle(tasks: &[Task], upstream_first: &[usize]) -> String {
    let mut names: Vec<&str> = upstream_first.iter().rev().map(|task| tasks[*task].name.as_str()).collect();
    let first = names[0];
    if names.len() > 10 {
        names.truncate(9);
        names.push("…");
    }
    names.push(first);
    format!("these {} tasks wait for each other: {}", upstream_first.len(), names.join(" → "))
}

fn numbers(task: &Task, problems: &mut Problems) {
    problems.unless((1..=10).contains(&task.priority), "/priority", "must be 1 to 10");
    problems.unless((1..=1000).contains(&task.weight), "/weight", "must be 1 to 1,000");
    let RetryPolicy { max_attempts, backoff_s, backoff_factor, backoff_max_s } = task.retry;
    problems.unless((1..=20).contains(&max_attempts), "/retry/max_attempts", "must be 1 to 20");
    problems.unless((1..=86_400).contains(&backoff_s), "/retry/backoff_s", "must be 1 to 86,400");
    problems.unless((1.0..=10.0).contains(&backoff_factor), "/retry/backoff_factor", "must be 1 to 10");
    problems.unless((1..=86_400).contains(&backoff_max_s), "/retry/backoff_max_s", "must be 1 to 86,400");
    let Timeouts { schedule_to_start_s, start_s, start_to_close_s, schedule_to_close_s, cancel_confirm_s } =
        task.timeouts;
    let limits = [
        ("schedule_to_start_s", schedule_to_start_s, MAX_TIMEOUT_S),
        ("start_s", start_s, Timeouts::MAX_START_S),
        ("start_to_close_s", start_to_close_s, MAX_TIMEOUT_S),
        ("schedule_to_close_s", schedule_to_close_s, MAX_TIMEOUT_S),
        ("cancel_confirm_s", cancel_confirm_s, MAX_TIMEOUT_S),
    ];
    for (name, seconds, most) in limits {
        let fine = seconds.is_none_or(|s| (1..=most).contains(&s));
        problems.unless(fine, &format!("/timeouts/{name}"), format!("must be 1 to {most}"));
    }
}
