//! How workspaces, people and sessions come and go, through the real sign-in.

mod exports;
mod first_sign_in;
mod large;
mod members;
mod migrations;
mod refusals;
mod restore_kills;
mod restores;
mod sessions;
mod suspension;
