//! Who may enter (threats A9 to A21): the sign-in function behind the gateway, with a provider that a test edits. Tokens
//! of every forged shape are judged by `shared::auth`'s own tests; here are the flow, the database's verdict, and the session.

mod admission;
mod browser;
mod direct;
mod flow;
mod invitations;
mod routes;
mod services;
mod sessions;
mod tampered;
mod workspaces;
