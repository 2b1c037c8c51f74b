//! The local cloud as one object: what the runner starts and what tests drive.
//!
//! A [`Cloud`] starts with only its AWS endpoint (and control socket), so that queue URLs and secret ARNs are known
//! before the first function needs them. The caller then adds queues, functions, event sources, ticks and the
//! gateway in its own order. It never reads `SIGNALBOX_*` settings and knows nothing of what functions do.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::clock::Clock;
use crate::control;
use crate::event_source::EventSource;
use crate::folder::random_token;
use crate::gateway::{Gateway, Routes};
use crate::lambda::{FunctionState, Functions, Host, InvokeError};
use crate::secrets_manager::Names;
use crate::sqs::{Attributes, Draft, Faults, Queue, QueueStats, Queues};
use crate::ticker::{self, Ticker};

mod endpoint;
mod error;
mod settings;

pub use crate::event_source::EventSourceSettings;
pub use crate::gateway::RouteSettings;
pub use crate::lambda::FunctionSettings;
pub use crate::sqs::QueueSettings;
pub use crate::ticker::TickSettings;
pub use error::CloudError;
pub use settings::CloudSettings;

/// The account that ARNs and queue URLs name.
const ACCOUNT: &str = "000000000000";

/// A running local cloud. Cheap to clone. [`Cloud::stop`] ends the children and waits for them; dropping the last
/// clone ends them too.
#[derive(Clone)]
pub struct Cloud {
    inner: Arc<Inner>,
}

struct Inner {
    host: Arc<Host>,
    names: Names,
    clock: Clock,
    queues: Arc<Queues>,
    functions: Arc<Functions>,
    /// Listeners, event sources and ticks, which go on until they are aborted.
    tasks: Mutex<Vec<AbortHandle>>,
}

impl Cloud {
    /// Opens the AWS endpoint on an ephemeral loopback port, and the control socket if one is set.
    pub async fn start(settings: CloudSettings) -> Result<Self, CloudError> {
        let CloudSettings { region, guard, log_folder, control_socket, secrets, clock } = settings;
        let (listener, address) = loopback()
            .await
            .map_err(|source| CloudError::Listen { what: "a loopback port".to_owned(), source })?;
        let endpoint_url = format!("http://{address}");
        let account = ACCOUNT.to_owned();
        let names = Names::new(&region, &account);
        let queues = Queues::new(region.clone(), account.clone(), endpoint_url.clone(), clock.clone());
        let queues = Arc::new(queues);
        let access_key_id = random_token();
        let endpoint = endpoint::Endpoint {
            access_key_id: access_key_id.clone(),
            queues: queues.clone(),
            secrets,
            names: names.clone(),
        };
        let host = Arc::new(Host { guard, log_folder, region, endpoint_url, account, access_key_id });
        let (functions, tasks) = (Arc::default(), Mutex::default());
        let cloud = Self { inner: Arc::new(Inner { host, names, clock, queues, functions, tasks }) };
        cloud.inner.spawn(endpoint.serve(listener));
        if let Some(path) = control_socket {
            let listener = control::bind(&path)
                .map_err(|source| CloudError::Listen { what: path.display().to_string(), source })?;
            cloud.inner.spawn(control::serve(listener, Handle(Arc::downgrade(&cloud.inner))));
        }
        Ok(cloud)
    }

    /// `AWS_ENDPOINT_URL` for SQS and Secrets Manager: `http://127.0.0.1:PORT`.
    pub fn endpoint_url(&self) -> &str {
        &self.inner.host.endpoint_url
    }

    /// `AWS_ACCESS_KEY_ID`, made anew at each start: other users of the machine can reach the endpoint, but do not know it.
    pub fn access_key_id(&self) -> &str {
        &self.inner.host.access_key_id
    }

    /// The clock that was given.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The ARN under which a secret of the store is read.
    pub fn secret_arn(&self, name: &str) -> String {
        self.inner.names.arn(name)
    }

    /// Makes a queue (or changes its settings) and returns its URL. The dead-letter queue must exist already.
    pub fn create_queue(&self, settings: QueueSettings) -> Result<String, CloudError> {
        let queue = settings.name.clone();
        let made = self.inner.queues.create(&queue, Attributes::from(settings));
        made.map_err(|source| CloudError::Queue { queue: queue.clone(), source })?;
        Ok(self.inner.queues.url(&queue))
    }

    /// Declares a function, replacing one of the same name. Nothing starts until it is invoked.
    pub fn add_function(&self, settings: FunctionSettings) -> Result<(), CloudError> {
        let path = self.inner.host.log_folder.join(format!("{}.log", settings.name)).display().to_string();
        let added = self.inner.functions.add(settings, &self.inner.host);
        added.map_err(|source| CloudError::Log { path, source })
    }

    /// Invokes a function and waits for its answer.
    pub async fn invoke(&self, function: &str, event: impl Into<Bytes>) -> Result<Bytes, InvokeError> {
        self.inner.functions.invoke(function, event.into()).await
    }

