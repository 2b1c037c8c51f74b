//! The API in front of the fence. Attempts are generated from the document that the portal serves, so that a new route is
//! attacked as soon as it is there, and fails the tests where nobody says who may call it or what it takes.

mod answers;
pub(super) mod attempts;
pub(super) mod bent;
mod bodies;
mod bulk;
pub(super) mod canaries;
mod cuts;
pub(super) mod document;
mod judge;
pub(super) mod planted;
mod recorded;
mod roles;
mod spellings;
pub(super) mod spots;
pub(super) mod timing;
mod versions;
pub(super) mod way;
