//! Apache Airflow's REST API, v1 (Airflow 2) and v2 (Airflow 3), as their OpenAPI documents have it (apache-airflow 2.10.5,
//! apache-airflow-core 3.3.2). The run id is ours, the attempt's: a second start of it is answered 409 and adopted, so a start
//! happens exactly once. Airflow has no cancelled state: a run that we set to failed is cancelled.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use shared::{
    egress::{Egress, Response},
    engine::Outcome,
    model::{
        connection::{
            Start as AnyStart,
            airflow::{Api, Settings, Start},
        },
        ids::AttemptId,
        state::Failure,
    },
};

use super::{CancelAnswer, InFlight, Polled, SIDE_BY_SIDE, Target, answer};
use session::Session;

mod session;

/// Seconds until a run is first asked about.
const FIRST_POLL_S: i64 = 2;

/// From this many runs on, one list question replaces single ones.
const LIST_FROM: usize = 3;

pub(super) async fn start(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
    attempt: AttemptId,
    start: &Start,
) -> Outcome {
    let session = match Session::open(egress, settings, target).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    let run_id = attempt.to_string();
    let body = match settings.api {
        Api::V1 => json!({ "dag_run_id": run_id, "conf": start.conf }),
        // v2 refuses a body without logical_date; null avoids v1's second uniqueness.
        Api::V2 => json!({ "dag_run_id": run_id, "conf": start.conf, "logical_date": null }),
    };
    match session.post(&["dags", &start.dag_id, "dagRuns"], &body).await {
        Ok(answer) if answer.status.is_success() => started(settings, start, &run_id, &answer, false),
        Ok(answer) if answer.status.as_u16() == 409 => adopt(&session, settings, start, &run_id).await,
        Ok(answer) => answer::start_refused(&answer, target.credential),
        Err(error) => answer::start_failed(error),
    }
}

pub(super) async fn poll<'a>(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
    runs: &[InFlight<'a>],
) -> Polled<'a> {
    let session = match Session::open(egress, settings, target).await {
        Ok(session) => session,
        Err(outcome) => return unasked(runs, &outcome),
    };
    let mut polled = Polled::default();
    let listed =
        if runs.len() >= LIST_FROM { list(&session, runs, &mut polled).await } else { HashMap::new() };
    let single: Vec<_> = runs.iter().filter(|run| !listed.contains_key(run.external_id)).collect();
    let answers: Vec<_> = stream::iter(single.into_iter().map(|run| ask(&session, target, run)))
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await;
    for (run, outcome, wait) in answers {
        polled.retry_after_s = polled.retry_after_s.max(wait);
        polled.outcomes.push((run, outcome));
    }
    let known =
        runs.iter().filter_map(|run| Some((*run, state_of(listed.get(run.external_id)?, run.cancelling))));
    polled.outcomes.extend(known);
    polled
}

pub(super) async fn cancel(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
    run: &InFlight<'_>,
) -> CancelAnswer {
    let AnyStart::Airflow(start) = run.start else { return CancelAnswer::NotPossible };
    let session = match Session::open(egress, settings, target).await {
        Ok(session) => session,
        Err(outcome) => return CancelAnswer::Failed(message_of(&outcome)),
    };
    match session
        .patch(&["dags", &start.dag_id, "dagRuns", run.external_id], &json!({ "state": "failed" }))
        .await
    {
        Ok(a) if a.status.is_success() || matches!(a.status.as_u16(), 404 | 409) => CancelAnswer::Asked,
        Ok(a) => CancelAnswer::Failed(answer::says(a.status, &answer::excerpt(&a, target.credential))),
        Err(error) => CancelAnswer::Failed(format!("Airflow was not asked to stop it: {error}.")),
    }
}

pub(super) async fn test(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
) -> Result<String, String> {
    let session = Session::open(egress, settings, target).await.map_err(|outcome| message_of(&outcome))?;
    let answer = session
        .get(&["dags"], "?limit=1")
        .await
        .map_err(|e| format!("{} was not reached: {e}.", settings.base_url))?;
    if !answer.status.is_success() {
        return Err(answer::says(answer.status, &answer::excerpt(&answer, target.credential)));
    }
    match answer::json(&answer).and_then(|body| body["total_entries"].as_i64()) {
        Some(dags) => Ok(format!("Airflow answers, and shows {dags} DAGs to {}.", settings.user)),
        None => Err("It answers, but not as Airflow does.".to_owned()),
    }
}

/// The run is there: a start of ours that was not recorded, or one whose answer was lost.
async fn adopt(session: &Session<'_>, settings: &Settings, start: &Start, run_id: &str) -> Outcome {
    match session.get(&["dags", &start.dag_id, "dagRuns", run_id], "").await {
        Ok(answer) if answer.status.is_success() => started(settings, start, run_id, &answer, true),
        // The conflict was over something else than our run id.
        Ok(answer) if answer.status.as_u16() == 404 => {
            answer::permanent("Airflow says the run conflicts with another one.")
        }
        Ok(answer) => Outcome::Unknown { message: answer::says(answer.status, "") },
        Err(error) => {
            Outcome::Unknown { message: format!("The run is there, but could not be read: {error}.") }
        }
    }
}

