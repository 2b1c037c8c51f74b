//! The local cloud, driven as functions and the runner drive it: through the AWS SDK, HTTP and child processes.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, its helpers too")]

mod control;
mod events;
mod fake_function;
mod gateway;
mod guard;
mod lambda;
mod secrets;
mod sqs;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::clock::Clock;
use local::cloud::{Cloud, CloudSettings, QueueSettings};
use local::secrets_manager::SecretStore;
use serde_json::Value;

/// Secrets in memory.
#[derive(Default)]
struct Secrets(Mutex<BTreeMap<String, String>>);

impl SecretStore for Secrets {
    fn read(&self, name: &str) -> io::Result<Option<String>> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    fn write(&self, name: &str, value: &str) -> io::Result<()> {
        self.0.lock().unwrap().insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}

/// A folder of its own for one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("signalbox-{}", local::clock::random_id().simple()));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Stage {
    cloud: Cloud,
    folder: Folder,
}

impl Stage {
    async fn new() -> Self {
        let folder = Folder::new();
        let settings = CloudSettings {
            region: "eu-west-1".to_owned(),
            guard: PathBuf::from(env!("CARGO_BIN_EXE_signalbox")),
            log_folder: folder.0.join("logs"),
            control_socket: Some(folder.0.join("control")),
            secrets: Arc::new(Secrets::default()),
            clock: Clock::new(),
        };
        Self { cloud: Cloud::start(settings).await.unwrap(), folder }
    }

    /// A stage with the fake function on it.
    async fn with_function(timeout: Duration, max_instances: usize) -> Self {
        let stage = Self::new().await;
        stage.cloud.add_function(fake_function::settings("fake", timeout, max_instances)).unwrap();
        stage
    }

    /// Invokes the fake function and reads its answer.
    async fn invoke(&self, event: Value) -> Value {
        let answer = self.cloud.invoke("fake", event.to_string()).await.unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    /// `work`, with `work-dlq` behind it after two receives.
    fn queues(&self, visibility: Duration) -> String {
        let queue = |name: &str, redrive| QueueSettings {
            name: name.to_owned(),
            visibility_timeout: visibility,
            redrive,
        };
        self.cloud.create_queue(queue("work-dlq", None)).unwrap();
        self.cloud.create_queue(queue("work", Some(("work-dlq".to_owned(), 2)))).unwrap()
    }
}

/// Waits until `condition` holds, for at most ten seconds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never came: {what}");
}
