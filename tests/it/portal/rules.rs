//! Rules of schedules that name no instant are refused; those that do are previewed with the reason of each shift.

use serde_json::{Value, json};
use tests::{stack, tenant, work, world::World};

#[test]
fn a_rule_that_never_fires_or_is_none_is_refused_by_its_pointer() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "c", &world).await;
        let job = work::job(&tenant.administrator, "j", &work::chain("c", 1)).await;
        let wrong = [
            ("* * * * * * *", "UTC", "/cron"),
            ("0 0 30 2 *", "UTC", "/cron"),
            ("0 0 31 4 *", "UTC", "/cron"),
            ("60 * * * *", "UTC", "/cron"),
            ("* 24 * * *", "UTC", "/cron"),
            ("*/0 * * * *", "UTC", "/cron"),
            ("", "UTC", "/cron"),
            ("* * *", "UTC", "/cron"),
            ("@reboot", "UTC", "/cron"),
            ("'; drop table jobs; --", "UTC", "/cron"),
            ("0 6 * * *", "Europe/Atlantis", "/time_zone"),
            ("0 6 * * *", "", "/time_zone"),
            ("0 6 * * *", "../../etc/passwd", "/time_zone"),
            ("0 6 * * *", "CET+1", "/time_zone"),
        ];
        for (cron, zone, pointer) in wrong {
            let body = json!({ "name": "s", "job_id": job["id"], "cron": cron, "time_zone": zone });
            for (path, body) in
                [("/schedules", body), ("/schedules/preview", json!({ "cron": cron, "time_zone": zone }))]
            {
                let refused = tenant.administrator.post(path, &body).await;
                assert_eq!(refused.status, 400, "{path} {cron:?} {zone:?}: {}", refused.text());
                assert_eq!(refused.pointers(), [pointer], "{path} {cron:?} {zone:?}: {}", refused.text());
            }
        }
        let long = "0,".repeat(150) + "0 0 * * *";
        let body = json!({ "name": "s", "job_id": job["id"], "cron": long, "time_zone": "UTC" });
        assert_eq!(
            tenant.administrator.post("/schedules", &body).await.status,
            400,
            "200 characters hold any rule"
        );
        assert_eq!(work::all(&tenant.administrator, "/schedules").await, Vec::<Value>::new());
    });
}

#[test]
fn a_schedule_of_a_job_that_is_not_there_is_refused() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let world = World::at_once();
        work::connection(&other.administrator, "c", &world).await;
        let foreign = work::job(&other.administrator, "j", &work::chain("c", 1)).await;
        let body = |job: &str| json!({ "name": "s", "job_id": job, "cron": "0 6 * * *", "time_zone": "UTC" });
        let unknown = tenant.administrator.post("/schedules", &body(&tenant::random_id().to_string())).await;
        let foreign = tenant.administrator.post("/schedules", &body(&work::id(&foreign))).await;
        unknown.problem(400, "invalid_reference");
        foreign.problem(400, "invalid_reference");
        assert_eq!(unknown.json()["errors"], foreign.json()["errors"]);
    });
}

#[test]
fn a_preview_says_why_a_fire_is_shifted() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let ask = json!({
            "cron": "30 2 * * *", "time_zone": "Europe/Berlin", "after": "2027-03-27T12:00:00Z", "count": 2,
        });
        let fires = tenant.operator.post("/schedules/preview", &ask).await.expect(200);
        let first = &fires["items"][0];
        assert_eq!(first["at"], "2027-03-28T01:00:00Z", "half past two does not exist that night: {fires}");
        assert_eq!(first["shift"], "gap");
        assert!(first["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
        assert_eq!(fires["items"][1]["at"], "2027-03-29T00:30:00Z");
        assert!(fires["items"][1]["shift"].is_null());
    });
}
