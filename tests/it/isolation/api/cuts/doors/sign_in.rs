//! Sign-in's handlers, cut off: whoever comes next begins a session in their own workspace.

use std::time::Instant;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use local::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    application, database,
    dice::Dice,
    tenant::{self, Placement, Tenant},
};

use super::{Door, Knock, SEED, left_open};
use crate::isolation::api::cuts::cut::Seen;

/// An application of a workspace, with its directory's token.
async fn program(stack: &Stack, tenant: &Tenant) -> String {
    let application = application::new(stack, tenant.directory.id);
    let member = json!({
        "kind": "service_principal", "directory_id": application.directory_id, "object_id": application.object_id,
        "role": "operator",
    });
    tenant.administrator.post("/users", &member).await.expect(201);
    application::directory_token(stack, &application).await
}

fn exchange(token: &str) -> Knock {
    Knock::new("token", Method::POST, "/auth/token").with("authorization", format!("Bearer {token}"))
}

/// Whether a session that was begun is of this workspace.
fn is_of(session: &Value, tenant: &Tenant) -> Result<(), String> {
    let token = session["access_token"].as_str().unwrap_or_default();
    let claims =
        token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    if claims["tenant_id"] == json!(tenant.id) && claims["tenant_schema"] == json!(tenant.schema) {
        return Ok(());
    }
    Err(format!("a session of another workspace: {claims}"))
}

/// Sign-in's handlers, by so many cuts; how many they are.
pub(in crate::isolation::api::cuts) async fn of_signin(stack: &'static Stack, cuts: usize) -> (Seen, usize) {
    let door = Door::signin(stack).await;
    let (ours, theirs) = (tenant::new(stack).await, tenant::new_in(stack, Placement::Pooled).await);
    let (our_program, their_program) = (program(stack, &ours).await, program(stack, &theirs).await);
    let leaving = tenant::signed_in(stack, &ours.operator_account).await;
    let behind = database::superuser(stack).await;
    let (mut dice, mut seen) = (Dice::new(SEED), Seen::default());
    let started = Instant::now();
    let names = ["callback", "logout", "callback", "token", "login"];
    while seen.cuts < cuts && seen.wrong.len() < 5 {
        let knock = match names[seen.tried() % names.len()] {
            "callback" => door.callback("auth", &ours.administrator_account.user_name).await,
            "logout" => {
                Knock::new("logout", Method::POST, "/auth/logout").by(&leaving).with("origin", &door.site)
            }
            "token" => exchange(&our_program),
            _ => Knock::new("login", Method::GET, "/auth/login"),
        };
        door.cut(&knock, &mut dice, &mut seen, async || {
            let (status, begun) = door.whole(&exchange(&their_program)).await;
            if status != 200 {
                return Err(format!("the next one is answered {status}: {begun}"));
            }
            is_of(&begun, &theirs)?;
            match left_open(&behind, "^signalbox_signin").await {
                0 => Ok(()),
                open => Err(format!("{open} transactions are open")),
            }
        })
        .await;
    }
    seen.took = started.elapsed();
    (seen, 4)
}
