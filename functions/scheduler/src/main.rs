//! The scheduler: reads its configuration, then answers one tick at a time. What the event holds does not matter.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use scheduler::Scheduler;
use shared::{
    clock::Clock,
    config::{self, Config, Function},
    telemetry,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env(Function::Scheduler)?;
    telemetry::start(config.log());
    let scheduler = Scheduler::new(&config, &config::aws().await, Clock::system()).await?;
    lambda_runtime::run(service_fn(|_: LambdaEvent<serde_json::Value>| scheduler.tick())).await
}
