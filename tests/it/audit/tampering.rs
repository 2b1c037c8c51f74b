//! Whatever a superuser does to a sealed row or a seal is found, by the API and by the program that reads an export alone.

use local::verify::audit::verify;
use serde_json::{Value, json};
use tests::{
    audit, database, stack,
    tenant::{self, Tenant},
    work,
    world::World,
};
use tokio_postgres::Client;

/// A workspace with rows in both logs under a few seals.
async fn sealed(stack: &local::stack::Stack) -> (Tenant, Client) {
    let (tenant, world) = (tenant::new(stack).await, World::at_once());
    audit::seal(stack, tenant.id).await;
    let connection = work::connection(&tenant.administrator, "c", &world).await;
    let name = connection["name"].as_str().expect("a name");
    let job = work::job(&tenant.administrator, "j", &work::chain(name, 2)).await;
    let run = work::run(&tenant.operator, &job).await;
    work::wait_for_run(&tenant.operator, &run, "succeeded", work::SOON).await;
    audit::seal(stack, tenant.id).await;
    work::vault(&tenant.administrator, "v").await;
    audit::seal(stack, tenant.id).await;
    let client = database::superuser(stack).await;
    // Neither foreign keys nor checks nor triggers stand in a superuser's way.
    let enter = format!("set search_path = \"{}\"; set session_replication_role = replica", tenant.schema);
    client.batch_execute(&enter).await.expect("the workspace");
    for table in ["audit", "events", "seals"] {
        let ask = format!(
            "select coalesce(string_agg(format('drop constraint %I', conname), ', '), '') from pg_constraint
             where conrelid = '{table}'::regclass and contype = 'c'"
        );
        let drops: String = client.query_one(&ask, &[]).await.expect("the catalog").get(0);
        client.batch_execute(&format!("alter table {table} {drops}")).await.expect("no checks");
        client.batch_execute(&format!("create table kept_{table} as table {table}")).await.expect("a copy");
    }
    (tenant, client)
}

/// Puts the logs back as they were.
async fn restore(client: &Client) {
    for table in ["audit", "events", "seals"] {
        let back = format!("delete from {table}; insert into {table} table kept_{table}");
        client.batch_execute(&back).await.expect("the copy");
    }
}

/// Another value for a column of this type.
fn other(column: &str, kind: &str) -> String {
    match kind {
        "uuid" => "gen_random_uuid()".to_owned(),
        "text" => format!("coalesce({column}, '') || 'x'"),
        "timestamp with time zone" => format!("{column} + interval '1 microsecond'"),
        "bytea" => format!("sha256(coalesce({column}, ''))"),
        "jsonb" => format!("coalesce({column}, '{{}}') || '{{\"x\": 1}}'"),
        "xid8" => format!("({column}::text::bigint + 1)::text::xid8"),
        "smallint" | "integer" | "bigint" => format!("{column} + 1"),
        other => panic!("{column} is of type {other}: say how to change it"),
    }
}

#[test]
fn an_edit_of_any_column_of_any_log_is_found() {
    stack::with(async |stack| {
        let (tenant, client) = sealed(stack).await;
        let by = &tenant.administrator;
        let pin = by.get("/audit/head").await.expect(200)["head"].as_str().expect("a head").to_owned();
        let mut tried = 0;
        for table in ["audit", "events", "seals"] {
            let ask = "select a.attname::text, format_type(a.atttypid, null) from pg_attribute a
                       where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped";
            let key = if table == "seals" { "number" } else { "id" };
            for row in client.query(ask, &[&table]).await.expect("the catalog") {
                let (column, kind): (String, String) = (row.get(0), row.get(1));
                let edit = format!(
                    "update {table} set {column} = {} where {key} = (select {key} from kept_{table} order by tx_of limit 1)",
                    other(&column, &kind)
                );
                let order = if table == "seals" { "number desc" } else { "tx, id" };
                let edit = edit.replace("tx_of", order);
                assert_eq!(client.execute(&edit, &[]).await.expect(&edit), 1);
                let found = audit::verify(by, Some(&pin)).await;
                assert_eq!(found["verified"], false, "{table}.{column}: {found}");
                restore(&client).await;
                tried += 1;
            }
        }
        assert!(tried >= 43, "{tried} columns");
        assert_eq!(audit::verify(by, Some(&pin)).await["verified"], true);
    });
}

