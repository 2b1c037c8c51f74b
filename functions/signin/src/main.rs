//! Sign-in: reads its configuration, then answers one HTTP event at a time.

use lambda_http::Error;
use shared::{
    clock::Clock,
    config::{self, Config, Function},
    telemetry,
};
use signin::Signin;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env(Function::Signin)?;
    telemetry::start(config.log());
    let signin = Signin::new(&config, &config::aws().await, Clock::system()).await?;
    lambda_http::run(signin.routes()).await
}
