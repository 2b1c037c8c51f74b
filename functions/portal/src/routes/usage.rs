//! What the workspace uses, may use, and is like: for its Administrators, and for whoever bills it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::{
    model::{Problem, limit::Limit, role::Permission::UsageRead},
    store::{
        limits,
        metrics::{self, Measured},
        usage::{self, Used},
    },
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    argument::Query,
    caller::Caller,
    fault::{Answered, Fault},
    reply::Found,
    route::{Route, get},
};

/// History is kept for this many days.
const MOST_DAYS: i32 = 400;

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// How many days back, today (UTC) included.
    #[serde(default = "month")]
    #[param(value_type = Option<i32>, minimum = 1, maximum = 400, default = 31)]
    days: i32,
}

fn month() -> i32 {
    31
}

impl Asked {
    fn days(&self) -> Result<i32, Fault> {
        if (1..=MOST_DAYS).contains(&self.days) {
            return Ok(self.days);
        }
        Err(Fault::invalid(vec![Problem::at("?days", format!("must be 1 to {MOST_DAYS}"))]))
    }
}

/// Limits and use.
#[derive(Debug, Serialize, ToSchema)]
struct Usage {
    /// What the workspace may use, by name: rates, bursts and quotas.
    limits: BTreeMap<&'static str, i64>,
    /// Days with anything to tell, newest first.
    items: Vec<Used>,
}

/// What was measured.
#[derive(Debug, Serialize, ToSchema)]
struct Metrics {
    /// Days that were measured, newest first.
    items: Vec<Measured>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/workspace/usage", "usage.list", "What the workspace uses a day, and what it may use", used)
            .needs(UsageRead),
        get("/workspace/metrics", "metrics.list", "Size, growth, failures and waiting times a day", measured)
            .needs(UsageRead),
    ]
}

async fn used(caller: Caller, Query(asked): Query<Asked>) -> Answered<Found<Usage>> {
    let days = asked.days()?;
    let tx = caller.read().await?;
    let (limits, items) = futures_util::try_join!(limits::own(&tx), usage::by_day(&tx, days))?;
    tx.into_tx().commit().await?;
    let limits = Limit::ALL.iter().map(|limit| (limit.as_str(), limits.get(*limit))).collect();
    Ok(Found::of(&Usage { limits, items }))
}

async fn measured(caller: Caller, Query(asked): Query<Asked>) -> Answered<Found<Metrics>> {
    let days = asked.days()?;
    let tx = caller.read().await?;
    let items = metrics::by_day(&tx, days).await?;
    tx.into_tx().commit().await?;
    Ok(Found::of(&Metrics { items }))
}