#[test]
fn what_is_removed_added_swapped_or_cut_off_is_found() {
    stack::with(async |stack| {
        let (tenant, client) = sealed(stack).await;
        let by = &tenant.administrator;
        let pin = by.get("/audit/head").await.expect(200)["head"].as_str().expect("a head").to_owned();
        assert_eq!(audit::verify(by, Some(&pin)).await["verified"], true);
        let first = "(select id from kept_audit order by tx, id limit 1)";
        let copy = "insert into audit select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid()))).* \
                    from kept_audit a where id = ";
        let swap = "update audit a set tx = b.tx
                    from kept_audit b, (select min(id::text)::uuid as one, max(id::text)::uuid as two from kept_audit) x
                    where (a.id, b.id) in ((x.one, x.two), (x.two, x.one))";
        let last = "(select max(number) from kept_seals)";
        for (what, edit, code) in [
            ("a row removed", format!("delete from audit where id = {first}"), "rows_missing"),
            (
                "an event removed",
                "delete from events where id = (select min(id::text)::uuid from kept_events)".to_owned(),
                "rows_missing",
            ),
            ("a row added", format!("{copy}{first}"), "rows_added"),
            ("two rows swapped", swap.to_owned(), "rows_changed"),
            ("a seal removed", "delete from seals where number = 2".to_owned(), "seal_missing"),
            ("the first seal removed", "delete from seals where number = 1".to_owned(), "seal_missing"),
            (
                "seals renumbered",
                "delete from seals where number = 1; update seals set number = number - 1".to_owned(),
                "seal_changed",
            ),
            ("the tail cut", format!("delete from seals where number = {last}"), "head_missing"),
            (
                "all of it cut",
                "delete from seals; delete from audit; delete from events".to_owned(),
                "head_missing",
            ),
        ] {
            client.batch_execute(&edit).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            let found = audit::verify(by, (code == "head_missing").then_some(&pin)).await;
            assert_eq!(found["verified"], false, "{what}: {found}");
            assert_eq!(found["first_problem"]["code"], code, "{what}: {found}");
            restore(&client).await;
        }
        assert_eq!(audit::verify(by, Some(&pin)).await["verified"], true);
    });
}

/// The offline verifier's word on some items.
fn judge(items: &[Value], pin: Option<&str>) -> Result<String, String> {
    let text: String = items.iter().map(|item| format!("{item}\n")).collect();
    verify(text.as_bytes(), pin).map(|found| found.head.unwrap_or_default())
}

#[test]
fn an_export_is_verified_without_us_and_every_change_to_it_is_found() {
    stack::with(async |stack| {
        let (tenant, _) = sealed(stack).await;
        let by = &tenant.administrator;
        let items = audit::export(by).await;
        let pin = by.get("/audit/head").await.expect(200)["head"].as_str().expect("a head").to_owned();
        assert_eq!(judge(&items, Some(&pin)), Ok(pin.clone()));
        let page = json!({ "items": items, "next_cursor": null }).to_string();
        let whole = verify(page.as_bytes(), None).expect("a page is an export");
        assert_eq!(whole.rows + usize::try_from(whole.seals).expect("small"), items.len());
        for log in ["audit", "events", "seals"] {
            assert!(items.iter().any(|item| item["log"] == log), "{log} is exported");
        }

        let mut tried = 0;
        for at in 0..items.len() {
            let mut less = items.clone();
            less.remove(at);
            assert!(judge(&less, Some(&pin)).is_err(), "without item {at}");
            let mut twice = items.clone();
            twice.insert(at, items[at].clone());
            assert!(judge(&twice, Some(&pin)).is_err(), "item {at} twice");
            if at > 0 {
                let mut swapped = items.clone();
                swapped.swap(at - 1, at);
                assert!(judge(&swapped, Some(&pin)).is_err(), "items {at} swapped");
            }
            for column in items[at].as_object().expect("an object").keys() {
                let mut edited = items.clone();
                let was = edited[at][column].take();
                edited[at][column] = match was.as_str() {
                    Some(text) => json!(format!("{text}0")),
                    None => json!(""),
                };
                assert!(judge(&edited, Some(&pin)).is_err(), "{column} of item {at}");
                tried += 1;
            }
        }
        assert!(tried > 300, "{tried} edits");
    });
}
