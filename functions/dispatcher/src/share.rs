//! One workspace's share of a batch: what is to stop, what fires, what has passed and what waits, each taken on in a
//! transaction; then the calls. Polls and tests go on beside them.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use jiff::Timestamp;
use shared::{
    engine::{self, Claimed, Fired, Known, Messages, Settled, Wanted},
    error::{DbError, Refusal},
    model::ids::Id,
    queue::{Kind, Message},
};

use crate::{
    Dispatcher,
    batch::Group,
    poll,
    tenant::{PAUSES_MS, Tenant, again, log, pause_ms},
    test,
};

/// Something due, with the message that said so.
struct Noted<'m> {
    place: usize,
    message: &'m Message,
}

/// Works the messages of a workspace; gives the places of those to be delivered again.
pub(crate) async fn work(dispatcher: &Dispatcher, group: &Group, deadline: Timestamp) -> Vec<usize> {
    let tenant = Tenant::new(dispatcher, &group.route, deadline);
    let noted: Vec<_> =
        group.messages.iter().enumerate().map(|(place, (message, _))| Noted { place, message }).collect();
    let of = |kinds: &[Kind]| noted.iter().filter(|n| kinds.contains(&n.message.kind)).collect::<Vec<_>>();

    let (failed, polls) = tenant.stop(&of(&[Kind::Cancel])).await;
    let mut failed = failed;
    let starts = tenant.starts(of(&[Kind::Fire]), of(&[Kind::Watch]), of(&[Kind::Run, Kind::Wake]));
    let mut rounds: Vec<(Option<usize>, Message)> =
        polls.into_iter().map(|message| (None, message)).collect();
    rounds.extend(of(&[Kind::Poll]).iter().map(|n| (Some(n.place), n.message.clone())));
    let rounds = join_all(rounds.into_iter().map(|(place, message)| {
        let tenant = &tenant;
        async move { failed_at(place, poll::round(tenant, &message).await) }
    }));
    let tests = join_all(of(&[Kind::Test]).into_iter().map(|n| {
        let tenant = &tenant;
        async move { failed_at(Some(n.place), test::run(tenant, n.message).await) }
    }));
    let (started, (rounds, tests)) = join(starts, join(rounds, tests)).await;
    failed.extend(started);
    failed.extend(rounds.into_iter().chain(tests).flatten());
    failed
}

fn failed_at(place: Option<usize>, done: Result<(), DbError>) -> Option<usize> {
    let Err(error) = done else { return None };
    if is_void(&error) {
        return None;
    }
    log(&error, "a message was not worked");
    place
}

/// A message of a workspace that is gone says nothing any more: it is dropped, not delivered again.
fn is_void(error: &DbError) -> bool {
    matches!(error, DbError::Refused(Refusal::NoWorkspace))
}

