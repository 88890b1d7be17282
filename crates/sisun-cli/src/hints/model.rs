//! Errors of models and devices.

use super::config;
use sisun_config::shell;
use sisun_model::{ModelError, did_you_mean};

/// Return the message of an error, if options or commands help with it.
pub(crate) fn message(error: &ModelError) -> Option<String> {
    Some(match error {
        ModelError::Config(error) => return config::message(error),
        ModelError::NoSuchRun { path } if did_you_mean(path).is_empty() => format!(
            "{error}; `sisun train CONFIG` makes one under runs/{}",
            shell::of_tilde(path)
        ),
        ModelError::PastLimit { .. } => format!("{error} with --device cpu"),
        ModelError::NoDevice { .. } => format!("--{error}; or use --device cpu"),
        _ => return None,
    })
}
