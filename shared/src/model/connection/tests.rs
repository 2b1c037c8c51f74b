//! Claims about every kind.

use serde_json::json;

use super::*;

#[test]
fn every_kind_describes_settings_and_start_without_references() {
    for kind in ConnectionKind::ALL {
        let described = kind.describe();
        for schema in [&described.settings_schema, &described.start_schema] {
            assert_eq!(schema["type"], "object", "{kind}: {schema:#}");
            assert_eq!(schema["additionalProperties"], json!(false), "{kind}: {schema:#}");
            assert!(!schema.to_string().contains("$ref"), "{kind}: {schema:#}");
        }
        assert_eq!(kind.as_str().parse(), Ok(*kind));
        assert_eq!(serde_json::to_value(kind).expect("serialises"), kind.as_str());
    }
}

#[test]
fn an_unknown_field_is_named_by_its_pointer() {
    let settings = json!({ "host": "db", "database": "d", "user": "u", "sslmode": "off" });
    let problems = Settings::read(ConnectionKind::Postgres, &settings).expect_err("unknown field");
    assert_eq!(problems[0].pointer, "/sslmode");
    assert!(problems[0].message.contains("unknown field"), "{problems:?}");
}

#[test]
fn settings_of_another_kind_are_refused() {
    let airflow = json!({ "base_url": "https://a.example", "api": "v2", "user": "u" });
    assert!(Settings::read(ConnectionKind::Airflow, &airflow).is_ok());
    assert!(Settings::read(ConnectionKind::Postgres, &airflow).is_err());
    for odd in [json!(null), json!([]), json!("x"), json!(1)] {
        for kind in ConnectionKind::ALL {
            assert!(Settings::read(*kind, &odd).is_err(), "{kind} {odd}");
            assert!(Start::read(*kind, &odd).is_err(), "{kind} {odd}");
        }
    }
}
