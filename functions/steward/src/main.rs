//! The steward: tenant life cycle. Reads its configuration, then answers one event at a time.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use shared::{
    clock::Clock,
    config::{self, Config, Function},
    telemetry,
};
use steward::Steward;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env(Function::Steward)?;
    telemetry::start(config.log());
    let clock = Clock::system();
    let steward = Steward::new(&config, &config::aws().await, clock).await?;
    let answer = async |event: LambdaEvent<serde_json::Value>| {
        let now_ms = u64::try_from(clock.now().as_millisecond()).unwrap_or_default();
        let left = Duration::from_millis(event.context.deadline.saturating_sub(now_ms));
        steward.living_for(left).answer(event.payload).await
    };
    lambda_runtime::run(service_fn(answer)).await
}
