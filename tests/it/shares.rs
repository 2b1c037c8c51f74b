//! Fair shares: what a workspace may use holds over all instances and for it alone, and what it used is told.

mod brakes;
mod measured;
mod quotas;
mod rates;
mod times;
