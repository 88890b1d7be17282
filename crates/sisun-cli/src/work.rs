//! The work of a command, for which `--device auto` chooses.

use crate::model_source::PrecisionArgs;
use sisun_config::{Config, ModelConfig, Precision, TokenizerConfig};
use sisun_devices::Work;
use sisun_model::Run;
use std::path::Path;

/// Size that a vocabulary of characters is taken to have before they are counted.
const CHARACTERS: usize = 256;

/// Whatever is done with a sequence-to-sequence model: its recurrent kernels are the CPU's, and no
/// trial compares them.
pub(crate) const PAIRS: Work = Work::OnCpu("sequence-to-sequence models compute there");

/// Return the training of a configuration.
pub(crate) fn training(config: &Config) -> Work {
    let vocabulary = match &config.tokenizer {
        TokenizerConfig::Bpe { vocab_size, .. } => *vocab_size,
        _ => CHARACTERS,
    };
    Work::training(&config.model, &config.train, config.lora(), vocabulary)
}

/// Return the training that a run goes on with; `None` if it cannot be read.
pub(crate) fn resumed(run_dir: &Path) -> Option<Work> {
    Some(training(&Run::open(run_dir).ok()?.config().ok()?))
}

/// Return the writing of text with the model of a RUN argument; `None` if it cannot be read.
pub(crate) fn decoding(run: &Path, precision: PrecisionArgs) -> Option<Work> {
    of_model(run, precision, |model| Work::Decoding { model })
}

/// Return the reading of texts with the model of a RUN argument; `None` if it cannot be read.
pub(crate) fn reading(run: &Path, precision: PrecisionArgs) -> Option<Work> {
    of_model(run, precision, |model| Work::Reading { model })
}

fn of_model(
    run: &Path,
    precision: PrecisionArgs,
    work: impl FnOnce(ModelConfig) -> Work,
) -> Option<Work> {
    if precision.precision == Precision::Bf16 {
        return Some(Work::OnCpu("--precision bf16 computes there"));
    }
    let model = match sisun_hf::is_model(run).ok()? {
        true => sisun_hf::describe(run).ok()?.1,
        false => Run::open(run).ok()?.config().ok()?.model,
    };
    Some(work(model))
}
