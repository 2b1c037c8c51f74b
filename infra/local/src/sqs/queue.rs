//! One queue: the shelf, the clock, and those who wait for a message.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::message::Message;
use super::shelf::Shelf;
use super::{Attributes, Delivery, Draft, Faults, MAX_BATCH, QueueStats, SqsError};
use crate::clock::Clock;

/// A standard queue.
pub struct Queue {
    name: String,
    arn: Arc<str>,
    clock: Clock,
    settings: Mutex<(Attributes, Weak<Queue>)>,
    shelf: Mutex<Shelf>,
    /// Something came, or came forward: whoever waits looks again.
    changed: Notify,
    paused: watch::Sender<bool>,
}

/// What a `SendMessage` answers.
#[derive(Clone, Debug)]
pub struct Sent {
    /// `MessageId`.
    pub id: uuid::Uuid,
    /// `MD5OfMessageBody`.
    pub md5: Arc<str>,
}

impl Queue {
    pub(super) fn new(name: &str, arn: String, clock: Clock) -> Self {
        Self {
            name: name.to_owned(),
            arn: arn.into(),
            clock,
            settings: Mutex::new((Attributes::default(), Weak::new())),
            shelf: Mutex::new(Shelf::new()),
            changed: Notify::new(),
            paused: watch::Sender::new(false),
        }
    }

    pub(super) fn configure(&self, attributes: Attributes, dead_letters: Option<&Arc<Queue>>) {
        *self.settings() = (attributes, dead_letters.map(Arc::downgrade).unwrap_or_default());
    }

    /// The queue's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The queue's ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// What it is set to.
    pub fn attributes(&self) -> Attributes {
        self.settings().0.clone()
    }

    /// Accepts a message.
    pub fn send(&self, draft: Draft) -> Result<Sent, SqsError> {
        draft.check()?;
        let now_ms = self.clock.now_ms();
        let delay_s = draft.delay_seconds.unwrap_or_else(|| self.attributes().delay_seconds);
        let message = Message::new(draft, now_ms);
        let sent = Sent { id: message.id, md5: message.md5.clone() };
        self.shelf_in_service()?.send(message, now_ms, now_ms + i64::from(delay_s) * 1000);
        self.changed.notify_waiters();
        Ok(sent)
    }

    /// Takes up to `most` messages; when there are none, waits up to `wait` of real time for the first. Dropping the
    /// future before it is ready takes nothing.
    pub async fn receive(
        &self,
        most: usize,
        wait: Duration,
        visibility_seconds: Option<u32>,
    ) -> Result<Vec<Delivery>, SqsError> {
        let end = Instant::now() + wait;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let deliveries = self.take(most, visibility_seconds)?;
            if !deliveries.is_empty() || Instant::now() >= end {
                return Ok(deliveries);
            }
            let next_ms = self.shelf().next_ms();
            let forward = async {
                match next_ms {
                    Some(next_ms) => self.clock.sleep_until(next_ms).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = forward => {}
                () = tokio::time::sleep_until(end) => {}
            }
        }
    }

    fn take(&self, most: usize, visibility_seconds: Option<u32>) -> Result<Vec<Delivery>, SqsError> {
        let visibility_s = visibility_seconds.unwrap_or_else(|| self.attributes().visibility_seconds);
        self.advance();
        let now_ms = self.clock.now_ms();
        let visible_ms = now_ms + i64::from(visibility_s) * 1000;
        Ok(self.shelf_in_service()?.receive(most.min(MAX_BATCH), now_ms, visible_ms))
    }

    /// Brings forward what is due, and buries what was received too often.
    fn advance(&self) {
        let (most, dead_letters) = {
            let settings = self.settings();
            (settings.0.redrive.as_ref().map(|(_, most)| *most), settings.1.upgrade())
        };
        let most = if dead_letters.is_some() { most } else { None };
        let dead = self.shelf().advance(self.clock.now_ms(), most);
        let Some(dead_letters) = dead_letters else { return };
        for mut message in dead {
            message.source = Some(self.arn.clone());
            dead_letters.put(message);
        }
    }

    fn put(&self, message: Message) {
        let now_ms = self.clock.now_ms();
        self.shelf().put(message, now_ms, now_ms, false);
        self.changed.notify_waiters();
    }

    /// Deletes what a receipt handle names.
    pub fn delete(&self, handle: &str) -> Result<(), SqsError> {
        self.shelf_in_service()?.delete(handle)
    }

    /// Lets a message that is in flight come back after `seconds`.
    pub fn change_visibility(&self, handle: &str, seconds: u32) -> Result<(), SqsError> {
        if seconds > 43_200 {
            return Err(SqsError::InvalidParameter("VisibilityTimeout must be between 0 and 43200.".into()));
        }
        let visible_ms = self.clock.now_ms() + i64::from(seconds) * 1000;
        self.shelf_in_service()?.hide_until(handle, visible_ms)?;
        self.changed.notify_waiters();
        Ok(())
    }

    /// Removes every message.
    pub fn purge(&self) {
        self.shelf().take_all();
    }

    /// `StartMessageMoveTask`: sends the dead back to `target`, or each to the queue it died in. Returns how many moved.
    pub(super) fn redrive(&self, target: impl Fn(Option<&str>) -> Option<Arc<Queue>>) -> usize {
        let messages = self.shelf().take_all();
        let mut moved = 0;
        for mut message in messages {
            let Some(target) = target(message.source.as_deref()) else {
                self.put(message);
                continue;
            };
            (message.receive_count, message.source) = (0, None);
            target.put(message);
            moved += 1;
        }
        moved
    }

    /// Counts, after bringing forward what is due.
    pub fn stats(&self) -> QueueStats {
        self.advance();
        self.shelf().stats()
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.shelf().faults = faults;
        self.changed.notify_waiters();
    }

    /// Stops or starts again the feeding of functions.
    pub fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    /// Whether functions are not fed.
    pub fn paused(&self) -> watch::Receiver<bool> {
        self.paused.subscribe()
    }

    fn settings(&self) -> MutexGuard<'_, (Attributes, Weak<Queue>)> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf_in_service(&self) -> Result<MutexGuard<'_, Shelf>, SqsError> {
        let shelf = self.shelf();
        if shelf.faults.outage { Err(SqsError::ServiceUnavailable) } else { Ok(shelf) }
    }
}
