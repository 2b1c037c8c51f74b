//! The dispatcher: reads its configuration and keys, then works one batch of messages at a time.

use dispatcher::Dispatcher;
use lambda_runtime::{Error, service_fn};
use shared::{
    clock::Clock,
    config::{self, Config, Function},
    telemetry,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env(Function::Dispatcher)?;
    telemetry::start(config.log());
    let dispatcher = Dispatcher::new(&config, &config::aws().await, Clock::system()).await?;
    lambda_runtime::run(service_fn(|event| dispatcher.handle(event))).await
}
