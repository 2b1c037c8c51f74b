//! People: their roles, invitations and API tokens, and that every change holds at the next request.

mod administrators;
mod effect;
mod roles;
mod tokens;
