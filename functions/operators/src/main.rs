//! The platform operators' door: reads its configuration, then answers one HTTP event at a time.

use lambda_http::Error;
use operators::Operators;
use shared::{
    clock::Clock,
    config::{self, Config, Function},
    telemetry,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env(Function::Operators)?;
    telemetry::start(config.log());
    let operators = Operators::new(&config, &config::aws().await, Clock::system()).await?;
    lambda_http::run(operators.router()).await
}
