//! Operators and a workspace that moves to another database: it is found where it is, and a grant ends where it was opened.

use serde_json::json;
use tests::{
    operator::{self, API},
    stack, tenant,
    work::{self, SOON},
};

#[test]
fn a_workspace_that_moved_is_found_and_a_grant_for_it_stays_behind() {
    stack::run(async {
        let stack = stack::own(|settings| settings.databases = vec!["north".to_owned()]).await;
        let (operator, tenant) = (operator::new(&stack).await, tenant::new(&stack).await);
        let one = format!("{API}/workspaces/{}", tenant.id);
        let (jobs, audit) = (format!("{one}/jobs"), format!("{API}/audit?workspace_id={}", tenant.id));
        operator::grant(&operator, tenant.id).await;
        operator.get(&jobs).await.expect(200);

        let order = json!({ "do": "move", "tenant_id": tenant.id, "to": "dedicated", "database": "north" });
        stack.order(order).await.expect("the steward takes the order");
        work::until("it is there", 2 * SOON, async || {
            let seen = operator.get(&one).await;
            seen.status == 200 && seen.json()["database"] == "north" && seen.json()["operations"]["open"] == 0
        })
        .await;
        operator.get(&jobs).await.problem(403, "no_grant");
        operator::grant(&operator, tenant.id).await;
        operator.get(&jobs).await.expect(200);

        let actions = async |path: &str| {
            let log = operator.get(path).await.expect(200);
            let items = log["items"].as_array().cloned().expect("items");
            items.iter().filter_map(|it| it["action"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let here = actions(&audit).await;
        assert_eq!(here[..2], ["jobs.list", "operator.grant"]);
        assert!(here[2..].iter().all(|action| action == "workspaces.get"), "{here:?}");
        let before = actions(&format!("{audit}&database=first&limit=200")).await;
        assert_eq!(
            before[before.len() - 2..],
            ["jobs.list", "operator.grant"],
            "who looked there is told there"
        );
        // The customer's own log came along whole.
        let theirs = tenant.administrator.get("/audit?limit=200").await.expect(200);
        let looks =
            theirs["items"].as_array().expect("items").iter().filter(|it| it["action"] == "jobs.list");
        assert_eq!(looks.count(), 2);
        stack.stop().await;
    });
}
