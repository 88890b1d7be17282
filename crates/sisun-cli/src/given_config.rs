//! The way on after a configuration that cannot be read.

use crate::commands::init::FIRST_EXAMPLE;
use crate::failure::Usage;
use crate::hints;
use anyhow::Error;
use sisun_config::{ConfigError, check_pointer, shell};
use std::path::Path;

/// Endings of files that are texts, not configurations.
const TEXTS: [&str; 5] = ["txt", "text", "md", "jsonl", "ndjson"];

/// Add the command that writes a configuration to the error of a file that is text, not TOML, or
/// that does not exist: those of the documentation come with a checkout only. `command` is the one
/// that was given the file.
pub(crate) fn with_init(error: ConfigError, command: &str, config: &Path) -> Error {
    if !config.exists() && config.starts_with("configs") {
        let message = format!(
            "{}\nconfigs/ comes with the source code\nto see a first example: {FIRST_EXAMPLE}",
            hints::describe(&error)
        );
        return Error::new(error).context(message);
    }
    let is_text = config
        .extension()
        .is_some_and(|ending| TEXTS.iter().any(|known| ending == *known));
    let is_pointer = || std::fs::read(config).is_ok_and(|bytes| check_pointer(&bytes).is_err());
    if !is_text || is_pointer() {
        return error.into();
    }
    Usage(format!(
        "{} is a text, and `sisun {command}` takes a configuration, a TOML file\nto write one for it: sisun init {}",
        config.display(),
        shell::path(config)
    ))
    .into()
}
