//! What a run does: its graph, its tries, its slots, its stops and time limits, and what it makes of platforms that misbehave.
//! Each test asks the platform's own ledger what really happened, and then the rows whether they hold together.

mod cancels;
mod egress;
mod graphs;
mod limits;
mod platforms;
mod retries;
mod slots;
mod templates;
mod urls;
