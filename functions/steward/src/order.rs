//! What an event asks of the steward. Pure.

use std::collections::BTreeMap;

use lambda_runtime::Error;
use serde::Deserialize;
use serde_json::Value;
use shared::{
    model::{
        ids::TenantId,
        limit::Limit,
        rollout::Wave,
        tenant::{DatabaseName, Placement},
    },
    queue::Call,
};
use uuid::Uuid;

/// A task for the steward.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Order {
    /// Roles, schema `system`, the functions' logins, spare workspaces.
    Install,
    /// Brings the workspaces' schemas up to date, in waves.
    Migrate {
        /// The widest wave to work; all of them where absent.
        #[serde(default)]
        until: Wave,
        /// Goes on with a rollout that an error had stopped.
        #[serde(default)]
        resume: bool,
    },
    /// Works on the backfills that workspaces owe since a migration.
    Backfill {
        /// Goes on with those that failed or stopped.
        #[serde(default)]
        resume: bool,
    },
    /// Puts a directory on the allow-list.
    Onboard(Onboard),
    /// Makes spare workspaces until there are `spares`.
    Refill(Refill),
    /// Moves a workspace to another placement.
    Move(Move),
    /// Lets the canaries try to reach the workspaces whose turn it is.
    GatherEvidence,
    /// Works on the operations that are due.
    Operate,
    /// Tells what is left of workspaces that are gone, and of nobody.
    Sweep,
    /// Gives every workspace keys under the root key that is current now.
    RotateRoot,
    /// Tells which versions of the root key are still needed, and by how many workspaces.
    Roots,
    /// Gives the certificate of a workspace that was deleted.
    Certificate {
        /// Which.
        tenant_id: Uuid,
    },
    /// A batch of the queue `provision`.
    #[serde(skip)]
    Woken {
        /// Sign-in found no spare workspace.
        refill: bool,
        /// An operation was asked for.
        operate: bool,
    },
    /// Sets what a workspace may use.
    Limits(NewLimits),
    /// Measures one workspace now.
    Measure {
        /// Which.
        tenant_id: Uuid,
    },
    /// Ends the sessions of somebody who is no platform operator any more.
    EndOperatorSessions {
        /// Their id in the operating company's directory.
        object_id: Uuid,
    },
    /// Seals the audit and event rows that no seal covers yet.
    Seal,
    /// The regular round.
    #[serde(skip)]
    Tick,
}

/// How many spares there should be, and how many go together; the usual numbers where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refill {
    /// Spares of each placement.
    #[serde(default)]
    pub spares: Option<i64>,
    /// Schemas in a cell.
    #[serde(default)]
    pub per_cell: Option<i64>,
    /// Workspaces in a pool.
    #[serde(default)]
    pub per_pool: Option<i64>,
}

/// A workspace to move.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    /// Which.
    pub tenant_id: TenantId,
    /// Where to.
    pub to: Placement,
    /// The database that will be its own, where that is `dedicated`.
    #[serde(default)]
    pub database: Option<DatabaseName>,
}

/// What a workspace may use from now on. A limit that is not named stays; null is back to the initial value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct NewLimits {
    /// Which workspace.
    pub tenant_id: Uuid,
    /// The limits that change, by name.
    #[serde(flatten)]
    pub changes: BTreeMap<Limit, Option<i64>>,
}

/// A directory to put on the allow-list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Onboard {
    /// The directory (Entra's `tid`).
    pub directory_id: Uuid,
    /// What the customer is called.
    pub name: String,
    /// The object id of the buyer, who becomes the first Administrator.
    #[serde(default)]
    pub first_administrator: Option<Uuid>,
    /// Where its workspace is made; a schema of its own where absent.
    #[serde(default)]
    pub placement: Option<Placement>,
    /// The database that is its own, where the placement is `dedicated`.
    #[serde(default)]
    pub database: Option<DatabaseName>,
}

