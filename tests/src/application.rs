//! Applications of a directory, which come with their directory's token instead of a person.

use local::{oidc::Application, stack::Stack};
use serde_json::Value;
use uuid::Uuid;

use crate::tenant::random_id;

/// An application that a directory knows.
pub fn new(stack: &Stack, directory_id: Uuid) -> Application {
    let secret = random_id().to_string();
    let application =
        Application { directory_id, object_id: random_id(), client_id: random_id(), client_secret: secret };
    stack.oidc().add_application(application.clone());
    application
}

/// The directory's token for it, by the client-credentials flow.
pub async fn directory_token(stack: &Stack, application: &Application) -> String {
    let url = format!("{}/{}/oauth2/v2.0/token", stack.oidc().base(), application.directory_id);
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=api%3A%2F%2F{}%2F.default",
        application.client_id,
        application.client_secret,
        stack.oidc().client_id()
    );
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}
