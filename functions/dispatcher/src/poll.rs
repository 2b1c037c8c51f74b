//! One round of a connection: what is to stop is asked to stop, then everything in flight is asked about; the answers are
//! recorded and the next round planned in one transaction.

use futures_util::{StreamExt, stream};
use shared::{
    db::TenantTx,
    engine::{self, Answer, InFlight, Known, Outcome, Round, Settled},
    error::DbError,
    model::{
        connection::Start,
        ids::{AttemptId, ConnectionId, OrphanId},
    },
    queue::Message,
};
use tokio::time::{Duration, Instant};

use crate::{
    connectors::{self, CancelAnswer, Target},
    tenant::{PAUSES_MS, Tenant, again, log, pause_ms},
    vaults,
};

/// Requests to stop, to one connection at a time.
const SIDE_BY_SIDE: usize = 8;

/// Longest that the questions of a round may take, and kept back to record what they brought.
const ASK_WITHIN: Duration = Duration::from_secs(30);

/// What a round learnt.
#[derive(Default)]
struct Learnt {
    answers: Vec<Answer>,
    gone: Vec<OrphanId>,
    not_before_s: i64,
}

/// Works one round, if it is still the one due.
pub(crate) async fn round(tenant: &Tenant<'_>, message: &Message) -> Result<(), DbError> {
    let key: ConnectionId = message.id.into();
    let (round, mut known) = again(|| async {
        let mut known = Known::default();
        let tx = tenant.begin("begin a round").await?;
        let round = engine::begin_round(tenant.within(&tx), key, message.round, &mut known).await?;
        tx.commit().await.map(|()| (round, known))
    })
    .await?;
    let Some(round) = round else { return Ok(()) };
    let learnt = ask(tenant, &round, &known).await;
    let claimed_at = tenant.dispatcher.clock.now();
    let settled = record(tenant, key, learnt, &mut known).await;
    tenant.drive(settled.taken, claimed_at, settled.messages, &mut known).await;
    Ok(())
}

async fn ask(tenant: &Tenant<'_>, round: &Round, known: &Known) -> Learnt {
    let key = round.connection.id;
    let all_run_on = |warning: String| Learnt {
        answers: round.in_flight.iter().map(|one| answer(one, key, running(warning.clone()))).collect(),
        ..Learnt::default()
    };
    let root = &tenant.dispatcher.root;
    let secret = match vaults::open(tenant.route.tenant, &round.connection, root, known.salts.clone()).await {
        Ok(secret) => secret,
        Err(refused) => return all_run_on(format!("It could not be asked about: {refused}")),
    };
    let Some(settings) = &round.connection.settings else {
        return all_run_on("The connection's settings cannot be read by this release.".to_owned());
    };
    let target = Target { settings, credential: secret.as_ref(), deadline: Instant::now() + ASK_WITHIN };

    let runs: Vec<_> = external_runs(round).collect();
    let warnings = stop(tenant, &target, &runs).await;
    let polled = tenant.dispatcher.connectors.poll(&target, &runs).await;
    let mut learnt = Learnt { not_before_s: polled.retry_after_s.unwrap_or(0), ..Learnt::default() };
    for (run, outcome) in polled.outcomes {
        // An attempt may own one run and have left a stray behind: the platform's id tells them apart.
        let is_it = |attempt, external_id: &str| run.attempt == attempt && run.external_id == external_id;
        if let Some(one) = round.in_flight.iter().find(|one| is_it(one.attempt, &one.external_id)) {
            let warning = warnings
                .iter()
                .find(|(of, _)| is_it(of.attempt, of.external_id))
                .map(|(_, text)| text.clone());
            learnt.answers.push(answer(one, key, warned(outcome, warning)));
        } else if !matches!(outcome, Outcome::Running { .. }) {
            let stray = round.strays.iter().find(|stray| is_it(stray.attempt, &stray.external_id));
            learnt.gone.extend(stray.map(|stray| stray.id));
        }
    }
    learnt
}