impl Order {
    /// The one workspace that it is about.
    pub(crate) fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Move(Move { tenant_id, .. }) => Some(*tenant_id),
            Self::Limits(NewLimits { tenant_id, .. })
            | Self::Measure { tenant_id }
            | Self::Certificate { tenant_id } => Some((*tenant_id).into()),
            _ => None,
        }
    }

    /// Reads a direct invocation, a scheduled event, or a batch of the queue `provision`.
    pub(crate) fn read(event: Value) -> Result<Self, Error> {
        if event.get("source").and_then(Value::as_str) == Some("aws.events") {
            return Ok(Self::Tick);
        }
        if let Some(records) = event.get("Records").and_then(Value::as_array) {
            let calls: Vec<Call> = records.iter().filter_map(call).collect();
            let is_any = |wanted| calls.contains(&wanted);
            return Ok(Self::Woken { refill: is_any(Call::Refill), operate: is_any(Call::Operate) });
        }
        Ok(serde_json::from_value(event)?)
    }
}

/// What a message asks for. One that cannot be read is as one that was lost: the tick looks at everything.
fn call(record: &Value) -> Option<Call> {
    let body = record.get("body")?.as_str()?;
    let call = serde_json::from_str(body).ok();
    if call.is_none() {
        tracing::warn!("a message asks for nothing the steward does");
    }
    call
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_event_is_read_as_what_it_asks() {
        assert_eq!(Order::read(json!({"do": "install"})).unwrap(), Order::Install);
        assert_eq!(Order::read(json!({"do": "rotate_root"})).unwrap(), Order::RotateRoot);
        assert_eq!(
            Order::read(json!({"do": "migrate", "until": "ten"})).unwrap(),
            Order::Migrate { until: Wave::Ten, resume: false }
        );
        assert_eq!(Order::read(json!({"do": "backfill"})).unwrap(), Order::Backfill { resume: false });
        assert_eq!(
            Order::read(json!({"source": "aws.events", "detail-type": "Scheduled Event"})).unwrap(),
            Order::Tick
        );
        assert_eq!(
            Order::read(json!({"Records": [{"body": "{}"}, {"body": r#"{"do":"operate"}"#}]})).unwrap(),
            Order::Woken { refill: false, operate: true }
        );
        assert_eq!(Order::read(json!({"do": "seal"})).unwrap(), Order::Seal);
        assert_eq!(
            Order::read(json!({"do": "refill", "spares": 9})).unwrap(),
            Order::Refill(Refill { spares: Some(9), ..Refill::default() })
        );
        let tenant_id = Uuid::nil();
        assert_eq!(
            Order::read(json!({"do": "limits", "tenant_id": tenant_id, "api_rate": 9, "jobs": null}))
                .unwrap(),
            Order::Limits(NewLimits {
                tenant_id,
                changes: [(Limit::ApiRate, Some(9)), (Limit::Jobs, None)].into()
            })
        );
    }

    #[test]
    fn what_is_not_an_order_is_refused() {
        for bad in [
            json!({"do": "drop"}),
            json!({}),
            json!([]),
            json!({"do": "onboard", "directory_id": "x", "name": "n"}),
            json!({"do": "move", "tenant_id": "00000000-0000-0000-0000-000000000001", "to": "elsewhere"}),
            json!({"do": "limits", "api_rate": 5}),
            json!({"do": "limits", "tenant_id": "00000000-0000-0000-0000-000000000001", "api_rates": 5}),
            json!({"do": "limits", "tenant_id": "00000000-0000-0000-0000-000000000001", "api_rate": "5"}),
            json!({"do": "limits", "tenant_id": "00000000-0000-0000-0000-000000000001", "api_rate": 0.5}),
            json!({"do": "measure"}),
            json!({"do": "onboard", "directory_id": "00000000-0000-0000-0000-000000000001", "name": "n", "more": 1}),
        ] {
            assert!(Order::read(bad.clone()).is_err(), "{bad}");
        }
    }
}
