//! The portal: the JSON API under `/api/v1` and the web pages, behind the API gateway's `$default` route.
//!
//! One request in, one answer out. The way of a request: [`serve`] gives it an id and finds its route; the route's arguments
//! ([`argument`]) are read from it, the caller first; the handler in [`routes`] opens one transaction and answers. What a route
//! needs, takes and answers is its type, so the document ([`document`]) is made from the same code.
//!
//! Never here: a call to a customer's platform or vault, DDL, a wait for work to be done.

mod admission;
mod app;
mod argument;
mod body;
mod caller;
mod crossing;
mod document;
mod door;
mod endpoint;
mod fault;
mod pages;
mod refusals;
mod reply;
mod route;
mod routes;
mod seen;
mod serve;
mod work;

pub use app::{App, AppQueues, AppSecrets, AppSettings};
pub use serve::router;
