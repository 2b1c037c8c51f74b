//! Apache Airflow by its REST API: v1 (Airflow 2) or v2 (Airflow 3).
//!
//! The credential is the user's password: sent as Basic in v1, exchanged at `/auth/token` in v2.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::endpoint::has_template;
use super::{ConnectionKind, KindDescription, check_base_url, encode_step, join, schema_of};
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
    #[schema(inline)]
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
        let mut problems = Problems::default();
        check_base_url(&self.base_url, "/base_url", &mut problems);
        let path = self.base_url.trim_end_matches('/');
        let bare = !path.ends_with("/api/v1") && !path.ends_with("/api/v2");
        problems.unless(bare, "/base_url", "must be without `/api/…`; `api` says which");
        let user = (1..=200).contains(&self.user.chars().count()) && !self.user.chars().any(char::is_control);
        problems.unless(
            user && !self.user.contains(':'),
            "/user",
            "must be 1 to 200 characters, without `:`",
        );
        problems
    }

    /// Link to a DAG run in Airflow's pages.
    #[must_use]
    pub fn run_url(&self, dag_id: &str, run_id: &str) -> String {
        let (dag, run) = (encode_step(dag_id), encode_step(run_id));
        match self.api {
            Api::V1 => join(&self.base_url, &format!("/dags/{dag}/grid?dag_run_id={run}")),
            Api::V2 => join(&self.base_url, &format!("/dags/{dag}/runs/{run}")),
        }
    }
}

impl Start {
    pub(super) fn check(&self) -> Problems {
        let mut problems = Problems::default();
        // The column in Airflow holds 250 characters.
        let dag = (1..=250).contains(&self.dag_id.chars().count())
            && !self.dag_id.chars().any(|c| c.is_control() || c == '/');
        problems.unless(
            dag || has_template(&self.dag_id),
            "/dag_id",
            "must be 1 to 250 characters, without `/`",
        );
        problems.unless(self.conf.is_object(), "/conf", "must be an object");
        problems
    }
}

pub(super) fn describe() -> KindDescription {
    KindDescription {
        kind: ConnectionKind::Airflow,
        title: "Apache Airflow",
        description: "Starts and follows DAG runs, exactly once, under a run id of ours.",
        settings_schema: schema_of::<Settings>(),
        start_schema: schema_of::<Start>(),
        credential: "the user's password",
        default_concurrency: ConnectionKind::Airflow.default_concurrency(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{IdempotencyClass, Settings as AnySettings, Start as AnyStart, idempotency};
    use super::*;

    fn settings(base_url: &str, api: &str) -> Result<AnySettings, Vec<crate::model::Problem>> {
        let body = json!({ "base_url": base_url, "api": api, "user": "signalbox" });
        AnySettings::read(ConnectionKind::Airflow, &body)
    }

    #[test]
    fn a_run_links_to_its_page_with_its_id_encoded() {
        let start = AnyStart::read(ConnectionKind::Airflow, &json!({ "dag_id": "etl" })).expect("a start");
        let v2 = settings("https://a.example/af/", "v2").expect("settings");
        let url = v2.external_url(&start, "sbx:1+2/3");
        assert_eq!(url.as_deref(), Some("https://a.example/af/dags/etl/runs/sbx%3A1%2B2%2F3"));
        let v1 = settings("https://a.example", "v1").expect("settings");
        assert_eq!(
            v1.external_url(&start, "r").as_deref(),
            Some("https://a.example/dags/etl/grid?dag_run_id=r")
        );
        assert_eq!(idempotency(&v1, &start), IdempotencyClass::Token);
    }

    #[test]
    fn the_api_is_not_part_of_the_base_url() {
        let problems = settings("https://a.example/api/v1", "v1").expect_err("has the API in it");
        assert_eq!(problems[0].pointer, "/base_url");
        assert!(settings("https://a.example", "v3").is_err());
    }

    #[test]
    fn conf_is_an_object_and_a_dag_id_may_be_a_template() {
        let bad = AnyStart::read(ConnectionKind::Airflow, &json!({ "dag_id": "a/b", "conf": [] }))
            .expect_err("bad");
        assert_eq!(bad.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), ["/dag_id", "/conf"]);
        assert!(AnyStart::read(ConnectionKind::Airflow, &json!({ "dag_id": "{{ params.a / 2 }}" })).is_ok());
    }
}
