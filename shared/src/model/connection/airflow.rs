//! Apache Airflow by its REST API: v1 (Airflow 2) or v2 (Airflow 3).
//!
//! The credential is the user's password: sent as Basic in v1, exchanged at `/auth/token` in v2.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{ConnectionKind, KindDescription};
use crate::model::problem::Problems;

/// Which REST API the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// Airflow 2.
    V1,
    /// Airflow 3.
    V2,
}

/// Where the web server is and who we are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Without `/api/…`.
    #[schema(example = "https://airflow.example.com")]
    pub base_url: String,
    /// Its API.
    pub api: Api,
    /// The user.
    pub user: String,
}

/// What a task starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The DAG.
    pub dag_id: String,
    /// Its configuration: an object; texts in it are templates.
    #[serde(default = "empty")]
    #[schema(value_type = Object)]
    pub conf: Value,
}

fn empty() -> Value {
    json!({})
}

impl Settings {
    pub(super) fn check(&self) -> Problems {
        Problems::default()
    }

    /// Link to a DAG run in Airflow's pages.
    #[must_use]
    pub fn run_url(&self, dag_id: &str, run_id: &str) -> String {
        format!("{}/dags/{dag_id}/runs/{run_id}", self.base_url)
    }
}

impl Start {
    pub(super) fn check(&self) -> Problems {
        Problems::default()
    }
}

pub(super) fn describe() -> KindDescription {
    KindDescription {
        kind: ConnectionKind::Airflow,
        title: "Apache Airflow",
        description: "Starts and follows DAG runs, exactly once, under a run id of ours.",
        settings_schema: json!({}),
        start_schema: json!({}),
        credential: "the user's password",
        default_concurrency: ConnectionKind::Airflow.default_concurrency(),
    }
}
