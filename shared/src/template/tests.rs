//! Claims about templates.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn context() -> Context {
    Context {
        params: json!({ "day": "2026-11-21", "n": 7, "list": [1, "b"], "o": { "deep": true }, "none": null, "path": "../x?y", "big": "x".repeat(60_000) }),
        run: json!({ "id": "r", "logical_date": "2026-11-21T00:00:00Z" }),
        tasks: json!({ "load": { "outputs": { "rows": 12 } }, "load-2": { "outputs": { "rows": 0 } } }),
    }
}

fn rendered(value: Value) -> Value {
    render(ConnectionKind::Airflow, &value, &context()).expect("renders")
}

fn wrong(value: Value) -> (String, String) {
    let problems = render(ConnectionKind::Airflow, &value, &context()).expect_err("does not render");
    (problems[0].pointer.clone(), problems[0].message.clone())
}

#[test]
fn a_text_that_is_one_expression_keeps_its_type() {
    assert_eq!(rendered(json!("{{ params.n }}")), json!(7));
    assert_eq!(rendered(json!("{{params.list}}")), json!([1, "b"]));
    assert_eq!(rendered(json!("{{ params.o }}")), json!({ "deep": true }));
    assert_eq!(rendered(json!("{{ params.none }}")), json!(null));
    assert_eq!(rendered(json!("{{ params.n > 3 }}")), json!(true));
    assert_eq!(rendered(json!("{{ params.day }}")), json!("2026-11-21"));
    assert_eq!(rendered(json!("{{ {'a': {'b': params.n}} }}")), json!({ "a": { "b": 7 } }));
}

#[test]
fn other_texts_stay_texts() {
    assert_eq!(rendered(json!("n={{ params.n }}, {{ params.o }}")), json!("n=7, {\"deep\":true}"));
    assert_eq!(rendered(json!(" {{ params.n }}")), json!(" 7"));
    assert_eq!(rendered(json!("{{ '}}' }}!")), json!("}}!"));
    assert_eq!(
        rendered(json!("{% for x in y %} {# no #} { }} $1")),
        json!("{% for x in y %} {# no #} { }} $1")
    );
    assert_eq!(rendered(json!("é {{ 'ü' }} 🚂")), json!("é ü 🚂"));
}

#[test]
fn a_whole_value_is_walked_and_keys_are_left_alone() {
    let start = json!({ "a": ["{{ run.id }}", 1, null, { "{{ k }}": "{{ tasks.load.outputs.rows }}" }] });
    assert_eq!(rendered(start), json!({ "a": ["r", 1, null, { "{{ k }}": 12 }] }));
}

#[test]
fn what_is_missing_is_named_with_its_pointer() {
    let (pointer, message) = wrong(json!({ "a/b": ["x", "{{ params.nope }}"] }));
    assert_eq!(pointer, "/a~1b/1");
    assert_eq!(message, "`params.nope` names a value that does not exist");
    assert!(wrong(json!("{{ params.nope.deeper }}")).1.contains("does not exist"));
    assert!(wrong(json!("x {{ tasks.other.outputs.a }}")).1.contains("does not exist"));
    assert_eq!(rendered(json!("{{ params.nope | default('x') }}")), json!("x"));
}

#[test]
fn what_is_no_template_says_so() {
    for (text, says) in [
        ("{{ params.n", "has no `}}`"),
        ("{{ }}", "no expression"),
        ("{{ params. }}", "is no expression"),
        ("{{ 'open }}", "has no `}}`"),
        ("{{ params.n | nosuch }}", "there is no filter"),
        ("{{ nosuch() }}", "can't be evaluated"),
        ("{{ range(10) }}", "can't be evaluated"),
    ] {
        let (_, message) = wrong(json!(text));
        assert!(message.contains(says), "{text}: {message}");
    }
}

