//! The scheduler: reads its configuration, then answers one tick at a time.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use scheduler::Scheduler;
use shared::{
    config::{self, Config, Function},
    telemetry,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env(Function::Scheduler)?;
    telemetry::start(config.log());
    let scheduler = Scheduler::new(&config, &config::aws().await).await?;
    lambda_runtime::run(service_fn(|_tick: LambdaEvent<serde_json::Value>| scheduler.tick())).await
}
