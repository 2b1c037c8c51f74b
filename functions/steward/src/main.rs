//! The steward: tenant life cycle. Reads its configuration, then answers one event at a time.

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
    let steward = Steward::new(&config, &config::aws().await, Clock::system()).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| steward.answer(event.payload)))
        .await
}
