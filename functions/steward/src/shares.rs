//! Fair shares: the order that sets a workspace's limits, and the round that measures workspaces, some of them each tick.

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx},
    error::{DbError, Refusal, chain},
    model::ids::TenantId,
    store::{
        limits,
        metrics::{self, Measurement},
    },
    telemetry,
};

use crate::{Steward, order::NewLimits};

/// Workspaces measured in one tick: with a tick each five minutes, 14,400 a day.
const A_TICK: i32 = 50;

impl Steward {
    /// Sets limits of a workspace, all that the order names or none.
    pub(crate) async fn limits(&self, order: NewLimits) -> Result<Value, Error> {
        if order.changes.is_empty() {
            return Err("the order names no limit".into());
        }
        let tenant = TenantId::from(order.tenant_id);
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "limits").await?;
        let mut limits = limits::lock(&tx, tenant).await.map_err(named)?;
        for (limit, value) in &order.changes {
            limits.set(*limit, *value);
        }
        if let Some(fault) = limits.fault() {
            tx.rollback().await?;
            return Err(fault.into());
        }
        limits::change(&tx, tenant, &order.changes, self.clock.new_id()).await?;
        tx.commit().await?;
        Ok(json!({ "tenant_id": order.tenant_id, "limits": order.changes }))
    }

    /// Measures one workspace.
    pub(crate) async fn measure(&self, tenant: TenantId) -> Result<Value, Error> {
        let Some(measured) = self.measured(tenant).await? else {
            return Err(named(DbError::Refused(Refusal::Absent)));
        };
        Ok(json!({ "tenant_id": tenant.to_string(), "rows": measured.rows, "bytes": measured.bytes }))
    }

    /// Measures one and writes its line; none where there is no such workspace, or no more.
    async fn measured(&self, tenant: TenantId) -> Result<Option<Measurement>, DbError> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "measure").await?;
        let measured = metrics::measure(&tx, tenant).await?;
        tx.commit().await?;
        if let Some(measured) = &measured {
            telemetry::write_metrics(&embedded(tenant, measured));
        }
        Ok(measured)
    }

    /// Measures the next workspaces of the round. One that cannot be measured waits for the next round.
    pub(crate) async fn measure_next(&self) -> Result<usize, Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "next to measure").await?;
        let next = metrics::next(&tx, A_TICK).await?;
        tx.commit().await?;
        for tenant in &next {
            if let Err(error) = self.measured(*tenant).await {
                tracing::warn!(%tenant, cause = chain(&error), "a workspace was not measured");
            }
        }
        Ok(next.len())
    }
}

fn named(error: DbError) -> Error {
    match error {
        DbError::Refused(Refusal::Absent) => "there is no such workspace".into(),
        other => other.into(),
    }
}

/// A measurement in CloudWatch's embedded metric format (docs.aws.amazon.com, AmazonCloudWatch/latest/monitoring,
/// CloudWatch_Embedded_Metric_Format_Specification). The placement is the one dimension: each value of a dimension is a metric
/// that is paid for, so the workspace's id stands beside them as a property, which Logs Insights finds.
fn embedded(tenant: TenantId, m: &Measurement) -> Value {
    let metric = |name: &str, unit: &str| json!({ "Name": name, "Unit": unit });
    let mut metrics = vec![
        metric("Rows", "Count"),
        metric("Bytes", "Bytes"),
        metric("GrowthBytes", "Bytes"),
        metric("Runs", "Count"),
        metric("TaskRuns", "Count"),
        metric("FailedRuns", "Count"),
        metric("ApiCalls", "Count"),
        metric("ApiLimited", "Count"),
    ];
    let mut line = json!({
        "Placement": m.placement,
        "tenant_id": tenant.to_string(),
        "Rows": m.rows,
        "Bytes": m.bytes,
        "GrowthBytes": m.growth_bytes,
        "Runs": m.runs,
        "TaskRuns": m.task_runs,
        "FailedRuns": m.failed_runs,
        "ApiCalls": m.api_calls,
        "ApiLimited": m.api_limited,
    });
    for (name, value) in [("DwellP50", m.dwell_p50_ms), ("DwellP99", m.dwell_p99_ms)] {
        if let Some(ms) = value {
            metrics.push(metric(name, "Milliseconds"));
            line[name] = ms.into();
        }
    }
    line["_aws"] = json!({
        "Timestamp": m.at.as_millisecond(),
        "CloudWatchMetrics": [{ "Namespace": "signalbox", "Dimensions": [["Placement"]], "Metrics": metrics }],
    });
    line
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    /// What the specification asks of a line: each name that the metadata refers to is a member of the root, of its kind.
    #[test]
    fn a_line_is_in_the_embedded_metric_format() {
        let measured = Measurement {
            placement: "schema".to_owned(),
            at: Timestamp::from_millisecond(1_800_000_000_123).unwrap(),
            rows: 7,
            bytes: 8192,
            growth_bytes: -1,
            runs: 1,
            task_runs: 2,
            failed_runs: 0,
            dwell_p50_ms: Some(3),
            dwell_p99_ms: None,
            api_calls: 9,
            api_limited: 4,
        };
        let line = embedded(TenantId::from(uuid::Uuid::nil()), &measured);
        let metadata = &line["_aws"];
        assert_eq!(metadata["Timestamp"], 1_800_000_000_123_i64);
        let directive = &metadata["CloudWatchMetrics"][0];
        assert!(directive["Namespace"].as_str().is_some_and(|name| (1..=1024).contains(&name.len())));
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
            assert_ne!(dimension, "tenant_id", "a metric for each tenant is paid for");
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert_eq!(metrics.len(), 9, "an unknown waiting time is no metric");
        for metric in metrics {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
            assert!(
                ["Count", "Bytes", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap()),
                "{metric}"
            );
        }
        assert!(!line.to_string().contains('\n'));
    }
}
