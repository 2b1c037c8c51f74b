//! A stack that stops, and one whose functions are killed, goes on where it was.

use std::time::Duration;

use tests::{
    stack, tenant,
    work::{self, SOON, until},
    world::World,
};

#[test]
fn a_stack_that_starts_again_finishes_the_run_it_was_at() {
    stack::run(async {
        let first = stack::own(|_| {}).await;
        let tenant = tenant::new(&first).await;
        let world = World::of_runs(4);
        work::connection(&tenant.administrator, "platform", &world).await;
        let tasks = [work::polled("a", "platform", &[]), work::polled("b", "platform", &["a"])];
        let job = work::job(&tenant.administrator, "long", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        // Stopped before its id is known, it would be `start_unknown`: this platform takes no idempotency token.
        let path = format!("/runs/{}", work::id(&run));
        let reason = async || tenant.operator.get(&path).await.expect(200)["tasks"][0]["reason"].clone();
        until("the first task runs", SOON, async || reason().await == "running").await;
        let folder = first.data_dir().to_owned();
        first.stop().await;

        let second = stack::again(&folder).await;
        let directory = tenant::Directory { id: tenant.directory.id, name: tenant.directory.name.clone() };
        second.oidc().add_directory(directory.id, directory.name);
        second.oidc().add_person(tenant.operator_account.clone());
        // The session of before is as good as it was, and so is a new one.
        let before = tests::caller::Caller::new(
            second.url(),
            tests::caller::Proof::Bearer(tenant.operator.token().to_owned()),
        );
        before.get("/me").await.expect(200);
        let operator = tenant::signed_in(&second, &tenant.operator_account).await;
        // The queue was emptied by the stop: what is owed is in the database, and comes with its hour.
        until("the run goes on to its end", Duration::from_secs(60), async || {
            second.advance(Duration::from_secs(20)).await.expect("time moves");
            second.cloud().tick_now("scheduler").await.expect("a tick");
            tokio::time::sleep(Duration::from_millis(300)).await;
            operator.get(&path).await.expect(200)["state"] == "succeeded"
        })
        .await;
        assert_eq!(world.count("POST", "/runs"), 2, "each task was started once");
        second.stop().await;
    });
}
