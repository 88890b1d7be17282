//! Errors of drawn maps.

use sisun_viz::maps::MapsError;

/// Return the message of an error, if options or commands help with it.
pub(crate) fn message(error: &MapsError) -> Option<String> {
    Some(match error {
        MapsError::FontSize {
            given,
            least,
            greatest,
        } => format!("--font-size {given}: choose {least} to {greatest} pixels"),
        MapsError::CellTooSmall { given, least } => format!(
            "--cell {given} has no room for --values always: choose --cell {least} or more, leave \
             it out, or choose --values auto"
        ),
        _ => return None,
    })
}
