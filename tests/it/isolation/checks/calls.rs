//! Every function that a tenant may call, called inside our workspace with what is theirs in every argument that takes an id:
//! none tells anything of theirs, and none touches it. The list comes from the catalog, so a new function is called as soon as
//! it is granted; one that takes a type nobody thought of fails here, and [`argument`] is where to say what to call it with.

use local::stack::Stack;
use tests::{
    database, scale, stack,
    tenant::{Placement, Workspace},
};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{Pair, probes};

/// What of theirs is given as an argument: everything that [`probes`] plants for them, and who they are.
const THEIRS: [&str; 10] = [
    "{their_id}",
    "{their_user}",
    "{their_session}",
    "00000000-0000-4000-8000-00000000000a",
    "00000000-0000-4000-8000-00000000000d",
    "00000000-0000-4000-8000-00000000000e",
    "00000000-0000-4000-8000-0000000000e1",
    "00000000-0000-4000-8000-0000000000a1",
    "00000000-0000-4000-8000-0000000000a2",
    "00000000-0000-4000-8000-0000000000a3",
];

/// One statement for the rows of schema `system` that are theirs, whatever tables there are.
const DIGEST: &str = "
    select string_agg(format($f$select md5(coalesce(string_agg(x::text, ',' order by x::text), '')) from system.%I x where %I = '{their_id}'$f$,
                             c.relname, a.attname), ' union all ' order by c.relname)
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'system'::regnamespace and c.relkind in ('r', 'p') and not a.attisdropped
      and (a.attname = 'tenant_id' or (c.relname = 'tenants' and a.attname = 'id'))";

/// A function as the catalog has it: its name, and name and type of each argument.
pub(in crate::isolation) struct Function {
    pub(in crate::isolation) name: String,
    arguments: Vec<(String, String)>,
}

/// What calls came to.
#[derive(Default)]
pub(in crate::isolation) struct Called {
    calls: usize,
    done: usize,
    pub(in crate::isolation) wrong: Vec<String>,
}

/// Functions that whoever has this role may call.
pub(in crate::isolation) async fn functions_of(client: &Client, role: &str) -> Vec<Function> {
    let ask = "select p.proname::text, coalesce(p.proargnames[1:p.pronargs], '{}')::text[],
                      array(select format_type(t, null) from unnest(p.proargtypes) with ordinality a (t, n) order by n)
               from pg_proc p
               where p.pronamespace = 'system'::regnamespace and has_function_privilege($1::text, p.oid, 'execute')
               order by 1, p.pronargs";
    let rows = client.query(ask, &[&role]).await.expect("the catalog");
    let function = |row: &tokio_postgres::Row| {
        let (names, types): (Vec<String>, Vec<String>) = (row.get(1), row.get(2));
        Function { name: row.get(0), arguments: names.into_iter().zip(types).collect() }
    };
    rows.iter().map(function).collect()
}

/// An argument of a call; `id` is what of theirs stands in the place that is tried.
fn argument((name, kind): &(String, String), id: &str) -> String {
    match (kind.as_str(), name.as_str()) {
        ("uuid", _) => format!("'{id}'"),
        ("uuid[]", _) => format!("array['{id}']::uuid[]"),
        ("text", "p_kind") => "'poll'".to_owned(),
        ("text", "p_role") if id.starts_with("0000") => format!("'{id}'"),
        ("text", "p_role") => "'operator'".to_owned(),
        ("text", "p_schema") => "'{theirs}'".to_owned(),
        ("text", _) => "'theirs'".to_owned(),
        ("text[]", "p_kinds") => "'{run}'".to_owned(),
        ("text[]", "p_tables") => "'{vaults}'".to_owned(),
        ("text[]", _) => "'{runs.read}'".to_owned(),
        ("integer" | "bigint" | "smallint", "p_limit") => "1000".to_owned(),
        ("integer" | "bigint" | "smallint", "p_round") => "0".to_owned(),
        ("integer" | "bigint" | "smallint" | "numeric" | "double precision", _) => "1".to_owned(),
        ("boolean", _) => "false".to_owned(),
        ("jsonb" | "json", _) => "'{}'".to_owned(),
        ("bytea", _) => "sha256('their token')".to_owned(),
        ("interval", _) => "interval '1 hour'".to_owned(),
        ("timestamp with time zone", _) => "now()".to_owned(),
        ("timestamp with time zone[]", _) => "array[now()]".to_owned(),
        (other, _) => panic!(
            "a function takes {name} of type {other}: say in checks/calls.rs, in `argument`, what to call it with"
        ),
    }
}

impl Function {
    /// Every call with something of theirs: in one place that takes an id with nobody's in the others, and in all of them.
    fn calls(&self) -> Vec<String> {
        let takes_id = |at: &usize| self.arguments[*at].1.starts_with("uuid");
        let places: Vec<usize> = (0..self.arguments.len()).filter(takes_id).collect();
        let call = |id: &str, at: Option<usize>| {
            let nobody = "ffffffff-ffff-4fff-bfff-ffffffffffff";
            let elsewhere = |n: usize| at.is_some_and(|at| at != n) && takes_id(&n);
            let given = self.arguments.iter().enumerate();
            let given = given.map(|(n, it)| argument(it, if elsewhere(n) { nobody } else { id }));
            format!("select * from system.{}({})", self.name, given.collect::<Vec<_>>().join(", "))
        };
        let mut calls: Vec<String> = Vec::new();
        for id in THEIRS {
            calls.extend(places.iter().map(|at| call(id, Some(*at))));
            calls.push(call(id, None));
        }
        calls.sort();
        calls.dedup();
        calls
    }

