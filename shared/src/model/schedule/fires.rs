//! Fires.