    /// Starts feeding a queue to a function.
    pub fn subscribe(&self, settings: EventSourceSettings) -> Result<(), CloudError> {
        let queue = self.queue(&settings.queue)?;
        self.known(&settings.function)?;
        let (functions, region) = (self.inner.functions.clone(), self.inner.host.region.clone());
        self.inner.spawn(Arc::new(EventSource { queue, functions, region, settings }).run());
        Ok(())
    }

    /// Starts a schedule. The first event comes on the next multiple of the period.
    pub fn tick(&self, settings: TickSettings) -> Result<(), CloudError> {
        self.known(&settings.function)?;
        let ticker = Ticker {
            functions: self.inner.functions.clone(),
            clock: self.inner.clock.clone(),
            region: self.inner.host.region.clone(),
            account: self.inner.host.account.clone(),
            settings,
        };
        self.inner.spawn(ticker.run());
        Ok(())
    }

    /// Sends one scheduled event now and waits for the function's answer.
    pub async fn tick_now(&self, function: &str) -> Result<Bytes, InvokeError> {
        let Host { region, account, .. } = &*self.inner.host;
        self.invoke(function, ticker::event(function, region, account, self.inner.clock.now())).await
    }

    /// Serves the gateway on a socket the caller has bound; returns the socket's address.
    pub fn serve_gateway(
        &self,
        listener: TcpListener,
        routes: Vec<RouteSettings>,
    ) -> Result<SocketAddr, CloudError> {
        for route in &routes {
            self.known(&route.function)?;
        }
        let routes = Routes::new(routes).map_err(CloudError::RouteKey)?;
        let address = listener.local_addr();
        let address =
            address.map_err(|source| CloudError::Listen { what: "the gateway's port".to_owned(), source })?;
        let (functions, account) = (self.inner.functions.clone(), self.inner.host.account.clone());
        self.inner.spawn(Gateway { functions, routes, account }.serve(listener));
        Ok(address)
    }

    /// `kill -9` of every instance of a function; the next event starts a new one. Returns how many died.
    pub async fn kill(&self, function: &str) -> Result<usize, CloudError> {
        self.inner.functions.kill(function).await.ok_or_else(|| no_function(function))
    }

    /// SIGSTOP of every instance. New events go to new instances: what is frozen is a zombie until it is thawed. An
    /// invocation it was at is still killed at the function's timeout.
    pub fn freeze(&self, function: &str) -> Result<usize, CloudError> {
        self.inner.functions.freeze(function).ok_or_else(|| no_function(function))
    }

    /// SIGCONT of every frozen instance.
    pub fn thaw(&self, function: &str) -> Result<usize, CloudError> {
        self.inner.functions.thaw(function).ok_or_else(|| no_function(function))
    }

    /// Puts a message on a queue, as any sender could.
    pub fn send(&self, queue: &str, message: Draft) -> Result<(), CloudError> {
        let sent = self.queue(queue)?.send(message);
        sent.map(drop).map_err(|source| CloudError::Queue { queue: queue.to_owned(), source })
    }

    /// Stops or starts again the delivery of a queue's messages to its function.
    pub fn pause_queue(&self, queue: &str, paused: bool) -> Result<(), CloudError> {
        self.queue(queue)?.pause(paused);
        Ok(())
    }

    /// Moves the clock forward (or back).
    pub fn shift_time(&self, step: SignedDuration) {
        self.inner.clock.shift_by(step);
    }

    /// Sets what goes wrong on a queue from now on.
    pub fn set_faults(&self, queue: &str, faults: Faults) -> Result<(), CloudError> {
        self.queue(queue)?.set_faults(faults);
        Ok(())
    }

    /// Removes every message of a queue.
    pub fn purge_queue(&self, queue: &str) -> Result<(), CloudError> {
        self.queue(queue)?.purge();
        Ok(())
    }

    /// Counts of every queue, by name.
    pub fn queues(&self) -> BTreeMap<String, QueueStats> {
        self.inner.queues.all().into_iter().map(|(name, queue)| (name, queue.stats())).collect()
    }

    /// Instances of every function, by name.
    pub fn functions(&self) -> BTreeMap<String, FunctionState> {
        self.inner.functions.states()
    }

    /// Ends event sources, ticks and listeners, kills every instance and waits until they are gone.
    pub async fn stop(&self) {
        self.inner.abort();
        self.inner.functions.stop().await;
    }

    fn queue(&self, name: &str) -> Result<Arc<Queue>, CloudError> {
        let queue = self.inner.queues.get(name);
        queue.map_err(|source| CloudError::Queue { queue: name.to_owned(), source })
    }

    fn known(&self, function: &str) -> Result<(), CloudError> {
        self.inner.functions.has(function).then_some(()).ok_or_else(|| no_function(function))
    }
}

/// What the control API holds, so that it keeps no cloud alive.
pub(crate) struct Handle(std::sync::Weak<Inner>);

impl Handle {
    /// The cloud, unless it is gone.
    pub(crate) fn cloud(&self) -> Option<Cloud> {
        self.0.upgrade().map(|inner| Cloud { inner })
    }
}

impl Inner {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(task).abort_handle();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    fn abort(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.abort();
        self.functions.close();
    }
}

async fn loopback() -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn no_function(name: &str) -> CloudError {
    CloudError::NoFunction(name.to_owned())
}
