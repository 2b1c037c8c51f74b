//! Claims about time. Zones and dates are real ones; expected instants were taken from the zones' published rules.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn timing(cron: &str, zone: &str) -> Timing {
    Timing { cron: cron.into(), time_zone: zone.into(), gap: Gap::NextValid, fold: Fold::First }
}

fn rule(cron: &str, zone: &str) -> Rule {
    Rule::new(&timing(cron, zone), at("2026-01-01T00:00:00Z")).expect("a rule")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn next(rule: &Rule, after: &str, count: usize) -> Vec<String> {
    let mut from = at(after);
    let mut fires = Vec::new();
    for _ in 0..count {
        let fire = rule.next_after(from).expect("a fire");
        from = fire.at;
        fires.push(fire.at.to_string());
    }
    fires
}

fn refused(cron: &str, zone: &str) -> (String, String) {
    let problems = Rule::new(&timing(cron, zone), at("2026-01-01T00:00:00Z")).expect_err(cron);
    (problems[0].pointer.clone(), problems[0].message.clone())
}

#[test]
fn a_daily_rule_in_a_gap_fires_once_at_the_first_instant_after_it() {
    let daily = rule("30 2 * * *", "Europe/Berlin");
    let fires = next(&daily, "2027-03-27T00:00:00Z", 3);
    assert_eq!(fires, ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]);
    let moved = daily.next_after(at("2027-03-27T12:00:00Z")).expect("a fire");
    assert_eq!((moved.shift, moved.local.to_string().as_str()), (Some(Shift::Gap), "2027-03-28T02:30:00"));
}

#[test]
fn a_rule_that_skips_gaps_fires_the_next_day() {
    let timing = Timing { gap: Gap::Skip, ..timing("30 2 * * *", "Europe/Berlin") };
    let skips = Rule::read(&timing).expect("a rule");
    assert_eq!(next(&skips, "2027-03-27T12:00:00Z", 1), ["2027-03-29T00:30:00Z"]);
}

