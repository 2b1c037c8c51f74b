//! Our figures: `cargo bench` prints `bench <name> <value> <unit>` and appends each to `target/bench.jsonl`.
//!
//! Everything runs on the real stack in a release build. These machines are noisy: ratios are taken within one run, with
//! their two sides interleaved. `cargo bench -- scope starts` runs the benches of those names only;
//! `WORKSPACES=10000 cargo bench -- memory` with so many workspaces there.

mod archives;
mod audit_verify;
mod deletion;
mod fair;
mod fence;
mod figure;
mod functions;
mod idle;
mod job;
mod memory;
mod moves;
mod rollout;
mod scope;
mod sign_in;
mod size;
mod starts;
mod workspaces;

use tests::stack;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    stack::run(async {
        let stack = stack::own(|settings| settings.log = "warn".to_owned()).await;
        if size::asked().is_some() {
            size::fill(&stack).await;
        }
        if wants("scope") {
            scope::read_through_the_scope(&stack).await;
        }
        if wants("fence") {
            fence::forced_row_level_security(&stack).await;
        }
        if wants("workspaces") {
            workspaces::claim_a_spare(&stack).await;
        }
        if wants("audit_verify") {
            audit_verify::rows_per_second(&stack).await;
        }
        if wants("archives") {
            archives::small_and_large(&stack).await;
        }
        if wants("starts") {
            starts::trigger_to_start(&stack).await;
            starts::starts_per_second(&stack).await;
        }
        if wants("sign_in") {
            sign_in::the_first_of_an_organisation(&stack).await;
        }
        if wants("deletion") {
            deletion::delete_a_tenant(&stack).await;
        }
        if wants("memory") {
            memory::soak(&stack).await;
        }
        if wants("rollout") {
            rollout::all_workspaces(&stack).await;
        }
        if wants("functions") {
            functions::cold_starts(&stack).await;
            functions::sizes(&stack).await;
        }
        if wants("moves") {
            moves::hundred_thousand_rows(&stack).await;
            moves::between_databases().await;
        }
        if wants("fair") {
            fair::quiet_beside_noisy(&stack).await;
        }
        if wants("idle") {
            idle::ticks_and_tenants(&stack).await;
        }
        stack.stop().await;
    });
}
