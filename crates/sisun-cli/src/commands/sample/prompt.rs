//! The text to continue, and the sources to write targets of.

use super::args::Args;
use crate::failure::Usage;
use crate::given_text;
use crate::pairs;
use anyhow::Result;

/// The text to continue.
#[derive(Default)]
pub(super) struct Prompt {
    pub(super) text: String,
    /// True if a line end followed it in a file, which is part of the prompt only where the model
    /// expects one.
    pub(super) ends_line: bool,
}

/// Return the prompt, if there is one.
pub(super) fn prompt(args: &Args) -> Result<Option<Prompt>> {
    Ok(match (&args.prompt, &args.prompt_file) {
        (Some(prompt), _) => Some(Prompt {
            text: prompt.clone(),
            ends_line: false,
        }),
        (None, Some(path)) => {
            let given_text::Lines { text, ends_line } = given_text::lines("prompt file", path)?;
            Some(Prompt { text, ends_line })
        }
        (None, None) => None,
    })
}

/// Return the sources to write targets of: the prompt, or each line of a file.
///
/// # Errors
/// If the file cannot be read or has a blank line between others.
pub(super) fn sources(args: &Args) -> Result<Option<Vec<pairs::GivenSource>>> {
    let Some(Prompt { text, .. }) = prompt(args)? else {
        return Ok(None);
    };
    let Some(file) = &args.prompt_file else {
        return Ok(Some(vec![pairs::GivenSource { text, place: None }]));
    };
    let name = match file.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => format!("`{}`", file.display()),
    };
    let lines = text.trim_end().lines().zip(1..);
    let sources = lines.map(|(line, number)| {
        let place = format!("{name} line {number}");
        match line.trim().is_empty() {
            true => Err(Usage(format!(
                "{place}: the source is empty: write one on each line, or remove the line"
            ))),
            false => Ok(pairs::GivenSource {
                text: line.to_owned(),
                place: Some(place),
            }),
        }
    });
    let sources = sources.collect::<Result<Vec<_>, Usage>>()?;
    match sources.is_empty() {
        true => Err(Usage(format!("{name} holds no source: write one on each line")).into()),
        false => Ok(Some(sources)),
    }
}
