//! What a caller is told, and what not.

use serde_json::Value;
use shared::error::{DbError, Refusal};

use super::*;

fn told(fault: impl Into<Fault>) -> (u16, Value) {
    let reply = fault.into().into_reply("the-request");
    (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap())
}

#[test]
fn every_word_of_the_database_has_its_status_and_code() {
    let driver = || "ERROR: permission denied for table t_1.vaults at 10.0.0.1".into();
    let taken = |name: &str| DbError::Taken { constraint: name.to_owned() };
    for (error, status, code) in [
        (DbError::Refused(Refusal::NoSession), 401, "unauthenticated"),
        (DbError::Refused(Refusal::Role), 403, "forbidden"),
        (DbError::Refused(Refusal::Absent), 404, "not_found"),
        (DbError::Refused(Refusal::Conflict), 409, "conflict"),
        (DbError::Refused(Refusal::LastAdministrator), 409, "last_administrator"),
        (DbError::Refused(Refusal::OriginAdministrator), 409, "origin_administrator"),
        (DbError::Refused(Refusal::HasSandboxes), 409, "has_sandboxes"),
        (taken("vaults_tenant_id_name_key"), 409, "name_taken"),
        (taken("jobs_name"), 409, "name_taken"),
        (taken("runs_slot"), 409, "conflict"),
        (
            DbError::Dangling { constraint: "job_tasks_tenant_id_connection_id_fkey".to_owned() },
            409,
            "in_use",
        ),
        (DbError::Moved { statement: "vaults/delete", expected: 1, moved: 0 }, 409, "conflict"),
        (DbError::Unavailable(driver()), 503, "unavailable"),
        (DbError::Retry(driver()), 503, "unavailable"),
        (DbError::Defect(driver()), 500, "internal"),
    ] {
        let name = format!("{error:?}");
        let (told_status, body) = told(error);
        assert_eq!((told_status, body["code"].as_str()), (status, Some(code)), "{name}");
        let text = body.to_string();
        for secret in ["vaults", "t_1", "10.0.0.1", "permission", "fkey", "tenant"] {
            assert!(!text.contains(secret), "{name} tells {secret}: {text}");
        }
    }
}

#[test]
fn a_problem_has_the_members_of_rfc_9457_and_ours() {
    let (_, body) = told(vec![Problem::at("/name", "must not be empty")]);
    for member in ["type", "title", "status", "code", "detail", "request_id", "errors"] {
        assert!(body.get(member).is_some(), "{member}");
    }
    assert_eq!(body["request_id"], "the-request");
    assert_eq!(body["errors"][0]["pointer"], "/name");
}

#[test]
fn who_should_come_again_is_told_when() {
    let reply = Fault::from(DbError::Unavailable("gone".into())).into_reply("r");
    assert_eq!(reply.get("retry-after").unwrap(), "2");
    assert_eq!(reply.get("content-type").unwrap(), "application/problem+json");
    assert_eq!(Fault::unauthenticated().into_reply("r").get("www-authenticate").unwrap(), "Bearer");
}

#[test]
fn absent_foreign_and_malformed_are_told_in_the_same_bytes() {
    let absent = Fault::from(DbError::Refused(Refusal::Absent)).into_reply("r");
    let malformed = Fault::not_found().into_reply("r");
    assert_eq!(
        (absent.status, absent.headers, absent.body),
        (malformed.status, malformed.headers, malformed.body)
    );
}

#[test]
fn a_callers_megabyte_is_not_told_back_whole() {
    let (_, body) = told(vec![Problem::at("/x".repeat(100_000), "unknown field".repeat(100_000))]);
    assert!(body.to_string().len() < 2_000);
}
