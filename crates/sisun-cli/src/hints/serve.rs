//! Errors of `sisun-serve`.

use sisun_serve::ServeError;

/// Return the error with what to do, if that is not part of it.
pub(crate) fn message(error: &ServeError) -> Option<String> {
    Some(match error {
        ServeError::PortInUse { .. } | ServeError::PortForbidden { .. } => {
            format!("{error}: choose another with --port, or leave it out to take a free one")
        }
        _ => return None,
    })
}