fn started(settings: &Settings, start: &Start, run_id: &str, answer: &Response, adopted: bool) -> Outcome {
    if answer::json(answer).is_none_or(|body| body["dag_run_id"].as_str() != Some(run_id)) {
        return Outcome::Unknown { message: "The start was answered, but not as Airflow does.".to_owned() };
    }
    Outcome::Started {
        external_id: run_id.to_owned(),
        external_url: Some(settings.run_url(&start.dag_id, run_id)),
        warning: adopted.then(|| "The run was there already and was taken over.".to_owned()),
        poll_after_s: FIRST_POLL_S,
    }
}

async fn ask<'a>(
    session: &Session<'_>,
    target: &Target<'_>,
    run: &InFlight<'a>,
) -> (InFlight<'a>, Outcome, Option<i64>) {
    let AnyStart::Airflow(start) = run.start else { return (*run, Outcome::Missing, None) };
    match session.get(&["dags", &start.dag_id, "dagRuns", run.external_id], "").await {
        Ok(answer) if answer.status.is_success() => {
            let body = answer::json(&answer).unwrap_or(Value::Null);
            (*run, state_of(&body, run.cancelling), None)
        }
        Ok(answer) => {
            let wait = answer::retry_after_s(&answer);
            (*run, answer::poll_refused(&answer, target.credential), wait)
        }
        Err(error) => (*run, answer::running(format!("Airflow could not be asked: {error}.")), None),
    }
}

/// One question for many runs: the latest hundred of their DAGs. What it does not hold is asked singly.
async fn list(
    session: &Session<'_>,
    runs: &[InFlight<'_>],
    polled: &mut Polled<'_>,
) -> HashMap<String, Value> {
    let dags: BTreeSet<&str> = runs
        .iter()
        .filter_map(|run| match run.start {
            AnyStart::Airflow(start) => Some(start.dag_id.as_str()),
            _ => None,
        })
        .collect();
    let body = json!({ "dag_ids": dags, "page_limit": 100, "order_by": session.newest_first() });
    let Ok(answer) = session.post(&["dags", "~", "dagRuns", "list"], &body).await else {
        return HashMap::new();
    };
    if !answer.status.is_success() {
        polled.retry_after_s = answer::retry_after_s(&answer);
        return HashMap::new();
    }
    let body = answer::json(&answer).unwrap_or(Value::Null);
    let found = body["dag_runs"].as_array().into_iter().flatten();
    found.filter_map(|run| Some((run["dag_run_id"].as_str()?.to_owned(), run.clone()))).collect()
}

/// The total map of a DAG run's states; what is not known is running, with a warning.
fn state_of(run: &Value, cancelling: bool) -> Outcome {
    let state = run["state"].as_str().unwrap_or_default();
    let platform_state = Some(answer::clip(state, 200));
    match state {
        "success" => Outcome::Succeeded { outputs: None, external_id: None, platform_state, warning: None },
        "failed" if cancelling => Outcome::Cancelled { message: None, platform_state },
        "failed" => Outcome::Failed {
            class: Failure::Transient,
            message: "The DAG run failed; its page in Airflow says why.".to_owned(),
            retry_after_s: None,
            platform_state,
        },
        "queued" | "running" => Outcome::Running { platform_state, warning: None },
        _ => Outcome::Running {
            warning: Some(format!("Airflow's state {state:?} is not known; taken as running.")),
            platform_state,
        },
    }
}

fn unasked<'a>(runs: &[InFlight<'a>], why: &Outcome) -> Polled<'a> {
    let warning = message_of(why);
    Polled {
        outcomes: runs.iter().map(|run| (*run, answer::running(answer::clip(&warning, 450)))).collect(),
        retry_after_s: match why {
            Outcome::Failed { retry_after_s, .. } => *retry_after_s,
            _ => None,
        },
    }
}

fn message_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed { message, .. } | Outcome::Unknown { message } => message.clone(),
        _ => "Airflow did not answer as it should.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_dag_run_maps_and_an_unknown_one_is_running_with_a_warning() {
        let of = |state: &str, cancelling| state_of(&json!({ "state": state }), cancelling);
        assert!(matches!(of("success", true), Outcome::Succeeded { .. }));
        assert!(matches!(of("failed", false), Outcome::Failed { .. }));
        assert!(matches!(of("failed", true), Outcome::Cancelled { .. }));
        for running in ["queued", "running"] {
            assert!(matches!(of(running, true), Outcome::Running { warning: None, .. }));
        }
        assert!(matches!(of("hibernating", false), Outcome::Running { warning: Some(_), .. }));
        assert!(matches!(state_of(&json!([]), false), Outcome::Running { warning: Some(_), .. }));
    }
}
