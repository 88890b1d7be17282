//! Errors in the words of the command line.
//!
//! The libraries report facts: paths, values, what was found. The options and commands that help are
//! added here, a file for each library.

mod compare;
mod config;
mod export;
mod infer;
mod maps;
mod model;
mod page;
mod serve;
pub(crate) mod train;

use anyhow::Error;

/// Format an error and its causes, except causes that the message already contains.
pub(crate) fn message(error: &Error) -> String {
    error.chain().fold(String::new(), |message, cause| {
        let text = describe(cause);
        if message.is_empty() {
            text
        } else if message.contains(&text) || message.contains(&cause.to_string()) {
            message
        } else {
            format!("{message}: {text}")
        }
    })
}

/// Format one error, without its causes.
pub(crate) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    None.or_else(|| error.downcast_ref().and_then(config::message))
        .or_else(|| error.downcast_ref().and_then(model::message))
        .or_else(|| error.downcast_ref().and_then(train::message))
        .or_else(|| error.downcast_ref().and_then(infer::message))
        .or_else(|| error.downcast_ref().and_then(maps::message))
        .or_else(|| error.downcast_ref().and_then(page::message))
        .or_else(|| error.downcast_ref().and_then(export::message))
        .or_else(|| error.downcast_ref().and_then(serve::message))
        .or_else(|| error.downcast_ref().and_then(compare::message))
        .unwrap_or_else(|| error.to_string())
}