/// Everything to ask about: what attempts own, and strays, which are to stop.
fn external_runs(round: &Round) -> impl Iterator<Item = connectors::InFlight<'_>> {
    let owned = round
        .in_flight
        .iter()
        .filter_map(|o| one_of(o.attempt, o.start.as_ref(), &o.external_id, o.cancelling));
    owned.chain(round.strays.iter().filter_map(|s| one_of(s.attempt, s.start.as_ref(), &s.external_id, true)))
}

fn one_of<'r>(
    attempt: AttemptId,
    start: Option<&'r Start>,
    external_id: &'r str,
    cancelling: bool,
) -> Option<connectors::InFlight<'r>> {
    Some(connectors::InFlight { attempt, start: start?, external_id, cancelling })
}

/// Asks what is to stop to stop; gives the warnings of requests that were not accepted.
async fn stop<'a>(
    tenant: &Tenant<'_>,
    target: &Target<'_>,
    runs: &[connectors::InFlight<'a>],
) -> Vec<(connectors::InFlight<'a>, String)> {
    let asked = stream::iter(runs.iter().filter(|run| run.cancelling))
        .map(|run| async move { (*run, tenant.dispatcher.connectors.cancel(target, run).await) })
        .buffer_unordered(SIDE_BY_SIDE)
        .collect::<Vec<_>>()
        .await;
    let warning = |answer| match answer {
        CancelAnswer::Asked => None,
        CancelAnswer::NotPossible => Some("This service has no request that stops a run.".to_owned()),
        CancelAnswer::Failed(why) => Some(why),
    };
    asked.into_iter().filter_map(|(run, answer)| warning(answer).map(|text| (run, text))).collect()
}

fn answer(one: &InFlight, key: ConnectionId, outcome: Outcome) -> Answer {
    Answer { attempt: one.attempt, epoch: one.epoch, task_run: one.task_run, run: one.run, key, outcome }
}

fn running(warning: String) -> Outcome {
    Outcome::Running { platform_state: None, warning: Some(warning) }
}

/// With a warning, where it goes on.
fn warned(outcome: Outcome, text: Option<String>) -> Outcome {
    match (outcome, text) {
        (Outcome::Running { platform_state, .. }, Some(text)) => {
            Outcome::Running { platform_state, warning: Some(text.chars().take(480).collect()) }
        }
        (outcome, _) => outcome,
    }
}

/// Records what was learnt and plans the next round; where that fails, the answers one by one, so that a failing one fails
/// alone.
async fn record(tenant: &Tenant<'_>, key: ConnectionId, mut learnt: Learnt, known: &mut Known) -> Settled {
    match record_together(tenant, key, &learnt, known).await {
        Ok(settled) => return settled,
        Err(error) => log(&error, "a round's answers were not recorded together"),
    }
    let answers = std::mem::take(&mut learnt.answers);
    let mut settled = tenant.settle_singly(&answers, 0, known).await;
    match record_together(tenant, key, &learnt, known).await {
        Ok(planned) => {
            settled.taken.extend(planned.taken);
            settled.messages.extend(planned.messages);
        }
        Err(error) => log(&error, "a round was not planned; it is due again"),
    }
    settled
}

/// One transaction; run again where it may be.
async fn record_together(
    tenant: &Tenant<'_>,
    key: ConnectionId,
    learnt: &Learnt,
    known: &mut Known,
) -> Result<Settled, DbError> {
    let mut pauses = PAUSES_MS.iter();
    loop {
        let tx = tenant.begin("end a round").await?;
        let settled = match record_in(tenant, &tx, key, learnt, known).await {
            Ok(settled) => tx.commit().await.map(|()| settled),
            Err(error) => Err(error),
        };
        match (settled, pauses.next()) {
            (Err(error), Some(pause)) if error.is_retryable() => pause_ms(*pause).await,
            (done, _) => return done,
        }
    }
}

async fn record_in(
    tenant: &Tenant<'_>,
    tx: &TenantTx,
    key: ConnectionId,
    learnt: &Learnt,
    known: &mut Known,
) -> Result<Settled, DbError> {
    let within = tenant.within(tx);
    let mut settled = engine::settle(within, &learnt.answers, &[key], tenant.budget(0), known).await?;
    settled.messages.extend(engine::end_round(within, key, learnt.not_before_s, &learnt.gone).await?);
    Ok(settled)
}
