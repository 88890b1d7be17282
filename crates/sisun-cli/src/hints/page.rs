//! Errors of a model in a page.

use sisun_viz::page::LiveError;

/// Return the message of an error, if options or commands help with it.
pub(crate) fn message(error: &LiveError) -> Option<String> {
    Some(match error {
        LiveError::TooLarge { .. } => format!(
            "{error}: `sisun attend --format html` writes a page of one text without the model"
        ),
        LiveError::UnusuallyLarge { .. } | LiveError::OutOfRange { .. } => {
            format!("{error} (--weights)")
        }
        LiveError::Infer(error) => return super::infer::message(error),
        _ => return None,
    })
}
