//! Sandboxes stay in the database of their workspace, which stays with them.

use serde_json::json;
use tests::{stack, tenant};

use super::{At, arrived, ask, failed, leftovers, with_north};
use crate::lifecycle::sandboxes::{delete, entered, made};

#[test]
fn a_workspace_moves_to_another_database_once_its_sandboxes_are_gone() {
    stack::run(async {
        let stack = with_north().await;
        let tenant = tenant::new(&stack).await;
        let sandbox = made(&tenant.administrator).await;
        ask(&stack, &tenant, At::North).await;
        failed(&stack, &tenant, "its sandboxes would stay behind").await;
        let again = tenant::signed_in(&stack, &tenant.administrator_account).await;
        delete(&stack, &entered(&again, &sandbox).await).await;
        ask(&stack, &tenant, At::North).await;
        arrived(&stack, &tenant, (At::Schema, At::North)).await;
        assert_eq!(leftovers(&stack).await, (json!([]), json!([])));
        stack.stop().await;
    });
}
