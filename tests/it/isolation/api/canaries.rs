//! One process that serves one tenant after another, thousands of times: no answer holds anything of another tenant. Nothing
//! that a request leaves behind (a cache, a static, a connection) may be another's.

use std::{sync::Arc, time::Instant};

use futures_util::future::join_all;
use reqwest::Method;
use tests::{dice::Dice, scale, stack, tenant::Placement};

use super::{
    document::{Operation, operations},
    planted::Planted,
    way::{Asked, Near, Way},
};

/// Tenants that take turns: two that share a schema, and some that share none.
const TENANTS: [Placement; 4] =
    [Placement::Schema, Placement::Pooled, Placement::Pooled, Placement::Dedicated];
/// Requests under way at once, by way of so many connections.
const AT_ONCE: usize = 4;

/// Every text that only this tenant has: a pool's schema is not its own.
fn canaries(planted: &Planted) -> Vec<String> {
    let schema = (planted.placement != Placement::Pooled).then(|| planted.tenant.schema.clone());
    let own = schema.into_iter().chain([planted.tenant.directory.name.clone()]);
    let names = planted.names.values().chain(planted.keys.iter()).cloned();
    planted.every_id().into_iter().chain(names).chain(own).collect()
}

/// What an answer to one tenant holds of the others.
pub(in crate::isolation) async fn turns(
    way: Way,
    planted: &[&Planted],
    reads: &[Operation],
    (seed, turns): (u64, usize),
) -> Vec<String> {
    let canaries: Vec<Vec<String>> = planted.iter().map(|planted| canaries(planted)).collect();
    let (mut dice, mut found) = (Dice::new(seed), Vec::new());
    for _ in 0..turns {
        let at = dice.below(planted.len());
        let (ours, operation) = (planted[at], dice.one(reads));
        let path = ours.path(operation);
        let asked = Asked { method: Method::GET, path, headers: Vec::new(), body: None };
        let by = &ours.members[dice.below(4)];
        let answer = way.ask(by, &asked).await;
        if answer.status >= 500 {
            found.push(format!("{}: {}", operation.id, answer.text()));
        }
        let said = format!("{} {:?}", answer.text(), answer.headers);
        for (other, canaries) in canaries.iter().enumerate().filter(|(other, _)| *other != at) {
            let told = canaries.iter().filter(|canary| said.contains(canary.as_str()));
            found.extend(
                told.map(|canary| format!("seed {seed}, {} tells {at} of {other}: {canary}", operation.id)),
            );
        }
    }
    found
}

#[test]
fn a_process_that_serves_many_tenants_in_turn_tells_none_of_another() {
    stack::with_databases(async |stack| {
        let started = Instant::now();
        let mut planted = Vec::new();
        for placement in TENANTS {
            planted.push(Planted::new_in(stack, placement).await);
        }
        let mut reads = operations(stack.url()).await;
        reads.retain(|operation| operation.method == Method::GET && operation.permission != "public");
        let (planted, reads) = (Arc::new(planted), Arc::new(reads));
        let way = Way::Near(Near::new(stack, AT_ONCE).await);
        let each = scale::of(10_000, 100_000) / AT_ONCE;
        let tasks = (0..AT_ONCE as u64).map(|seed| {
            let (way, planted, reads) = (way.clone(), Arc::clone(&planted), Arc::clone(&reads));
            tokio::spawn(async move {
                let planted: Vec<&Planted> = planted.iter().collect();
                turns(way, &planted, &reads, (seed, each)).await
            })
        });
        let done = join_all(tasks).await;
        let found: Vec<String> =
            done.into_iter().flat_map(|found| found.expect("it comes to its end")).collect();
        let counts = [
            ("turns", (each * AT_ONCE).to_string()),
            ("canaries_of_others", found.len().to_string()),
            ("took", format!("{}s", started.elapsed().as_secs())),
        ];
        scale::say("isolation", &counts);
        assert!(found.is_empty(), "{}", found.join("\n"));
    });
}
