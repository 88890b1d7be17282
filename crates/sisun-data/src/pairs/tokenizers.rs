//! The tokenizers of both sides, one for both or one for each.

use super::alignment::Pair;
use super::read::PairCorpus;
use crate::{DataError, Encoding, Tokenizer, TokenizerKeys};
use sisun_config::{Normalize, PairTokenizersConfig, TokenizerConfig};
use std::path::Path;

/// The most bytes of text that a tokenizer is trained on; more is sampled evenly.
const MAX_TRAINING_BYTES: usize = 12 << 20;

/// A side of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The text that is read.
    Source,
    /// The text that is written.
    Target,
}

impl Side {
    /// Return the name that messages use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }
}

/// The tokenizers of both sides.
///
/// The model's vocabulary of targets has two more rows than the tokenizer: [`begin`], which the
/// decoder reads first, and [`end`], which it writes last. No text can hold them.
///
/// [`begin`]: PairTokenizers::begin
/// [`end`]: PairTokenizers::end
#[derive(Clone, Debug)]
pub struct PairTokenizers {
    source: Tokenizer,
    /// `None`: that of the source.
    target: Option<Tokenizer>,
}

impl PairTokenizers {
    /// Use one tokenizer for both sides.
    pub fn shared(tokenizer: Tokenizer) -> Self {
        Self {
            source: tokenizer,
            target: None,
        }
    }

    /// Use a tokenizer for each side.
    pub fn separate(source: Tokenizer, target: Tokenizer) -> Self {
        Self {
            source,
            target: Some(target),
        }
    }

    /// Read the tokenizer of each side, which are the same if `settings` have one for both.
    ///
    /// # Errors
    /// Those of [`Tokenizer::from_file`].
    pub fn from_files(
        settings: PairTokenizersConfig<'_>,
        source: &Path,
        target: &Path,
    ) -> Result<Self, DataError> {
        let [source, target] = [Tokenizer::from_file(source)?, Tokenizer::from_file(target)?];
        let is_shared = matches!(settings, PairTokenizersConfig::Shared(_));
        Ok(match is_shared && source.sha256() == target.sha256() {
            true => Self::shared(source),
            false => Self::separate(source, target),
        })
    }

    /// Return the tokenizer of sources.
    pub fn source(&self) -> &Tokenizer {
        &self.source
    }

    /// Return the tokenizer of targets.
    pub fn target(&self) -> &Tokenizer {
        self.target.as_ref().unwrap_or(&self.source)
    }

    /// Return the settings of the tokenizer of a side, for messages.
    pub fn keys(&self, side: Side) -> TokenizerKeys {
        TokenizerKeys {
            kind: match (self.is_shared(), side) {
                (true, _) => TokenizerKeys::LANGUAGE.kind,
                (false, Side::Source) => "source_tokenizer.kind",
                (false, Side::Target) => "target_tokenizer.kind",
            },
            normalize: "pairs.normalize",
        }
    }

    /// Return the tokens of a text of one side.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`]; remedies name the settings of pairs.
    pub fn encode(&self, side: Side, text: &str) -> Result<Encoding, DataError> {
        let tokenizer = self.of(side);
        tokenizer
            .encode(text)
            .map_err(|error| error.naming(self.keys(side)))
    }

    /// Return the tokenizer of a side.
    pub fn of(&self, side: Side) -> &Tokenizer {
        match side {
            Side::Source => self.source(),
            Side::Target => self.target(),
        }
    }

    /// Return true if both sides have the same tokenizer.
    pub fn is_shared(&self) -> bool {
        self.target.is_none()
    }

    /// Return the number of rows of the source's embedding.
    pub fn source_vocab(&self) -> usize {
        self.source.vocab_size()
    }

    /// Return the number of rows of the target's embedding: its tokens, begin and end.
    pub fn target_vocab(&self) -> usize {
        self.target().vocab_size() + 2
    }

    /// Return the id that the decoder reads first.
    pub fn begin(&self) -> u32 {
        self.target().vocab_size() as u32
    }

    /// Return the id that ends a target.
    pub fn end(&self) -> u32 {
        self.begin() + 1
    }
}

/// Return the tokenizers that the settings ask for: characters are those of all of `corpora`, a BPE
/// is trained on the first of them, the pairs to learn from.
///
/// # Errors
/// Those of [`Tokenizer::train_bpe`] and [`Tokenizer::from_file`].
pub fn make_pair_tokenizers(
    config: PairTokenizersConfig<'_>,
    corpora: &[&PairCorpus],
    normalize: Normalize,
) -> Result<PairTokenizers, DataError> {
    let source: fn(&Pair) -> [&str; 2] = |pair| [&pair.source, ""];
    let target: fn(&Pair) -> [&str; 2] = |pair| ["", &pair.target];
    let both: fn(&Pair) -> [&str; 2] = |pair| [&pair.source, &pair.target];
    let make = |config, texts| make_tokenizer(config, texts, corpora, normalize);
    Ok(match config {
        PairTokenizersConfig::Shared(config) => PairTokenizers::shared(make(config, both)?),
        PairTokenizersConfig::Separate {
            source: source_config,
            target: target_config,
        } => PairTokenizers::separate(make(source_config, source)?, make(target_config, target)?),
    })
}

fn make_tokenizer(
    config: &TokenizerConfig,
    texts: fn(&Pair) -> [&str; 2],
    corpora: &[&PairCorpus],
    normalize: Normalize,
) -> Result<Tokenizer, DataError> {
    let texts_of = |corpus: &'_ PairCorpus| -> Vec<String> {
        let texts = corpus.pairs.iter().flat_map(texts);
        texts
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let tokenizer = match config {
        TokenizerConfig::Char => {
            let pairs = corpora.iter().flat_map(|corpus| &corpus.pairs);
            Tokenizer::characters(pairs.flat_map(texts).flat_map(str::chars), false)?
        }
        TokenizerConfig::Bpe {
            vocab_size,
            specials,
        } => {
            let texts = corpora
                .first()
                .map_or_else(Vec::new, |first| texts_of(first));
            let bytes: usize = texts.iter().map(String::len).sum();
            let every = bytes.div_ceil(MAX_TRAINING_BYTES).max(1);
            Tokenizer::train_bpe(texts.into_iter().step_by(every), *vocab_size, specials)?
        }
        TokenizerConfig::File { path } => Tokenizer::from_file(path)?,
    };
    match normalize {
        Normalize::Nfc => tokenizer.composing(),
        Normalize::None => Ok(tokenizer),
    }
}
