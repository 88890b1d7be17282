//! Vocabulary size of a model before training.

use anyhow::{Context, Result, bail};
use sisun_config::{DataConfig, ModelConfig, TokenizerConfig};
use sisun_data::vocabulary_size;

/// Set `model.vocab_size` according to `[tokenizer]`, unless the file states it: the requested size
/// of a BPE, the size of a `tokenizer.json`, or the number of characters in the text.
///
/// # Errors
/// If the size cannot be determined.
pub(crate) fn settle(
    model: &mut ModelConfig,
    tokenizer: Option<&TokenizerConfig>,
    data: Option<&DataConfig>,
) -> Result<()> {
    if model.vocab_size.is_some() {
        return Ok(());
    }
    let remedy = "or state it with --set model.vocab_size=N";
    let size = match (tokenizer, data) {
        (None, _) => {
            bail!("the file has no [tokenizer] that gives the vocabulary: add one, {remedy}")
        }
        (Some(TokenizerConfig::Char), None) => {
            bail!(
                "characters are counted in a text, and the file names none in [data]: name one, {remedy}"
            )
        }
        (Some(TokenizerConfig::Char), Some(data))
            if data
                .sources
                .iter()
                .chain(&data.validation)
                .any(|source| source == "-") =>
        {
            bail!(
                "characters are counted in a text, and standard input is not read for it: name a file in data.sources, {remedy}"
            )
        }
        (Some(tokenizer), data) => {
            let none = DataConfig::with_sources(Vec::new());
            let data = data.unwrap_or(&none);
            vocabulary_size(data, tokenizer, &data.cache_folder(), &mut |_| {})
                .with_context(|| format!("the size of the vocabulary is not known: make the text or tokenizer that [data] and [tokenizer] name readable, {remedy}"))?
        }
    };
    model.vocab_size = Some(size);
    Ok(())
}
