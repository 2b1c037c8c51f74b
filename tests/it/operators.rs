//! Platform operators: their separate door, their grants, and what both audit logs hold of it (threats C4, C6, A12, A21).

mod access;
mod content;
mod databases;
mod door;
mod grants;
mod life;
mod moved;
mod restored;
mod scope;
mod view;
mod walk;
