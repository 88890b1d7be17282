//! Text that a model was not trained on.

use crate::common::DeviceArgs;
use anyhow::{Result, bail};
use sisun_config::{DataConfig, TokenizerConfig};
use sisun_data::{Tokens, prepare, prepare_whole};
use sisun_infer::Loaded;
use sisun_model::Run;

/// The text of these files, folders or globs; of none: the run's own held-out text. `data` is how the run reads text.
pub(crate) fn held_out(
    sources: &[String],
    run: &Run,
    loaded: &Loaded,
    data: DataConfig,
    device: &DeviceArgs,
) -> Result<Tokens> {
    let cache = data.cache_folder();
    let mut progress = |line: &str| device.note(line);
    let text = if sources.is_empty() {
        let tokenizer = TokenizerConfig::File { path: run.tokenizer() };
        prepare(&data, &tokenizer, 1, &cache, &mut progress)?.validation
    } else {
        let data = DataConfig { sources: sources.to_vec(), ..data };
        prepare_whole(&data, &loaded.tokenizer, &cache, &mut progress)?
    };
    if text.len() < 2 {
        bail!("the text to evaluate on has fewer than two tokens: give a longer one with --data");
    }
    Ok(text)
}
