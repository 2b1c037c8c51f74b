//! The steward is killed with signal 9 at each step of a rotation: another one takes it over, and there is one new version.

use serde_json::json;
use tests::{
    archive, content,
    keys::{self, PAST_THE_CONFIRMATION},
    stack,
    steps::{Gate, PAST_THE_LEASE},
    work::{self, SOON},
    world::World,
};

use super::rotations::{opened, shown, trusted};

#[test]
fn a_rotation_whose_steward_is_killed_anywhere_is_finished_once() {
    stack::run(async {
        let stack = stack::own(|_| ()).await;
        let (world, elsewhere) = (World::at_once(), World::at_once());
        let (other, ..) = trusted(&stack, &elsewhere, "theirs").await;
        let (tenant, vault, job) = trusted(&stack, &world, "secret").await;
        let by = &tenant.administrator;
        for number in 0..120 {
            work::credential(by, &vault, &format!("c{number}"), &number.to_string()).await;
        }
        stack.order(json!({ "do": "gather_evidence" })).await.expect("the canaries are there");
        let before = content::of(&stack, other.id, &other.schema).await;
        let credentials = format!("\"{}\".credentials", tenant.schema);
        let inside =
            [("system.tenant_keys", "insert"), (&credentials, "update"), ("system.tenant_keys", "delete")];
        let steps = ["salt", "reseal", "confirm", "retire", "end"];
        let mut version = 1;
        for at in 0..steps.len() + inside.len() {
            let gate = match steps.get(at) {
                Some(step) => Gate::at_record(&stack, "rotation", step).await,
                None => Gate::on(&stack, inside[at - steps.len()].0, inside[at - steps.len()].1).await,
            };
            let what = steps.get(at).copied().unwrap_or_else(|| inside[at - steps.len()].1);
            let asked = by.post("/workspace/rotations", &json!({})).await.expect(202);
            let path = format!("/workspace/operations/{}", work::id(&asked));
            let is_waiting = async || by.get(&path).await.expect(200)["step"] == "confirm";
            work::until("it is held or waits", SOON, async || gate.is_reached().await || is_waiting().await)
                .await;
            if !gate.is_reached().await {
                stack.advance(PAST_THE_CONFIRMATION).await.expect("time passes");
            }
            gate.kill_the_steward(&stack).await;
            stack.advance(PAST_THE_LEASE).await.expect("time passes");
            stack.cloud().tick_now("steward").await.expect("a tick");
            work::until("it goes on to its end", SOON, async || {
                stack.advance(PAST_THE_CONFIRMATION).await.expect("time passes");
                stack.cloud().tick_now("steward").await.expect("a tick");
                !by.get(&path).await.expect(200)["finished_at"].is_null()
            })
            .await;
            let ended = archive::wait(by, &asked).await;
            version += 1;
            assert_eq!(
                (&ended["state"], &ended["result"]["key_version"]),
                (&json!("succeeded"), &json!(version)),
                "killed at {what}"
            );
            assert_eq!(keys::versions(&stack, &tenant).await, [version], "killed at {what}");
            let all = opened(&stack, &tenant).await;
            assert_eq!(all.len(), 121, "killed at {what}");
            assert!(all.values().all(|(sealed, _)| *sealed == version), "killed at {what}");
            assert_eq!(all["c7"].1, "7", "killed at {what}");
            assert_eq!(shown(&tenant, &job, &world).await, "Bearer secret", "killed at {what}");
            assert_eq!(content::of(&stack, other.id, &other.schema).await, before, "killed at {what}");
        }
        stack.stop().await;
    });
}
