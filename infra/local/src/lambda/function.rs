//! A function: its instances, who is idle, who is busy.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::instance::{Instance, Outcome};
use super::{FunctionSettings, FunctionState, Host, InvokeError, MAX_PAYLOAD_BYTES};

/// The wait before a start that follows a failed one; doubles with each, up to [`MAX_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

pub(super) struct Function {
    settings: FunctionSettings,
    host: Arc<Host>,
    /// One permit per event at work. Fair: events are worked in the order they came.
    slots: Semaphore,
    instances: Mutex<Instances>,
    failed_starts: AtomicU32,
    invocations: AtomicU64,
    failures: AtomicU64,
}

/// The last to become idle is the first to be used again, so that what is warm stays warm.
#[derive(Default)]
struct Instances {
    idle: Vec<Arc<Instance>>,
    busy: Vec<Arc<Instance>>,
}

impl Function {
    pub(super) fn new(settings: FunctionSettings, host: Arc<Host>) -> Self {
        let slots = Semaphore::new(settings.max_instances.max(1));
        Self {
            settings,
            host,
            slots,
            instances: Mutex::default(),
            failed_starts: AtomicU32::new(0),
            invocations: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    pub(super) async fn invoke(&self, event: Bytes) -> Result<Bytes, InvokeError> {
        if event.len() > MAX_PAYLOAD_BYTES {
            return Err(InvokeError::TooLarge);
        }
        let _slot = self.slots.acquire().await.map_err(|_| InvokeError::Stopping)?;
        self.invocations.fetch_add(1, Ordering::Relaxed);
        let result = self.invoke_on_some_instance(event).await;
        if let Err(error) = &result {
            self.failures.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(function = self.settings.name, %error, "an invocation failed");
        }
        result
    }

    /// An instance that died while idle never saw the event, so the next one gets it.
    async fn invoke_on_some_instance(&self, mut event: Bytes) -> Result<Bytes, InvokeError> {
        loop {
            let instance = match self.take_idle() {
                Some(instance) => instance,
                None => self.start().await?,
            };
            let outcome = instance.invoke(event, self.settings.timeout).await;
            self.give_back(&instance);
            match outcome {
                Outcome::Answered(result) => return result,
                Outcome::Unseen(unseen) => event = unseen,
            }
        }
    }

    fn take_idle(&self) -> Option<Arc<Instance>> {
        let mut instances = self.instances();
        instances.idle.retain(|instance| instance.is_alive());
        let at = instances.idle.iter().rposition(|instance| !instance.is_frozen())?;
        let instance = instances.idle.remove(at);
        instances.busy.push(instance.clone());
        Some(instance)
    }

    fn give_back(&self, instance: &Arc<Instance>) {
        let mut instances = self.instances();
        instances.busy.retain(|busy| !Arc::ptr_eq(busy, instance));
        if instance.is_alive() {
            instances.idle.push(instance.clone());
        }
    }

    async fn start(&self) -> Result<Arc<Instance>, InvokeError> {
        if let Some(wait) = self.backoff() {
            tokio::time::sleep(wait).await;
        }
        let result = self.try_start().await;
        match &result {
            Ok(_) => self.failed_starts.store(0, Ordering::Relaxed),
            Err(_) => drop(self.failed_starts.fetch_add(1, Ordering::Relaxed)),
        }
        result
    }

    async fn try_start(&self) -> Result<Arc<Instance>, InvokeError> {
        let instance = Arc::new(Instance::start(&self.settings, &self.host).await?);
        self.instances().busy.push(instance.clone());
        if self.slots.is_closed() {
            instance.kill();
        }
        let ready = instance.ready(self.settings.timeout).await;
        if ready.is_err() {
            self.give_back(&instance);
        }
        ready.map(|()| instance)
    }

    fn backoff(&self) -> Option<Duration> {
        let failed = self.failed_starts.load(Ordering::Relaxed).checked_sub(1)?;
        Some(FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(failed)).min(MAX_BACKOFF))
    }

    /// SIGKILL to every instance; waits until they are gone.
    pub(super) async fn kill(&self) -> usize {
        let instances = self.live();
        for instance in &instances {
            instance.kill();
        }
        for instance in &instances {
            instance.end().await;
        }
        instances.len()
    }

    pub(super) fn freeze(&self) -> usize {
        self.live().iter().filter(|instance| !instance.is_frozen()).map(|instance| instance.freeze()).count()
    }

    pub(super) fn thaw(&self) -> usize {
        self.live().iter().filter(|instance| instance.is_frozen()).map(|instance| instance.thaw()).count()
    }

    pub(super) fn state(&self) -> FunctionState {
        let instances = self.instances();
        let pids = |list: &[Arc<Instance>], frozen| {
            let list = list.iter().filter(|instance| instance.is_alive() && instance.is_frozen() == frozen);
            list.map(|instance| instance.pid()).collect::<Vec<_>>()
        };
        FunctionState {
            idle: pids(&instances.idle, false),
            busy: pids(&instances.busy, false),
            frozen: [pids(&instances.idle, true), pids(&instances.busy, true)].concat(),
            invocations: self.invocations.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }

    /// Refuses further events and kills every instance.
    pub(super) fn close(&self) {
        self.slots.close();
        self.live().iter().for_each(|instance| instance.kill());
    }

    fn live(&self) -> Vec<Arc<Instance>> {
        let instances = self.instances();
        let all = instances.idle.iter().chain(&instances.busy);
        all.filter(|instance| instance.is_alive()).cloned().collect()
    }

    fn instances(&self) -> MutexGuard<'_, Instances> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
