//! The steward with a backfill that no release has: `lifecycle::backfills` runs it in the steward's place. A backfill is part of a
//! release, so there is nothing in the product by which a test could bring one.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use shared::{
    clock::Clock,
    config::{self, Config, Function},
    db::backfill::Backfill,
    telemetry,
};
use steward::Steward;

const MARKS: &[Backfill] =
    &[Backfill { version: 4, name: "marks", text: include_str!("marks.backfill.sql") }];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_env(Function::Steward)?;
    telemetry::start(config.log());
    let steward = Steward::new(&config, &config::aws().await, Clock::system()).await?.with_backfills(MARKS);
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| steward.answer(event.payload)))
        .await
}
