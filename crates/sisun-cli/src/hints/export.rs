//! Errors of Hugging Face directories.

use super::model;
use sisun_hf::HfError;

/// Return the message of an error, if options or commands help with it.
pub(crate) fn message(error: &HfError) -> Option<String> {
    Some(match error {
        HfError::Model(error) => return model::message(error),
        HfError::Exists { .. } => format!("{error}: name another with --to, or remove it"),
        HfError::InUse { .. } => {
            format!("{error}: wait until it is done, or name another with --to")
        }
        HfError::PastFloat16 { name, value } => format!(
            "{name} holds {value}, past float16's largest number, 65504: write it with --dtype \
             bfloat16 or float32"
        ),
        _ => return None,
    })
}
