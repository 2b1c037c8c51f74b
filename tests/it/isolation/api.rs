//! The API in front of the fence. Attempts are generated from the document that the portal serves, so that a new route is
//! attacked as soon as it is there, and fails the tests where nobody says who may call it or what it takes.

mod attempts;
mod document;
mod planted;
mod recorded;
mod roles;
mod spellings;
