//! Errors of a model in a page.

use sisun_viz::page::LiveError;

/// Return the message of an error, if options or commands help with it.
pub(crate) fn message(error: &LiveError) -> Option<String> {
    Some(match error {
        LiveError::TooLarge { .. } => format!(
            "{error}: `sisun live` shows the page of a model of any size, and `sisun attend --format html` writes one of one text, without the model"
        ),
        LiveError::UnusuallyLarge { .. } => {
            format!("{error} (--weights); `sisun live` shows the page without a file")
        }
        LiveError::OutOfRange { .. } => format!("{error} (--weights)"),
        LiveError::Infer(error) => return super::infer::message(error),
        _ => return None,
    })
}