impl Tenant<'_> {
    /// Asks runs to be stopped; the polls that this makes due at once are handed back.
    async fn stop(&self, cancels: &[&Noted<'_>]) -> (Vec<usize>, Vec<Message>) {
        let (mut failed, mut polls) = (Vec::new(), Vec::new());
        for n in cancels {
            let stopped = again(|| async {
                let tx = self.begin("stop a run").await?;
                let done: Vec<_> = n.message.outbox.into_iter().collect();
                let messages = engine::stop_run(self.within(&tx), n.message.id.into(), &done).await?;
                tx.commit().await.map(|()| messages)
            })
            .await;
            match stopped {
                Ok(messages) => {
                    let (now, later): (Messages, Messages) = messages
                        .into_iter()
                        .partition(|(message, delay)| message.kind == Kind::Poll && *delay == 0);
                    polls.extend(now.into_iter().map(|(message, _)| message));
                    self.dispatcher.queue.send(&later).await;
                }
                Err(error) => failed.extend(failed_at(Some(n.place), Err(error))),
            }
        }
        (failed, polls)
    }

    /// Fires, watches and claims, then makes the calls that came of them, and those that came of those.
    async fn starts(
        &self,
        fires: Vec<&Noted<'_>>,
        watches: Vec<&Noted<'_>>,
        claims: Vec<&Noted<'_>>,
    ) -> Vec<usize> {
        let mut known = Known::default();
        let (mut failed, mut taken, mut messages) = (Vec::new(), Vec::new(), Messages::new());
        let claimed_at = self.dispatcher.clock.now();
        let mut wanted = Wanted::default();
        for n in fires {
            match self.fire(n.message).await {
                Ok(fired) => sort_fired(fired, &mut wanted, &mut messages),
                Err(error) => failed.extend(failed_at(Some(n.place), Err(error))),
            }
        }
        for n in watches {
            match self.watch(n.message, &mut known).await {
                Ok(settled) => {
                    taken.extend(settled.taken);
                    messages.extend(settled.messages);
                }
                Err(error) => failed.extend(failed_at(Some(n.place), Err(error))),
            }
        }
        for n in &claims {
            match n.message.kind {
                Kind::Run => wanted.runs.push(n.message.id.into()),
                _ => wanted.keys.push(n.message.id.into()),
            }
            wanted.done.extend(n.message.outbox);
        }
        match self.claim(wanted, taken.len(), &mut known).await {
            Ok(claimed) => {
                taken.extend(claimed.taken);
                messages.extend(claimed.messages);
            }
            Err(error) if is_void(&error) => {}
            Err(error) => {
                log(&error, "waiting work was not taken on");
                failed.extend(claims.iter().map(|n| n.place));
            }
        }
        self.drive(taken, claimed_at, messages, &mut known).await;
        failed
    }

    async fn fire(&self, message: &Message) -> Result<Fired, DbError> {
        again(|| async {
            let tx = self.begin("fire a schedule").await?;
            let fired = engine::fire(self.within(&tx), message.id.into(), message.round).await?;
            tx.commit().await.map(|()| fired)
        })
        .await
    }

    async fn watch(&self, message: &Message, known: &mut Known) -> Result<Settled, DbError> {
        let Some(mut settled) = self.watch_again(message.round, known).await? else {
            return Ok(Settled::default());
        };
        let planned = again(|| async {
            let tx = self.begin("plan the watch").await?;
            let messages = engine::plan_watch(self.within(&tx)).await?;
            tx.commit().await.map(|()| messages)
        })
        .await;
        match planned {
            Ok(messages) => settled.messages.extend(messages),
            Err(error) => log(&error, "the watch was not planned; it is due again in a minute"),
        }
        Ok(settled)
    }

    async fn watch_again(&self, round: i32, known: &mut Known) -> Result<Option<Settled>, DbError> {
        let mut pauses = PAUSES_MS.iter();
        loop {
            let tx = self.begin("watch").await?;
            let settled = match engine::watch(self.within(&tx), round, self.budget(0), known).await {
                Ok(settled) => tx.commit().await.map(|()| settled),
                Err(error) => Err(error),
            };
            match (settled, pauses.next()) {
                (Err(error), Some(pause)) if error.is_retryable() => pause_ms(*pause).await,
                (done, _) => return done,
            }
        }
    }

    /// Takes on what waits, letting runs in first that waited for others.
    async fn claim(
        &self,
        mut wanted: Wanted,
        in_flight: usize,
        known: &mut Known,
    ) -> Result<Claimed, DbError> {
        if wanted.runs.is_empty() && wanted.keys.is_empty() && wanted.done.is_empty() {
            return Ok(Claimed::default());
        }
        wanted.runs = wanted.runs.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut admitted = Messages::new();
        loop {
            let mut claimed = self.claim_again(&wanted, in_flight, known).await?;
            if claimed.admit.is_empty() {
                claimed.messages.extend(admitted);
                return Ok(claimed);
            }
            let tx = self.begin("admit runs").await?;
            let let_in = engine::admit(self.within(&tx), &claimed.admit, known).await?;
            tx.commit().await?;
            admitted.extend(let_in.messages);
            wanted.admitted = true;
        }
    }

    async fn claim_again(
        &self,
        wanted: &Wanted,
        in_flight: usize,
        known: &mut Known,
    ) -> Result<Claimed, DbError> {
        let mut pauses = PAUSES_MS.iter();
        loop {
            let tx = self.begin("claim").await?;
            let claimed = match engine::claim(self.within(&tx), wanted, self.budget(in_flight), known).await {
                Ok(claimed) => tx.commit().await.map(|()| claimed),
                Err(error) => Err(error),
            };
            match (claimed, pauses.next()) {
                (Err(error), Some(pause)) if error.is_retryable() => pause_ms(*pause).await,
                (done, _) => return done,
            }
        }
    }
}

/// A fired run is claimed in this very invocation; the rest is sent.
fn sort_fired(fired: Fired, wanted: &mut Wanted, messages: &mut Messages) {
    match fired {
        Fired::Void => {}
        Fired::Early(more) | Fired::Planned(more) => messages.extend(more),
        Fired::Run(run, more) => {
            for (message, delay) in more {
                if message.kind == Kind::Run && message.id == run.uuid() && delay == 0 {
                    wanted.runs.push(run);
                    wanted.done.extend(message.outbox);
                } else {
                    messages.push((message, delay));
                }
            }
        }
    }
}
