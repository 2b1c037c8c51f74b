//! What was made before a deletion and turns up after it: tokens, keys, messages. It is refused or dropped, and revives nothing.

use local::sqs::Draft;
use reqwest::Method;
use serde_json::json;
use shared::{
    model::{ids::TenantId, tenant::Route},
    queue::{Kind, Message, Signer},
    secrets::KeyRing,
};
use tests::{
    caller::send,
    content::Traces,
    database, stack, tenant,
    work::{self, SOON},
    world::World,
};

#[test]
fn what_was_made_before_a_deletion_revives_nothing_after_it() {
    stack::run(async {
        let stack = stack::own(|_| {}).await;
        let (tenant, world) = (tenant::new(&stack).await, World::at_once());
        super::deletion::fill(&tenant, &world).await;
        let job = work::all(&tenant.administrator, "/jobs").await.remove(0);
        let start = format!("/jobs/{}/runs", work::id(&job));
        let again = || {
            let request = tenant.operator.request(Method::POST, &start).header("idempotency-key", "once");
            send(request.json(&json!({ "parameters": {} })))
        };
        let run = again().await.expect(201);
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        let schedule = work::all(&tenant.administrator, "/schedules").await.remove(0);
        let secrets = database::secrets(&stack).await;
        let root = secrets.read(&stack.cloud().secret_arn("queue-root")).await.expect("the queue's root");
        let signer = Signer::new(KeyRing::parse(&root).expect("keys"));
        let traces = Traces::of(&stack, &tenant).await;
        let asked = world.len();

        super::deletion::ask(&tenant).await;
        super::deletion::gone(&stack, &tenant).await;

        again().await.problem(401, "unauthenticated");
        tenant.administrator.delete("/workspace/deletion").await.problem(401, "unauthenticated");
        tenant.operator.in_browser().get("/me").await.problem(401, "unauthenticated");
        let route = Route {
            tenant: TenantId::from(tenant.id),
            schema: tenant.schema.parse().expect("a schema's name"),
        };
        let about = [&run, &schedule, &job].map(|thing| work::id(thing).parse().expect("an id"));
        for kind in [Kind::Run, Kind::Cancel, Kind::Fire, Kind::Wake, Kind::Test, Kind::Poll, Kind::Watch] {
            for id in about {
                let message = Message { route: route.clone(), kind, id, round: 0, at: None, outbox: None };
                let body = signer.seal(&message).expect("a body");
                stack.cloud().send("work", Draft { body, ..Draft::default() }).expect("a queue");
            }
        }
        work::until("all were received and dropped", SOON, async || {
            let stats = &stack.cloud().queues()["work"];
            stats.visible + stats.in_flight + stats.delayed == 0
        })
        .await;
        assert_eq!(stack.cloud().queues()["work"].dead, 0, "a void message is no failure");
        assert_eq!(world.len(), asked, "nothing was started");
        assert_eq!(traces.left(&stack).await, Vec::<String>::new());
        stack.stop().await;
    });
}
