//! Clocks that go forward and back: a daily schedule fires once a local day, and says why it is when it is.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::{
    invariants, stack, tenant,
    work::{self, SOON},
    world::World,
};

use super::{dates, go_to, instant, job, schedule};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

#[test]
fn the_preview_names_the_reason_of_each_shift() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let fires = async |rule: Value| {
            let fires = tenant.operator.post("/schedules/preview", &rule).await.expect(200);
            fires["items"].as_array().expect("fires").clone()
        };
        // Berlin goes forward at 02:00 on 28 March 2027 and back at 03:00 on 31 October 2027.
        let gap = json!({ "cron": "30 2 * * *", "time_zone": "Europe/Berlin", "after": "2027-03-27T12:00:00Z", "count": 2 });
        let items = fires(gap.clone()).await;
        assert_eq!(instant(&items[0]["at"]), at("2027-03-28T01:00:00Z"), "{items:#?}");
        assert_eq!(items[0]["shift"], "gap");
        assert!(items[0]["reason"].as_str().unwrap_or_default().contains("02:30"), "{items:#?}");
        assert_eq!(
            (instant(&items[1]["at"]), &items[1]["shift"]),
            (at("2027-03-29T00:30:00Z"), &Value::Null)
        );
        let mut skip = gap;
        skip["gap"] = json!("skip");
        assert_eq!(instant(&fires(skip).await[0]["at"]), at("2027-03-29T00:30:00Z"));

        let fold = json!({ "cron": "30 2 * * *", "time_zone": "Europe/Berlin", "after": "2027-10-30T12:00:00Z", "count": 3 });
        let of = async |policy: &str| {
            let mut rule = fold.clone();
            rule["fold"] = json!(policy);
            fires(rule).await.iter().map(|fire| instant(&fire["at"])).collect::<Vec<_>>()
        };
        let (first, second, after) =
            (at("2027-10-31T00:30:00Z"), at("2027-10-31T01:30:00Z"), at("2027-11-01T01:30:00Z"));
        assert_eq!(of("first").await[..2], [first, after]);
        assert_eq!(of("second").await[..2], [second, after]);
        assert_eq!(of("both").await, [first, second, after]);
        // An hourly rule goes by the absolute clock: no hour is missing, none is doubled.
        let hourly = json!({ "cron": "0 * * * *", "time_zone": "Europe/Berlin", "after": "2027-03-27T22:30:00Z", "count": 6 });
        let hours: Vec<Timestamp> = fires(hourly).await.iter().map(|fire| instant(&fire["at"])).collect();
        assert!(
            hours.windows(2).all(|pair| pair[1].duration_since(pair[0]) == SignedDuration::from_hours(1)),
            "{hours:?}"
        );
    });
}

#[test]
fn a_daily_schedule_fires_once_on_the_day_that_has_no_such_hour() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let job = job(&tenant).await;
        // Months pass before the day comes: the session does not last that long.
        go_to(&stack, at("2027-03-27T12:00:00Z")).await;
        let administrator = tenant::signed_in(&stack, &tenant.administrator_account).await;
        let tenant =
            tenant::Tenant { administrator: tests::caller::Administrator(administrator.clone()), ..tenant };
        schedule(&tenant, &job, "30 2 * * *", "Europe/Berlin").await;
        for (near, fire) in [
            ("2027-03-28T00:58:50Z", "2027-03-28T01:00:00Z"),
            ("2027-03-29T00:28:50Z", "2027-03-29T00:30:00Z"),
        ] {
            go_to(&stack, at(near)).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            go_to(&stack, at(fire)).await;
            let by = tenant::signed_in(&stack, &tenant.administrator_account).await;
            work::until("it fired", SOON, async || dates(&by, &job).await.contains(&at(fire))).await;
        }
        let by = tenant::signed_in(&stack, &tenant.administrator_account).await;
        assert_eq!(dates(&by, &job).await, [at("2027-03-28T01:00:00Z"), at("2027-03-29T00:30:00Z")]);
        invariants::hold(&stack, &tenant).await;
        stack.stop().await;
    });
}

#[test]
fn a_rule_that_cannot_be_meant_is_refused_with_its_pointer() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let wrong = [
            (json!({ "cron": "* * * * * * *", "time_zone": "UTC" }), "/cron"),
            (json!({ "cron": "0 0 30 2 *", "time_zone": "UTC" }), "/cron"),
            (json!({ "cron": "61 * * * *", "time_zone": "UTC" }), "/cron"),
            (json!({ "cron": "", "time_zone": "UTC" }), "/cron"),
            (json!({ "cron": "* * * * * *", "time_zone": "UTC" }), "/cron"),
            (json!({ "cron": "0 0 * * *", "time_zone": "Mars/Olympus" }), "/time_zone"),
            (json!({ "cron": "0 0 * * *", "time_zone": "../../etc/passwd" }), "/time_zone"),
            (json!({ "cron": "0 0 * * *", "time_zone": "UTC", "count": 100_000 }), "/count"),
        ];
        for (rule, pointer) in wrong {
            let answer = tenant.operator.post("/schedules/preview", &rule).await;
            assert!(matches!(answer.status, 400 | 422), "{rule}: {} {}", answer.status, answer.text());
            assert_eq!(answer.pointers(), [pointer], "{rule}: {}", answer.text());
        }
    });
}
