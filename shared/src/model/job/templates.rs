//! What templates of a job may name.
