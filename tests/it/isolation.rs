//! One tenant reaches nothing of another, whatever it sends: the fence in the database, the transactions that hold it, and
//! the API in front, each tested on its own.

mod api;
mod catalog;
mod checks;
mod ciphertexts;
mod crossing;
mod databases;
mod escapes;
mod evidence;
mod leaks;
mod matrix;
mod messages;
mod names;
mod pooler;
mod pools;
mod sabotage;
mod scope;
mod statements;
mod versions;
mod visible;
