//! One tenant reaches nothing of another, whatever it sends: the fence in the database, the transactions that hold it, and
//! the API in front, each tested on its own.

mod api;
mod catalog;
mod crossing;
mod escapes;
mod evidence;
mod leaks;
mod scope;
mod statements;