    /// Makes them all, on a superuser's connection inside a transaction.
    pub(in crate::isolation) async fn call(&self, client: &Client, pair: &Pair) -> Called {
        let mut called = Called::default();
        let given = pair.fill(&format!("savepoint calls; {}", probes::GIVEN));
        client.batch_execute(&given).await.expect("what is theirs");
        let digest: String = client.query_one(DIGEST, &[]).await.expect("the catalog").get(0);
        let before = rows(client, &pair.fill(&digest)).await;
        for call in self.calls() {
            called.calls += 1;
            let statement = pair.fill(&format!("savepoint call; {}; {call}", probes::Who::Inside.enter()));
            if let Ok(answer) = client.simple_query(&statement).await {
                called.done += 1;
                let told = told(&answer, pair, &pair.fill(&call));
                called.wrong.extend(told.into_iter().map(|what| format!("{call} tells {what}")));
                client.batch_execute(probes::BACK).await.expect("the superuser again");
                if rows(client, &pair.fill(&digest)).await != before {
                    called.wrong.push(format!("{call} touched what is theirs"));
                }
            }
            let back = "rollback to savepoint call; release savepoint call";
            client.batch_execute(back).await.expect("nothing stays");
        }
        let back = "rollback to savepoint calls; release savepoint calls";
        client.batch_execute(back).await.expect("nothing stays");
        called
    }
}

async fn rows(client: &Client, question: &str) -> Vec<String> {
    let answer = client.simple_query(question).await.expect("an answer");
    answer.iter().flat_map(texts).map(str::to_owned).collect()
}

fn texts(message: &SimpleQueryMessage) -> Vec<&str> {
    match message {
        SimpleQueryMessage::Row(row) => (0..row.len()).filter_map(|column| row.get(column)).collect(),
        _ => Vec::new(),
    }
}

/// What of theirs an answer holds that was not in the question.
fn told(answer: &[SimpleQueryMessage], pair: &Pair, asked: &str) -> Vec<String> {
    let said: Vec<&str> = answer.iter().flat_map(texts).collect();
    let canaries = THEIRS.iter().chain(&["{theirs}", "4711"]).map(|canary| pair.fill(canary));
    // Neighbours in a pool have one schema.
    canaries
        .filter(|canary| *canary != pair.ours.schema)
        .filter(|canary| !asked.contains(canary) && said.iter().any(|text| text.contains(canary)))
        .collect()
}

async fn reaches_nobody(stack: &Stack, pair: Pair) {
    let client = pair.superuser(stack).await;
    // What the stack does by itself meanwhile is not seen, and so not taken for what a call did.
    client.batch_execute("begin isolation level repeatable read").await.expect("a transaction");
    let functions = functions_of(&client, "signalbox_tenants").await;
    let mut all = Called::default();
    for function in &functions {
        let called = function.call(&client, &pair).await;
        all.calls += called.calls;
        all.done += called.done;
        all.wrong.extend(called.wrong);
    }
    client.batch_execute("rollback").await.expect("nothing stays");
    let is_pool = pair.ours.schema == pair.theirs.schema;
    let counts = [
        ("database", pair.fill("{database}")),
        ("in_one_pool", is_pool.to_string()),
        ("functions", functions.len().to_string()),
        ("calls", all.calls.to_string()),
        ("gone_through", all.done.to_string()),
        ("violations", all.wrong.len().to_string()),
    ];
    scale::say("isolation", &counts);
    assert!(all.wrong.is_empty(), "{}", all.wrong.join("\n"));
    let many = functions.len() >= 40 && all.done > 100;
    assert!(many, "{} functions, {} calls went through", functions.len(), all.done);
}

#[test]
fn no_function_that_a_tenant_may_call_reaches_another_tenant() {
    stack::with(async |stack| reaches_nobody(stack, Pair::new(stack).await).await);
}

/// The role that calls is the neighbour's too.
#[test]
fn no_function_that_a_tenant_may_call_reaches_a_neighbour_in_the_pool() {
    stack::with(async |stack| {
        let ours = Workspace::claim_in(stack, Placement::Pooled).await;
        let theirs = Workspace::claim_in(stack, Placement::Pooled).await;
        reaches_nobody(stack, Pair { ours, theirs }).await;
    });
}

#[test]
fn no_function_that_a_tenant_may_call_reaches_another_in_a_database_beside_the_first() {
    stack::with_databases(async |stack| reaches_nobody(stack, Pair::beside(stack).await).await);
}

/// The groups' functions know no scope, so no call can be generated: a probe says what each must refuse.
#[test]
fn every_function_of_a_group_is_tried_by_a_probe() {
    stack::with(async |stack| {
        let client = database::superuser(stack).await;
        let inside = functions_of(&client, "signalbox_tenants").await;
        let groups = "select rolname::text from pg_roles where rolname ~ '^system_[a-z]+$'";
        for group in client.query(groups, &[]).await.expect("the groups") {
            let group: String = group.get(0);
            for Function { name, .. } in functions_of(&client, &group).await {
                let call = format!("system.{name}(");
                let is_called = inside.iter().any(|function| function.name == name);
                let is_tried = is_called || probes::all().any(|probe| probe.statement.contains(&call));
                assert!(
                    is_tried,
                    "{group} may call system.{name}, and nothing tries what it must refuse: add probes to checks/probes, and \
                     take its controls away in sabotage/"
                );
            }
        }
    });
}
