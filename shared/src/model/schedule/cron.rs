//! The fields of a cron rule.
#[derive(Debug, Clone)]
pub(super) struct Fields {}
