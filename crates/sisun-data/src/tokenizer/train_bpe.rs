//! Byte-level byte-pair encoding (Sennrich et al. 2016; Radford et al. 2019), trained on a text.

use crate::{DataError, END_OF_TEXT, Tokenizer};
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

impl Tokenizer {
    /// Trains a byte-level BPE tokenizer: GPT-2's pre-tokenizer without a space put in front, the
    /// 256 bytes as alphabet, `<|endoftext|>` and `specials` as the first ids. The same text gives
    /// the same tokenizer. A text with too few repeated pairs gives a smaller vocabulary than
    /// `vocab_size`.
    ///
    /// A text cut into several strings gives the same result if it is cut before white space that
    /// follows something else, since no token reaches across such a place.
    ///
    /// # Errors
    /// [`DataError::VocabTooSmall`], [`DataError::BadSpecial`].
    pub fn train_bpe<S: AsRef<str> + Send>(
        texts: impl Iterator<Item = S> + Send,
        vocab_size: usize,
        specials: &[String],
    ) -> Result<Self, DataError> {
        let specials = all_specials(specials)?;
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
            for part in without(text, &specials) {
                let mut split = PreTokenizedString::from(part);
                byte_level.pre_tokenize(&mut split)?;
                let pieces = split.get_splits(OffsetReferential::Original, OffsetType::None);
                words.extend(pieces.into_iter().flat_map(|(word, _, _)| in_parts(word)));
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
        Self::from_json(
            tokenizer
                .to_string(false)
                .map_err(DataError::tokenizer)?
                .as_bytes(),
            None,
        )
    }
}

/// `<|endoftext|>` and the person's own, checked.
fn all_specials(specials: &[String]) -> Result<Vec<String>, DataError> {
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

/// A word in GPT-2's alphabet, of which every character is a byte, cut if it is very long.
fn in_parts(word: &str) -> Vec<String> {
    if word.len() <= LONGEST_WORD {
        return vec![word.to_owned()];
    }
    let bytes: Vec<char> = word.chars().collect();
    bytes
        .chunks(LONGEST_WORD)
        .map(|part| part.iter().collect())
        .collect()
}

/// The parts of `text` between special tokens: what is special is never part of a merge.
fn without<'t>(text: &'t str, specials: &[String]) -> Vec<&'t str> {
    specials.iter().fold(vec![text], |parts, special| {
        parts
            .into_iter()
            .flat_map(|part| part.split(special.as_str()))
            .collect()
    })
}
