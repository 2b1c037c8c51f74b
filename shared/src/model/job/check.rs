//! Checks of a job.
use super::{JobDefinition, KindOf, VariablesOf};
use crate::model::problem::Problem;
pub(super) fn job(_job: &JobDefinition, _kind_of: KindOf<'_>, _variables_of: VariablesOf<'_>) -> Vec<Problem> { Vec::new() }
