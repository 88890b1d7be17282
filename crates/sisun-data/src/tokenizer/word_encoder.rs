//! Byte-level BPE word by word, as in GPT-2: the tokens of a word do not depend on its neighbours,
//! and most words have been encoded before. The ids are those of Hugging Face's library, which
//! spends most of its time on offsets that a corpus does not need.

use crate::{
    DataError, text::normalization::composed, tokenizer::byte_alphabet::character_of,
    tokenizer::hf_tokenizer::HfTokenizer,
};
use regex::Regex;
use std::{borrow::Cow, collections::HashMap, sync::LazyLock};
use tokenizers::{ModelWrapper, NormalizerWrapper, PreTokenizerWrapper};

/// GPT-2's pattern (<https://github.com/openai/gpt-2/blob/master/src/encoder.py>) without its
/// look-ahead `\s+(?!\S)`, which [`first_word_len`] does.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+")
        .expect("the pattern is well formed")
});

/// Longer words are not cached.
const MAX_CACHED_LEN: usize = 64;
/// The cache is cleared when it holds this many words, about 20 MB.
const MAX_CACHED_WORDS: usize = 1 << 17;

/// The ids of words that were encoded before.
pub(crate) type WordCache = HashMap<Box<str>, Box<[u32]>>;

/// An encoder of words, with the parts of a text that are not words.
pub(crate) struct WordEncoder {
    /// Special tokens and their ids.
    specials: Vec<(String, u32)>,
    /// True if text is composed (NFC) first.
    composes: bool,
}

impl WordEncoder {
    /// Return the encoder of `tokenizer` if it works as GPT-2's does: no normalizer but NFC, GPT-2's
    /// words without a space put before the text, BPE without dropout, special tokens that leave
    /// the text around them alone.
    pub(crate) fn new(tokenizer: &HfTokenizer) -> Option<Self> {
        let words = match tokenizer.get_pre_tokenizer() {
            Some(PreTokenizerWrapper::ByteLevel(words)) => {
                words.use_regex && !words.add_prefix_space
            }
            _ => false,
        };
        let bpe =
            matches!(tokenizer.get_model(), ModelWrapper::BPE(model) if model.dropout.is_none());
        let added = tokenizer.get_added_tokens_decoder();
        let plain = added
            .values()
            .all(|token| !token.lstrip && !token.rstrip && !token.single_word && !token.normalized);
        let composes = matches!(tokenizer.get_normalizer(), Some(NormalizerWrapper::NFC(_)));
        if !words || !bpe || !plain || (tokenizer.get_normalizer().is_some() && !composes) {
            return None;
        }
        Some(Self {
            specials: added
                .into_iter()
                .map(|(id, token)| (token.content, id))
                .collect(),
            composes,
        })
    }

    /// Return the ids of `text`.
    pub(crate) fn encode(
        &self,
        library: &HfTokenizer,
        cache: &mut WordCache,
        text: &str,
    ) -> Result<Vec<u32>, DataError> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        let mut rest = text;
        loop {
            let special = self.first_special(rest);
            let plain = &rest[..special.map_or(rest.len(), |(at, ..)| at)];
            let plain = if self.composes {
                composed(plain)
            } else {
                Cow::Borrowed(plain)
            };
            let mut plain = &*plain;
            while !plain.is_empty() {
                let (word, after) = plain.split_at(first_word_len(plain));
                encode_word(library, cache, word, &mut ids)?;
                plain = after;
            }
            let Some((at, special, id)) = special else {
                return Ok(ids);
            };
            ids.push(id);
            rest = &rest[at + special.len()..];
        }
    }

    /// Return the place, name and id of the first special token; of several that begin there, the
    /// longest.
    fn first_special(&self, text: &str) -> Option<(usize, &str, u32)> {
        let found = self.specials.iter().filter_map(|(special, id)| {
            Some((text.find(special.as_str())?, special.as_str(), *id))
        });
        found.min_by_key(|(at, special, _)| (*at, std::cmp::Reverse(special.len())))
    }
}

/// Return the length of the first word of `text`, which must not be empty.
fn first_word_len(text: &str) -> usize {
    let word = WORD
        .find(text)
        .expect("every character is white space, a letter, a digit or none of them")
        .as_str();
    if word.len() == text.len() || !word.chars().all(char::is_whitespace) {
        return word.len();
    }
    // The last character of white space belongs to the word after it.
    match word.char_indices().next_back() {
        Some((at, _)) if at > 0 => at,
        _ => word.len(),
    }
}

fn encode_word(
    library: &HfTokenizer,
    cache: &mut WordCache,
    word: &str,
    ids: &mut Vec<u32>,
) -> Result<(), DataError> {
    if let Some(known) = cache.get(word) {
        ids.extend_from_slice(known);
        return Ok(());
    }
    let bytes: String = word.bytes().map(character_of).collect();
    let tokens = library.tokens_of_word(&bytes)?;
    let new: Box<[u32]> = tokens.into_iter().map(|token| token.id).collect();
    ids.extend_from_slice(&new);
    if word.len() <= MAX_CACHED_LEN {
        if cache.len() >= MAX_CACHED_WORDS {
            cache.clear();
        }
        cache.insert(word.into(), new);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{WordCache, WordEncoder};
    use crate::Tokenizer;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static BPE: LazyLock<Tokenizer> = LazyLock::new(|| {
        let text = "the cat's hat isn't there;  하나는 12,345원을\n\n\t주었어요. ".repeat(4);
        Tokenizer::train_bpe(
            [text].iter(),
            330,
            &["<|user|>".to_owned(), "<|user|>>".to_owned()],
        )
        .unwrap()
    });

    proptest! {
        #[test]
        fn words_have_the_ids_of_the_library(
            text in "[\\s\\S]{0,40}|(cat|the|'s|'ll|하나|1|\u{661}|٪|<\\|user\\|>|>|\\.| |  |\n|\r|\t|\u{3000}|\u{85}|\u{301}|Ⅷ|ª){0,40}"
        ) {
            let encoder = WordEncoder::new(&BPE.library).unwrap();
            let found = encoder.encode(&BPE.library, &mut WordCache::default(), &text).unwrap();
            prop_assert_eq!(found, BPE.encode(&text).unwrap().ids);
        }
    }

    #[test]
    fn other_pipelines_are_left_to_the_library() {
        assert!(
            WordEncoder::new(&Tokenizer::characters("ab".chars(), true).unwrap().library).is_none()
        );
    }
}