#[test]
fn a_daily_rule_in_a_fold_fires_as_its_policy_says() {
    for (fold, expected) in [
        (Fold::First, vec!["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        (Fold::Second, vec!["2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"]),
        (Fold::Both, vec!["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"]),
    ] {
        let rule = Rule::read(&Timing { fold, ..timing("30 2 * * *", "Europe/Berlin") }).expect("a rule");
        assert_eq!(next(&rule, "2026-10-24T12:00:00Z", expected.len()), expected, "{fold:?}");
    }
}

#[test]
fn an_hourly_rule_fires_on_every_absolute_hour() {
    for (minute, after) in [
        ("0", "2027-03-27T20:00:00Z"),
        ("30", "2027-03-27T20:30:00Z"),
        ("0", "2026-10-24T20:00:00Z"),
        ("30", "2026-10-24T20:30:00Z"),
    ] {
        let hourly = rule(&format!("{minute} * * * *"), "Europe/Berlin");
        let mut from = at(after);
        for _ in 0..12 {
            let fire = hourly.next_after(from).expect("a fire").at;
            assert_eq!(fire.duration_since(from), jiff::SignedDuration::from_hours(1), "after {from}");
            from = fire;
        }
    }
}

#[test]
fn a_gap_at_midnight_moves_the_daily_fire_to_the_first_minute_of_that_day() {
    // Cuba goes forward at midnight.
    let midnight = rule("@daily", "America/Havana");
    assert_eq!(next(&midnight, "2026-03-07T12:00:00Z", 2), ["2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"]);
}

#[test]
fn a_fire_of_its_own_at_the_end_of_a_gap_is_not_doubled() {
    let both = rule("30 2,3 * * *", "Europe/Berlin");
    assert_eq!(next(&both, "2027-03-27T12:00:00Z", 2), ["2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z"]);
    let own = rule("0 2,3 * * *", "Europe/Berlin");
    let fire = own.next_after(at("2027-03-27T12:00:00Z")).expect("a fire");
    assert_eq!((fire.at, fire.shift), (at("2027-03-28T01:00:00Z"), None));
    assert_eq!(next(&own, "2027-03-28T01:00:00Z", 1), ["2027-03-29T00:00:00Z"]);
}

#[test]
fn a_date_that_a_zone_left_out_has_no_fire() {
    // Samoa went from 29 to 31 December 2011.
    let daily = rule("0 9 * * *", "Pacific/Apia");
    assert_eq!(next(&daily, "2011-12-29T12:00:00Z", 2), ["2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z"]);
}

#[test]
fn half_hour_folds_and_gaps_are_folds_and_gaps() {
    // Lord Howe goes back half an hour at 02:00 and forward half an hour at 02:00.
    let fold = rule("45 1 * * *", "Australia/Lord_Howe");
    assert_eq!(next(&fold, "2026-04-04T12:00:00Z", 2), ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]);
    let gap = rule("15 2 * * *", "Australia/Lord_Howe");
    assert_eq!(next(&gap, "2026-10-03T12:00:00Z", 1), ["2026-10-03T15:30:00Z"]);
}

#[test]
fn seconds_nicknames_last_days_and_weekdays_are_understood() {
    assert_eq!(
        next(&rule("*/20 * * * * *", "UTC"), "2026-01-01T00:00:05Z", 2),
        ["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z"]
    );
    assert_eq!(next(&rule("@monthly", "UTC"), "2026-01-01T00:00:00Z", 1), ["2026-02-01T00:00:00Z"]);
    assert_eq!(next(&rule("0 0 L * *", "UTC"), "2028-02-01T00:00:00Z", 1), ["2028-02-29T00:00:00Z"]);
    assert_eq!(next(&rule("0 8 * * MON-FRI", "UTC"), "2026-01-02T09:00:00Z", 1), ["2026-01-05T08:00:00Z"]);
    assert_eq!(next(&rule("0 0 29 2 *", "UTC"), "2026-01-01T00:00:00Z", 1), ["2028-02-29T00:00:00Z"]);
}

#[test]
fn a_subsecond_after_a_fire_is_after_it() {
    let minutely = rule("* * * * *", "UTC");
    assert_eq!(next(&minutely, "2026-01-01T00:00:59.999Z", 1), ["2026-01-01T00:01:00Z"]);
    assert_eq!(next(&minutely, "2026-01-01T00:01:00.001Z", 1), ["2026-01-01T00:02:00Z"]);
}

#[test]
fn rules_that_are_none_are_refused_with_a_sentence() {
    for (cron, says) in [
        ("* * * * * * *", "has 7 fields"),
        ("* * * *", "has 4 fields"),
        ("", "has 0 fields"),
        ("0 0 30 2 *", "never fire"),
        ("0 0 31 4,6 *", "never fire"),
        ("* * * * * *", "more often"),
        ("*/7 * * * * *", "more often"),
        ("0,55 * * * * *", "more often"),
        ("61 * * * *", "is no cron rule"),
        ("a b c d e", "is no cron rule"),
        ("@reboot", "is none of"),
        ("@daily * * * *", "is none of"),
        ("0 0 * * *\u{0}", "plain ASCII"),
        ("０ 0 * * *", "plain ASCII"),
        (&"1,".repeat(200), "at most 200"),
    ] {
        let (pointer, message) = refused(cron, "UTC");
        assert_eq!(pointer, "/cron", "{cron}");
        assert!(message.contains(says), "{cron}: {message}");
    }
}

#[test]
fn zones_that_are_none_are_refused_with_a_sentence() {
    for zone in [
        "",
        "Mars/Olympus",
        "Europe/Berln",
        "UTC+2",
        "../../etc/passwd",
        "Etc/Unknown",
        "Ünited/Kingdom",
        &"a".repeat(100),
    ] {
        let (pointer, message) = refused("@daily", zone);
        assert_eq!(pointer, "/time_zone", "{zone}");
        assert!(message.contains("IANA name"), "{zone}: {message}");
    }
    assert_eq!(rule("@daily", "europe/berlin").time_zone(), "Europe/Berlin");
}

#[test]
fn a_data_interval_reaches_back_to_the_fire_before() {
    let daily = rule("30 2 * * *", "Europe/Berlin");
    let (start, end) = daily.data_interval(at("2027-03-29T00:30:00Z"));
    assert_eq!((start, end), (at("2027-03-28T01:00:00Z"), at("2027-03-29T00:30:00Z")));
    let leap = rule("0 0 29 2 *", "UTC");
    assert_eq!(
        leap.last_before(at("2028-02-29T00:00:00Z")).map(|fire| fire.at),
        Some(at("2024-02-29T00:00:00Z"))
    );
}

#[test]
fn a_preview_says_why_a_fire_was_moved() {
    let preview = rule("30 2 * * *", "Europe/Berlin").preview(at("2027-03-27T12:00:00Z"), 2);
    assert_eq!(preview[0].local, "2027-03-28T03:00:00+02:00");
    assert_eq!(preview[0].data_interval_start, Some(at("2027-03-27T01:30:00Z")));
    let reason = preview[0].reason.as_deref().expect("a reason");
    assert!(reason.starts_with("02:30:00 does not exist on 2027-03-28 in Europe/Berlin"), "{reason}");
    assert_eq!((preview[1].shift, preview[1].reason.as_ref()), (None, None));
    assert_eq!(rule("* * * * *", "UTC").preview(at("2026-01-01T00:00:00Z"), 5000).len(), MAX_PREVIEW);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_daily_rule_fires_exactly_once_per_local_day(
        zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Asia/Tehran", "Africa/Casablanca", "UTC"]),
        hour in 0..24_i8, minute in 0..60_i8, day in 0..3000_i64, second_of_two in any::<bool>(),
    ) {
        let fold = if second_of_two { Fold::Second } else { Fold::First };
        let rule = Rule::read(&Timing { fold, ..timing(&format!("{minute} {hour} * * *"), zone) }).expect("a rule");
        let tz = TimeZone::get(zone).expect("a zone");
        let mut from = Timestamp::from_second(1_577_836_800 + day * 86_400).expect("an instant");
        let mut date = None;
        for _ in 0..400 {
            let fire = rule.next_after(from).expect("a fire");
            let today = tz.to_datetime(fire.at).date();
            if let Some(yesterday) = date.replace(today) {
                prop_assert_eq!(yesterday.tomorrow().expect("a date"), today);
            }
            from = fire.at;
        }
    }

    #[test]
    fn no_text_makes_a_rule_panic_and_every_rule_ends_its_search(
        fields in proptest::collection::vec("[0-9*/,LW#?+-]{1,6}|MON|JAN|[A-Z]{1,3}|[0-9]{1,2}", 5..=6), from in 0..4_000_000_000_i64,
    ) {
        let timing = timing(&fields.join(" "), "America/New_York");
        if let Ok(rule) = Rule::read(&timing) {
            let from = Timestamp::from_second(from).expect("an instant");
            if let Some(fire) = rule.next_after(from) {
                prop_assert!(fire.at > from);
                prop_assert!(rule.last_before(fire.at).is_none_or(|before| before.at <= from));
            }
        }
    }

    #[test]
    fn the_fire_before_a_fire_is_the_one_that_came_before(
        cron in prop::sample::select(vec!["*/15 * * * *", "30 2 * * *", "0 0 1 * *", "*/10 0 9-17 * * MON", "45 1 25 10 *"]),
        from in 1_700_000_000..1_900_000_000_i64,
    ) {
        let rule = rule(cron, "Europe/Berlin");
        let first = rule.next_after(Timestamp::from_second(from).expect("an instant")).expect("a fire");
        let second = rule.next_after(first.at).expect("a fire");
        prop_assert!(second.at > first.at);
        prop_assert_eq!(rule.last_before(second.at), Some(first));
    }
}
