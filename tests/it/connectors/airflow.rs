//! The `airflow` kind on a real Airflow 3: a DAG run is started under our id, followed, recorded, stopped, and adopted when it
//! is there already.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    airflow::{self, Airflow},
    database, invariants, seen, stack,
    tenant::{self, Tenant},
    work,
};

/// Airflow starts a task within seconds on a quiet machine.
const PATIENT: Duration = Duration::from_secs(120);

async fn connect(tenant: &Tenant, airflow: &Airflow) {
    let by = &tenant.administrator;
    let vault = work::vault(by, "secrets").await;
    work::credential(by, &vault, "airflow", &airflow.password).await;
    let settings = json!({ "base_url": airflow.url, "api": "v2", "user": airflow::USER });
    let credential = json!({ "vault": "secrets", "name": "airflow" });
    let body =
        json!({ "name": "airflow", "kind": "airflow", "settings": settings, "credential": credential });
    by.post("/connections", &body).await.expect(201);
}

fn task(name: &str, dag: &str) -> Value {
    json!({ "name": name, "connection": "airflow", "start": { "dag_id": dag, "conf": { "word": "{{ run.job }}" } } })
}

#[test]
fn a_dag_run_is_started_under_our_id_followed_and_recorded() {
    stack::with(async |stack| {
        let Some(airflow) = airflow::server().await else { return };
        let tenant = tenant::new(stack).await;
        connect(&tenant, airflow).await;
        let job = work::job(&tenant.administrator, "say it", &[task("dag", "quick")]).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", PATIENT).await;
        let attempt = &seen::attempts(&run, "dag")[0];
        let id = attempt["external_run_id"].as_str().expect("an id");
        assert_eq!(attempt["id"], id, "the DAG run bears the attempt's id");
        assert_eq!(attempt["external_url"], format!("{}/dags/quick/runs/{id}", airflow.url));
        let there = airflow.dag_run("quick", id).await;
        assert_eq!(there["state"], "success", "{there}");
        assert_eq!(there["conf"], json!({ "word": "say it" }));
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_cancelled_run_really_ends_in_airflow() {
    stack::with(async |stack| {
        let Some(airflow) = airflow::server().await else { return };
        let tenant = tenant::new(stack).await;
        connect(&tenant, airflow).await;
        let job = work::job(&tenant.administrator, "endless", &[task("dag", "long")]).await;
        let run = work::run(&tenant.operator, &job).await;
        let path = format!("/runs/{}", work::id(&run));
        let mut id = String::new();
        work::until("the DAG run is known", PATIENT, async || {
            let run = tenant.operator.get(&path).await.expect(200);
            let attempts = seen::attempts(&run, "dag");
            id = attempts.first().and_then(|a| a["external_run_id"].as_str()).unwrap_or_default().to_owned();
            !id.is_empty()
        })
        .await;
        airflow.until("long", &id, "running", PATIENT).await;
        tenant.operator.post(&format!("{path}/cancel"), &json!({})).await;
        let run = work::wait_for_run(&tenant.operator, &run, "cancelled", PATIENT).await;
        assert_eq!(seen::state(&run, "dag"), "cancelled");
        // Airflow has no state of its own for it.
        airflow.until("long", &id, "failed", PATIENT).await;
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_start_whose_answer_was_lost_is_adopted_and_never_made_twice() {
    stack::run(async {
        let Some(airflow) = airflow::server().await else { return };
        let stack = stack::own(|_| {}).await;
        let tenant = tenant::new(&stack).await;
        connect(&tenant, airflow).await;
        let name = work::fresh("twice");
        let job = work::job(&tenant.administrator, &name, &[task("dag", "quick")]).await;
        let there = async || {
            let ours = |run: &&Value| run["conf"]["word"] == name.as_str();
            airflow.dag_runs("quick").await.iter().filter(ours).count()
        };
        let run = work::run(&tenant.operator, &job).await;
        // The dispatcher dies as soon as Airflow has the DAG run: it is there, and no row of ours says so.
        work::until("Airflow has it", PATIENT, async || there().await > 0).await;
        let client = database::superuser(&stack).await;
        stack.cloud().kill("dispatcher").await.expect("a function");
        // Where it was quick enough to record the start, the record is taken back: the same call is made again.
        let forget = format!(
            "with a as (update {0}.attempts set reason = 'dispatching', external_id = null, started_at = null,
                 lease_until = system.now() where state = 'active' returning task_run_id)
             update {0}.task_runs set reason = 'dispatching', started_at = null where id in (select task_run_id from a)",
            tenant.schema
        );
        client.batch_execute(&forget).await.expect("forgotten");
        client
            .batch_execute(&format!(
                "update system.due set at = system.now() where tenant_id = '{}'",
                tenant.id
            ))
            .await
            .expect("due");
        stack.advance(Duration::from_secs(120)).await.expect("time moves");
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", PATIENT).await;
        let attempts = seen::attempts(&run, "dag");
        assert_eq!(attempts.len(), 1);
        // The call was made a second time, under the next epoch; Airflow refused the double.
        assert_eq!(invariants::count(&stack, &tenant, "attempts where epoch > 1").await, 1, "{run:#}");
        assert_eq!(there().await, 1);
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}
