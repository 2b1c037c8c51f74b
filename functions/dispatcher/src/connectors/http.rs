//! Any service that speaks HTTP, as the task's own templates say: start, poll, cancel. The rules are those of RFC 9110 and of
//! the draft on `Idempotency-Key`; paths cannot leave the base URL's host.

use std::borrow::Cow;

use futures_util::{StreamExt, stream};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use shared::{
    egress::{Egress, EgressError, Method, Response, StatusCode, header},
    engine::Outcome,
    model::{
        connection::{
            encode_step,
            http::{PolledState, Settings, Start},
        },
        ids::AttemptId,
        state::Failure,
    },
    secrets::Secret,
};

use super::{CancelAnswer, InFlight, Polled, SIDE_BY_SIDE, Target, answer};
use request::{method_of, request, starting};

mod request;

pub(super) async fn start(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
    attempt: AttemptId,
    start: &Start,
) -> Outcome {
    let request = match starting(settings, target, attempt, start) {
        Ok(request) => request,
        Err(why) => return answer::permanent(why),
    };
    match egress.send(request).await {
        Ok(answer) if start.success_codes.contains(&answer.status.as_u16()) => {
            started(&answer, start, target.credential)
        }
        // The same key is being worked on (draft-ietf-httpapi-idempotency-key-header, 2.6): to be asked again, not refused.
        Ok(answer) if answer.status == StatusCode::CONFLICT && settings.idempotency_header.is_some() => {
            let says = answer::says(answer.status, &answer::excerpt(&answer, target.credential));
            answer::failed(Failure::Transient, says)
        }
        Ok(answer) => answer::start_refused(&answer, target.credential),
        Err(EgressError::TooLarge { status })
            if start.poll.is_none() && start.success_codes.contains(&status.as_u16()) =>
        {
            let warning = Some("The answer is longer than 1 MiB and was not read.".to_owned());
            Outcome::Succeeded { outputs: None, external_id: None, platform_state: None, warning }
        }
        Err(error) => answer::start_failed(error),
    }
}

pub(super) async fn poll<'a>(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
    runs: &[InFlight<'a>],
) -> Polled<'a> {
    let asked: Vec<_> = stream::iter(runs.iter().map(|run| ask(egress, settings, target, run)))
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await;
    Polled {
        retry_after_s: asked.iter().filter_map(|(_, _, wait)| *wait).max(),
        outcomes: asked.into_iter().map(|(run, outcome, _)| (run, outcome)).collect(),
    }
}

pub(super) async fn cancel(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
    run: &InFlight<'_>,
) -> CancelAnswer {
    let shared::model::connection::Start::Http(start) = run.start else { return CancelAnswer::NotPossible };
    let Some(cancel) = &start.cancel else { return CancelAnswer::NotPossible };
    let path = cancel.path.replace("{run_id}", &encode_step(run.external_id));
    let method = method_of(cancel.method);
    let request = match request(settings, target, method, &path) {
        Ok(request) => request,
        Err(why) => return CancelAnswer::Failed(why),
    };
    match egress.send(request).await {
        // Gone, or past stopping: the next poll says which.
        Ok(a) if a.status.is_success() || matches!(a.status.as_u16(), 404 | 409 | 410) => CancelAnswer::Asked,
        Ok(a) => CancelAnswer::Failed(answer::says(a.status, &answer::excerpt(&a, target.credential))),
        Err(error) => CancelAnswer::Failed(format!("The platform was not asked to stop it: {error}.")),
    }
}

pub(super) async fn test(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
) -> Result<String, String> {
    let answer = egress.send(request(settings, target, Method::GET, "")?).await;
    let answer = answer.map_err(|error| format!("{} was not reached: {error}.", settings.base_url))?;
    match answer.status.as_u16() {
        401 | 403 => {
            Err(format!("It answers, but refuses the credential. {}", answer::says(answer.status, "")))
        }
        500.. => Err(format!("It answers, but is not well. {}", answer::says(answer.status, ""))),
        code => Ok(format!("{} answers ({code}).", settings.base_url)),
    }
}

