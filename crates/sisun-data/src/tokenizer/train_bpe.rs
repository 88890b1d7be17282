//! Training byte-level byte-pair encoding (Sennrich et al. 2016; Radford et al. 2019) on a text.

use super::special_tokens::END_OF_TEXT;
use crate::DataError;
use tokenizers::{
    AddedToken, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Trainer,
    models::bpe::{BPE, BpeTrainer},
    pre_tokenizers::byte_level::ByteLevel,
};

/// A longer word, such as a line of base64, is counted in parts of this many bytes: the trainer's
/// time grows with the square of a word's length.
const LONGEST_WORD: usize = 512;

/// A pair is merged when it occurs at least this often.
const MIN_FREQUENCY: u64 = 2;

/// Train a tokenizer and return its `tokenizer.json`; see
/// [`Tokenizer::train_bpe`](crate::Tokenizer::train_bpe).
pub(super) fn train_bpe<S: AsRef<str> + Send>(
    texts: impl Iterator<Item = S> + Send,
    vocab_size: usize,
    specials: &[String],
) -> Result<String, DataError> {
    let specials = checked_specials(specials)?;
    if vocab_size < 256 + specials.len() {
        return Err(DataError::VocabTooSmall {
            vocab_size,
            specials: specials.len(),
        });
    }
    let byte_level = ByteLevel::new(false, false, true);
    let mut trainer = BpeTrainer::builder()
        .show_progress(false)
        .min_frequency(MIN_FREQUENCY)
        .vocab_size(vocab_size)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(
            specials
                .iter()
                .map(|special| AddedToken::from(special.clone(), true))
                .collect(),
        )
        .build();
    let words = |text: &str| {
        let mut words = Vec::new();
        for part in between_specials(text, &specials) {
            let mut split = PreTokenizedString::from(part);
            byte_level.pre_tokenize(&mut split)?;
            let pieces = split.get_splits(OffsetReferential::Original, OffsetType::None);
            words.extend(
                pieces
                    .into_iter()
                    .flat_map(|(word, _, _)| split_long_word(word)),
            );
        }
        Ok(words)
    };
    trainer.feed(texts, words).map_err(DataError::tokenizer)?;
    let mut model = BPE::default();
    let specials = trainer.train(&mut model).map_err(DataError::tokenizer)?;

    let mut tokenizer = tokenizers::Tokenizer::new(model);
    tokenizer
        .with_pre_tokenizer(Some(byte_level))
        .with_decoder(Some(byte_level));
    tokenizer
        .add_special_tokens(specials)
        .map_err(DataError::tokenizer)?;
    tokenizer.to_string(false).map_err(DataError::tokenizer)
}

/// Return `<|endoftext|>` and the special tokens of the configuration, after checking them.
fn checked_specials(specials: &[String]) -> Result<Vec<String>, DataError> {
    let mut all = vec![END_OF_TEXT.to_owned()];
    for special in specials {
        let problem = if special.is_empty() {
            "is empty"
        } else if all.contains(special) {
            "is there already (<|endoftext|> always is)"
        } else if special.chars().count() == 1 {
            "is a single character"
        } else if !special.chars().all(|c| c.is_ascii_graphic()) {
            "has characters other than visible ASCII"
        } else {
            all.push(special.clone());
            continue;
        };
        return Err(DataError::BadSpecial {
            special: special.clone(),
            problem,
        });
    }
    Ok(all)
}

/// Cut a word that is very long. In GPT-2's alphabet every character is one byte.
fn split_long_word(word: &str) -> Vec<String> {
    if word.len() <= LONGEST_WORD {
        return vec![word.to_owned()];
    }
    let bytes: Vec<char> = word.chars().collect();
    bytes
        .chunks(LONGEST_WORD)
        .map(|part| part.iter().collect())
        .collect()
}

/// Return the parts of `text` between special tokens, which are never part of a merge.
fn between_specials<'t>(text: &'t str, specials: &[String]) -> Vec<&'t str> {
    specials.iter().fold(vec![text], |parts, special| {
        parts
            .into_iter()
            .flat_map(|part| part.split(special.as_str()))
            .collect()
    })
}