#[test]
fn little_can_not_be_made_into_much() {
    let big_sum = ["params.big"; 8].join(" + ");
    let nested = format!("{{{{ params.big{} }}}}", " | tojson".repeat(40));
    for text in [
        "{{ 'x' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 2 ** 1000 }}",
        "{{ params.big ~ params.big }}",
        "{{ params.big | replace('x', params.big) }}",
        "{{ params.big | replace('', params.big) }}",
        "{{ params.big | split('') | join(params.big) }}",
        "{{ 'x' | indent(1000000000) }}",
        "{{ '%1000000000d' | format(1) }}",
        &format!("{{{{ {big_sum} }}}}"),
        &nested,
        &format!("{{{{ {} }}}}", "(".repeat(400)),
        &format!("{{{{ {}1 }}}}", "1+".repeat(17)),
        &format!("{{{{ '{}' }}}}", "x".repeat(1000)),
    ] {
        let (_, message) = wrong(json!(text));
        assert!(!message.is_empty() && message.len() < 2000, "{text:.80}");
    }
    let five = json!([
        "{{ params.big }}",
        "{{ params.big }}",
        "{{ params.big }}",
        "{{ params.big }}",
        "{{ params.big }}"
    ]);
    assert_eq!(wrong(five).0, "/4");
}

#[test]
fn a_condition_is_an_expression_with_or_without_braces() {
    let holds = |expression: &str| condition(expression, &context());
    assert_eq!(holds("tasks.load.outputs.rows > 0"), Ok(true));
    assert_eq!(holds("{{ tasks['load-2'].outputs.rows > 0 }}"), Ok(false));
    assert_eq!(holds("params.o.deep and not params.none"), Ok(true));
    assert!(holds("params.nope").is_err());
    assert!(holds("'x' * 1000000000").is_err());
    assert!(holds("").is_err());
}

#[test]
fn a_parameter_can_not_choose_another_path() {
    let start = json!({ "path": "/jobs/{{ params.path }}/runs", "poll": { "path": "{{ params.path }}" }, "body": "{{ params.path }}" });
    let rendered = render(ConnectionKind::Http, &start, &context()).expect("renders");
    let expected =
        json!({ "path": "/jobs/..%2Fx%3Fy/runs", "poll": { "path": "..%2Fx%3Fy" }, "body": "../x?y" });
    assert_eq!(rendered, expected);
}

#[test]
fn sql_is_sent_as_it_stands() {
    let start =
        json!({ "sql": "select '{{1,2},{3,4}}'::int[], '{{ params.day }}'", "args": ["{{ params.n }}"] });
    let rendered = render(ConnectionKind::Postgres, &start, &context()).expect("renders");
    assert_eq!(rendered["sql"], start["sql"]);
    assert_eq!(rendered["args"], json!([7]));
}

#[test]
fn the_variables_of_a_value_are_found_with_their_pointers() {
    let value = json!({ "a": "{{ params.day }} {{ params['x-y'] }}", "b": ["{{ tasks['load-2'].outputs.rows if run.id else other }}"] });
    let found: Vec<String> = variables_of(&value)
        .expect("templates")
        .into_iter()
        .map(|v| format!("{} {}", v.pointer, v.path.join(".")))
        .collect();
    for expected in
        ["/a params.day", "/a params.x-y", "/b/0 tasks.load-2.outputs.rows", "/b/0 run.id", "/b/0 other"]
    {
        assert!(found.iter().any(|f| f == expected), "{expected} in {found:?}");
    }
    let wrong = variables_of(&json!({ "a": "{{ params." })).expect_err("no template");
    assert_eq!(wrong[0].pointer, "/a");
}

proptest! {
    #[test]
    fn no_text_makes_a_template_panic(text in "(\\{\\{|\\}\\}|['\"\\\\|é.\\[\\]()+*-]|params|tasks|run|[a-z0-9 ]){0,24}") {
        let _ = render(ConnectionKind::Airflow, &json!(text), &context());
        let _ = condition(&text, &context());
        let _ = variables_of(&json!(text));
    }

    #[test]
    fn a_text_without_braces_is_itself(text in "[^{]{0,40}") {
        prop_assert_eq!(rendered(json!(text.clone())), json!(text));
    }
}
