//! Checks of Sisun's promises on the user's own machine and model: `sisun verify`.
//!
//! [`verify`] runs every check that applies and returns a [`Check`] for each: the comparison, its
//! result, and the verdict. Only a folder of temporary files is written, which is removed again.

mod check;
mod checksums;
mod devices;
mod logits;
mod pairs;
mod passes;
mod resume;
mod round_trip;
mod subject;
mod tokenizer;
mod workplace;

pub use check::{Check, Verdict};
pub use subject::ModelUnderTest;

use crate::check::{Checks, OPENS};
use crate::subject::Files;
use crate::workplace::TempWorkspace;
use anyhow::Result;
use std::path::Path;

/// Run all checks on a run directory, one of its checkpoints, or a Hugging Face directory. `made`
/// is called with the folder of temporary files once it exists, so that the caller can remove it
/// when the process ends early; `started` is called with the name of each check before it runs.
///
/// If a model cannot be opened, only its files are checked.
///
/// # Errors
/// If the path does not name a model, or if the temporary folder cannot be made.
pub fn verify(
    path: &Path,
    made: &mut dyn FnMut(&Path),
    started: &mut dyn FnMut(&str),
) -> Result<Vec<Check>> {
    let mut checks = Checks {
        list: Vec::new(),
        started,
    };
    let files = ModelUnderTest::files(path)?;
    checks.add(checksums::NAME, &mut || checksums::check(&files));
    if let Files::Run(run) = &files
        && run.is_seq2seq()?
    {
        return pairs::verify(run, made, checks);
    }
    let mut opened = None;
    checks.add(OPENS, &mut || {
        let subject = ModelUnderTest::open(&files)?;
        let found = subject.describe();
        opened = Some(subject);
        Ok(Check::holds(OPENS, found))
    });
    let Some(subject) = opened else {
        return Ok(checks.list);
    };
    let workplace = TempWorkspace::new()?;
    let folder = workplace.path();
    made(folder);
    checks.add(round_trip::SAVED, &mut || {
        round_trip::saved(&subject, folder)
    });
    checks.add(resume::NAME, &mut || resume::check(&subject, folder));
    checks.add(passes::CACHED, &mut || passes::cached(&subject));
    checks.add(passes::CAPTURED, &mut || passes::captured(&subject));
    checks.add(devices::NAME, &mut || devices::check(&subject));
    checks.add(round_trip::EXPORTED, &mut || {
        round_trip::exported(&subject, folder)
    });
    checks.add(tokenizer::NAME, &mut || tokenizer::check(&subject));
    Ok(checks.list)
}
