//! Starts are made side by side, answers recorded as they come, and what became ready thereby is started in turn: a chain of
//! tasks that answer at once costs one commit each and no message.

use std::{future::Future, pin::Pin};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use shared::{
    engine::{Answer, Known, Messages, Outcome, SEND_WITHIN_S, Settled, Taken, settle},
    error::DbError,
    keys::Salt,
    model::state::Failure,
};
use tokio::time::{Duration, Instant};

use crate::{
    connectors::Target,
    tenant::{Order, PAUSES_MS, Tenant, log, pause_ms},
    vaults,
};

/// Between two tries to record answers in a database that is out of reach.
const WAIT_MS: u64 = 1000;

/// What a step of the loop came to.
enum Event {
    Answered(Answer),
    Sent,
}

type Steps<'f> = FuturesUnordered<Pin<Box<dyn Future<Output = Event> + 'f>>>;

impl Tenant<'_> {
    /// Makes the calls and all that follow from them, until nothing is in flight.
    pub(crate) async fn drive(
        &self,
        mut taken: Vec<Taken>,
        mut claimed_at: Timestamp,
        mut messages: Messages,
        known: &mut Known,
    ) {
        let mut steps: Steps<'_> = FuturesUnordered::new();
        let mut calls: usize = 0;
        loop {
            for one in taken.drain(..) {
                calls += 1;
                let salts = known.salts.clone();
                steps.push(Box::pin(
                    async move { Event::Answered(self.start((one, claimed_at), salts).await) },
                ));
            }
            if !messages.is_empty() {
                let owed = std::mem::take(&mut messages);
                steps.push(Box::pin(async move {
                    self.dispatcher.queue.send(&owed).await;
                    Event::Sent
                }));
            }
            let Some(answers) = answers(&mut steps).await else { return };
            if answers.is_empty() {
                continue;
            }
            calls = calls.saturating_sub(answers.len());
            claimed_at = self.dispatcher.clock.now();
            let settled = self.settle(&answers, calls, known).await;
            taken = settled.taken;
            messages = settled.messages;
        }
    }

    /// Records answers together; where that fails, one by one, so that a failing one fails alone. What was started is owned once
    /// that is recorded: a database that is out of reach, or silent, is waited for as long as there is time.
    async fn settle(&self, answers: &[Answer], calls: usize, known: &mut Known) -> Settled {
        let mut settled = self.settle_once(answers, calls, known).await;
        while matches!(settled, Err(DbError::Unavailable(_))) && self.can_wait() {
            pause_ms(WAIT_MS).await;
            settled = self.settle_once(answers, calls, known).await;
        }
        match settled {
            Ok(settled) => return settled,
            Err(error) => log(&error, "answers were not recorded together"),
        }
        self.settle_singly(answers, calls, known).await
    }

    /// Records answers one by one: each that fails is found again by its lease or its next poll.
    pub(crate) async fn settle_singly(&self, answers: &[Answer], calls: usize, known: &mut Known) -> Settled {
        let mut all = Settled::default();
        for answer in answers {
            match self.settle_once(std::slice::from_ref(answer), calls + all.taken.len(), known).await {
                Ok(settled) => {
                    all.taken.extend(settled.taken);
                    all.messages.extend(settled.messages);
                }
                Err(error) => {
                    tracing::error!(attempt = %answer.attempt, "an answer was not recorded; it is asked for again");
                    log(&error, "an answer was not recorded");
                }
            }
        }
        all
    }

    /// One settling transaction. It may be run again where its end is unknown: an answer that was recorded moves nothing.
    async fn settle_once(
        &self,
        answers: &[Answer],
        calls: usize,
        known: &mut Known,
    ) -> Result<Settled, DbError> {
        let mut pauses = PAUSES_MS.iter();
        loop {
            let settled = async {
                let tx = self.begin("settle").await?;
                let settled = settle(self.within(&tx), answers, &[], self.budget(calls), known).await?;
                tx.commit().await.map(|()| settled)
            }
            .await;
            match (settled, pauses.next()) {
                (Err(error), Some(pause))
                    if error.is_retryable() || matches!(error, DbError::Unavailable(_)) =>
                {
                    pause_ms(*pause).await;
                }
                (done, _) => return done,
            }
        }
    }

    /// Makes one start, unless its time has passed meanwhile.
    async fn start(&self, (taken, claimed_at): Order, salts: Vec<Salt>) -> Answer {
        let outcome = self.call((&taken, claimed_at), salts).await;
        Answer {
            attempt: taken.attempt,
            epoch: taken.epoch,
            task_run: taken.task_run,
            run: taken.run,
            key: taken.connection.id,
            outcome,
        }
    }

    async fn call(&self, (taken, claimed_at): (&Taken, Timestamp), salts: Vec<Salt>) -> Outcome {
        let root = &self.dispatcher.root;
        let secret = match vaults::open(self.route.tenant, &taken.connection, root, salts).await {
            Ok(secret) => secret,
            Err(refused) => return failed(Failure::Auth, refused.to_string()),
        };
        let waited_s = self.dispatcher.clock.now().duration_since(claimed_at).as_secs();
        if !(0..=SEND_WITHIN_S).contains(&waited_s) {
            return failed(
                Failure::Infrastructure,
                "The start was not sent: the function was held up.".to_owned(),
            );
        }
        let Some(settings) = &taken.connection.settings else {
            return failed(
                Failure::Permanent,
                "The connection's settings cannot be read by this release.".to_owned(),
            );
        };
        let deadline = Instant::now() + Duration::from_secs(taken.call_s.into());
        let target = Target { settings, credential: secret.as_ref(), deadline };
        self.dispatcher.connectors.start(&target, taken.attempt, &taken.start).await
    }
}

fn failed(class: Failure, message: String) -> Outcome {
    Outcome::Failed { class, message, retry_after_s: None, platform_state: None }
}

/// Waits for one answer, then takes along all that are there already. None: nothing is in flight.
async fn answers(steps: &mut Steps<'_>) -> Option<Vec<Answer>> {
    let mut answers = Vec::new();
    let mut next = Some(steps.next().await?);
    // Answers that arrived together are recorded together: let the sockets be read once.
    tokio::task::yield_now().await;
    while let Some(event) = next {
        if let Event::Answered(answer) = event {
            answers.push(answer);
        }
        next = steps.next().now_or_never().flatten();
    }
    Some(answers)
}
