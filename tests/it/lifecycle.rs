//! How workspaces, people and sessions come and go, through the real sign-in.

mod artefacts;
mod chains;
mod deletion;
mod exports;
mod first_sign_in;
mod killed;
mod large;
mod leftovers;
mod members;
mod migrations;
mod refusals;
mod restore_kills;
mod restores;
mod root_rotations;
mod rotation_kills;
mod rotation_writes;
mod rotations;
mod sessions;
mod suspension;
mod two_versions;
