//! How workspaces, people and sessions come and go, through the real sign-in.

mod artefacts;
mod deletion;
mod first_sign_in;
mod killed;
mod leftovers;
mod members;
mod migrations;
mod sessions;
mod suspension;
