//! Errors of comparisons.

use super::{config, model};
use sisun_compare::CompareError;

/// Return the message of an error, if options or commands help with it.
pub(crate) fn message(error: &CompareError) -> Option<String> {
    Some(match error {
        CompareError::Config { context, source } => {
            format!("{context}{}", config::message(source)?)
        }
        CompareError::Model(error) => return model::message(error),
        CompareError::SingleExperiment { .. } => {
            format!("{error}; `sisun train` takes single experiments")
        }
        CompareError::NoSuchBudget {
            budget,
            path,
            known,
        } => format!(
            "--budget {budget}: {} has no such budget; it has {known}",
            path.display()
        ),
        CompareError::UnusedBudget {
            given,
            named,
            exists: true,
            budget,
        } => format!(
            "--set {given}: the budget in use is {budget:?}; choose the other with --budget {named}"
        ),
        CompareError::UnusedBudget {
            given,
            named,
            budget,
            ..
        } => format!("--set {given}: there is no budget {named:?}; the one in use is {budget:?}"),
        CompareError::OtherGrid { .. } => {
            format!("{error}: give another --out, or remove it to begin anew")
        }
        _ => return None,
    })
}