async fn ask<'a>(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
    run: &InFlight<'a>,
) -> (InFlight<'a>, Outcome, Option<i64>) {
    let shared::model::connection::Start::Http(start) = run.start else {
        return (*run, Outcome::Missing, None);
    };
    let Some(poll) = &start.poll else { return (*run, Outcome::Missing, None) };
    let path = poll.path.replace("{run_id}", &encode_step(run.external_id));
    let request = match request(settings, target, Method::GET, &path) {
        Ok(request) => request,
        Err(why) => return (*run, answer::running(why), None),
    };
    match egress.send(request).await {
        Ok(answer) if answer.status.is_success() => (*run, state_of(&answer, start, target.credential), None),
        Ok(answer) => {
            let wait = answer::retry_after_s(&answer);
            (*run, answer::poll_refused(&answer, target.credential), wait)
        }
        Err(error) => (*run, answer::running(format!("It could not be asked: {error}.")), None),
    }
}

/// What the answer to a poll says.
fn state_of(answer: &Response, start: &Start, secret: Option<&Secret>) -> Outcome {
    let Some(poll) = &start.poll else { return Outcome::Missing };
    let body = answer::json(answer).unwrap_or(Value::Null);
    let Some(state) = body.pointer(&poll.state_pointer).and_then(text_of) else {
        return answer::running(format!("The answer to the poll has no state at {}.", poll.state_pointer));
    };
    let shown = Some(answer::clip(&answer::redact(&state, secret), 200));
    match poll.states.get(&state) {
        Some(PolledState::Running) => Outcome::Running { platform_state: shown, warning: None },
        Some(PolledState::Succeeded) => {
            let outputs = poll.outputs_pointer.as_deref().and_then(|at| body.pointer(at)).cloned();
            let outputs = outputs.map(|outputs| answer::redact_outputs(outputs, secret));
            Outcome::Succeeded { outputs, external_id: None, platform_state: shown, warning: None }
        }
        Some(PolledState::Failed) => Outcome::Failed {
            class: Failure::Transient,
            message: format!("The platform says it failed: {}", answer::excerpt(answer, secret)),
            retry_after_s: None,
            platform_state: shown,
        },
        Some(PolledState::TimedOut) => Outcome::TimedOut {
            message: "The platform says it took too long.".to_owned(),
            platform_state: shown,
        },
        Some(PolledState::Cancelled) => Outcome::Cancelled { message: None, platform_state: shown },
        None => Outcome::Running {
            warning: Some(format!(
                "The state {:?} is not in the task's list; taken as running.",
                shown.clone().unwrap_or_default()
            )),
            platform_state: shown,
        },
    }
}

/// What the answer to a start says.
fn started(answer: &Response, start: &Start, secret: Option<&Secret>) -> Outcome {
    let body = answer::json(answer);
    let id = match &start.run_id_pointer {
        Some(pointer) => body.as_ref().and_then(|b| b.pointer(pointer)).and_then(text_of),
        None => located(answer),
    };
    let id = id.filter(|id| !id.is_empty() && id.len() <= 500);
    let Some(poll) = &start.poll else {
        if answer::is_page(answer) {
            return answer::permanent(
                "A page for people came back where a program's answer was expected: is a sign-in in between?",
            );
        }
        let outputs = body.map(|body| answer::redact_outputs(body, secret));
        return Outcome::Succeeded { outputs, external_id: id, platform_state: None, warning: None };
    };
    match id {
        Some(external_id) => Outcome::Started {
            external_id,
            external_url: None,
            warning: None,
            poll_after_s: poll.interval_s.into(),
        },
        None => Outcome::Unknown {
            message: match &start.run_id_pointer {
                Some(pointer) => format!("The start was answered, but without the run's id at {pointer}."),
                None => "The start was answered, but without a Location.".to_owned(),
            },
        },
    }
}

/// The last step of `Location`, decoded: it is encoded again where it goes into a path.
fn located(answer: &Response) -> Option<String> {
    let location = answer.headers.get(header::LOCATION)?.to_str().ok()?;
    let path = location.split(['?', '#']).next()?;
    let step = path.trim_end_matches('/').rsplit('/').next()?;
    percent_decode_str(step).decode_utf8().ok().map(Cow::into_owned)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
