//! Sequence-to-sequence runs, which some commands serve in a way of their own.

mod attend;
mod evaluate;
mod info;
mod sample;

pub(crate) use attend::{MapOutput, PairText, attend};
pub(crate) use evaluate::evaluate;
pub(crate) use info::{info, needs};
pub(crate) use sample::{GivenSource, sample};

use crate::common::DeviceArgs;
use crate::failure::Usage;
use anyhow::{Result, bail};
use sisun_config::shell;
use sisun_infer::{Decoding, Translator};
use sisun_model::Run;
use std::path::Path;

/// Open a RUN argument if it names a sequence-to-sequence run. Anything that cannot be read is left
/// to the command, which reports it.
pub(crate) fn run_of(path: &Path) -> Option<Run> {
    if sisun_hf::is_model(path).ok()? {
        return None;
    }
    let run = Run::open(path).ok()?;
    run.is_seq2seq().ok()?.then_some(run)
}

/// Refuse a sequence-to-sequence run.
///
/// # Errors
/// If the path names one; `because` says why it is not taken and what to do, with the run's path as
/// a shell takes it.
pub(crate) fn refuse_run(path: &Path, because: impl FnOnce(&str) -> String) -> Result<()> {
    match run_of(path) {
        None => Ok(()),
        Some(run) => Err(Usage(format!(
            "{} is a run of a sequence-to-sequence model, and this takes a language model: {}",
            run.root().display(),
            because(&shell::path(run.root()))
        ))
        .into()),
    }
}

/// Refuse options that a sequence-to-sequence run would ignore: the option, true if it is given, and
/// what such a run does instead, with what to do.
///
/// # Errors
/// If one is given.
pub(crate) fn refuse(run: &Run, options: &[(&str, bool, &str)]) -> Result<()> {
    match options.iter().find(|(_, given, _)| *given) {
        None => Ok(()),
        Some((option, _, instead)) => Err(Usage(format!(
            "{option} is for language models, and {} is a sequence-to-sequence run, {instead}",
            run.root().display()
        ))
        .into()),
    }
}

/// The reason against `--edit`.
pub(crate) const NO_EDITS: &str =
    "whose activations cannot be edited: leave it out; `sisun attend --ablate` ablates its heads";

/// The reason against `--precision`.
pub(crate) const FLOAT32: &str = "which computes in float32: leave it out";

/// Return the target that the model writes.
///
/// # Errors
/// If the source cannot be read, or the target is empty.
pub(crate) fn written_target(loaded: &Translator, source: &str) -> Result<String> {
    let found = loaded.translate(source, Decoding::Greedy)?;
    match found.into_iter().next().filter(|one| !one.text.is_empty()) {
        Some(one) => Ok(one.text),
        None => bail!(
            "the model writes an empty target for this source, as one that has hardly learned does: give one with --target, or train it longer"
        ),
    }
}

/// Load the model of a run on the chosen device, and introduce it.
pub(crate) fn open(run: &Run, device: &DeviceArgs) -> Result<Translator> {
    let chosen = device.choose(|| Some(crate::work::PAIRS))?;
    let loaded = Translator::of_run(run, &chosen.device)?;
    device.note(&loaded.introduction());
    Ok(loaded)
}
