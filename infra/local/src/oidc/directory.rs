//! Whom and what the provider knows: people, their organisations' applications, and our own.

use uuid::Uuid;

/// Another application of ours that people sign in with.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its client id.
    pub client_id: Uuid,
    /// Its secret.
    pub client_secret: String,
    /// Where its sign-ins return to.
    pub redirect_uri: String,
}

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The directory (`tid`).
    pub directory_id: Uuid,
    /// The person in it (`oid`).
    pub object_id: Uuid,
    /// For display; never proof of anything.
    pub name: String,
    /// What the person types, and the `login_hint` that signs them in without the page.
    pub user_name: String,
}

/// An application that can ask for tokens of its own (client credentials).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The directory (`tid`).
    pub directory_id: Uuid,
    /// Its service principal in it (`oid`).
    pub object_id: Uuid,
    /// Its registration (`azp`).
    pub client_id: Uuid,
    /// Its secret.
    pub client_secret: String,
}
