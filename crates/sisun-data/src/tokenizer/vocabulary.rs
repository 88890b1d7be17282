//! What is known of one token: its text, its kind.

use crate::Tokenizer;

impl Tokenizer {
    /// One token in readable form: its text within other text, with spaces as spaces (`Ġthe`,
    /// `▁the` and WordPiece's `the` are ` the`, `##ing` is `ing`), and bytes that are no whole
    /// character as `<0xED>`. For an id outside the vocabulary, `<unknown 123>`.
    pub fn token_text(&self, id: u32) -> String {
        match self.inner.id_to_token(id) {
            None => format!("<unknown {id}>"),
            Some(token) if self.is_special(id) => token,
            Some(token) if self.byte_level => crate::tokenizer::byte_alphabet::readable(&token),
            Some(token) => match self.within_text(id) {
                Some(text) if !text.is_empty() && !text.contains(char::REPLACEMENT_CHARACTER) => {
                    text
                }
                _ => token.replace('▁', " "),
            },
        }
    }

    /// What a token adds after another that is neither special nor a byte.
    fn within_text(&self, id: u32) -> Option<String> {
        let before = self.plain?;
        let [alone, both] = [&[before][..], &[before, id]].map(|ids| self.decode(ids).ok());
        both?.strip_prefix(&alone?).map(str::to_owned)
    }

    /// Whether a token is a special one, which stands for no text of its own.
    pub fn is_special(&self, id: u32) -> bool {
        self.inner
            .id_to_token(id)
            .is_some_and(|token| self.inner.get_added_vocabulary().is_special_token(&token))
    }

    /// Whether a token was added to the vocabulary that the model of the tokenizer has: special
    /// ones were, and marks of a chat.
    pub fn is_added(&self, id: u32) -> bool {
        self.inner
            .get_added_vocabulary()
            .get_added_tokens_decoder()
            .contains_key(&id)
    }

    /// The byte that a token such as `<0xED>` stands for, where the decoder knows such tokens.
    pub(crate) fn byte_of(&self, id: u32) -> Option<u8> {
        let token = self.inner.id_to_token(id).filter(|_| self.byte_fallback)?;
        byte(&token)
    }
}

/// The shortest token of letters alone, of several the first by its id.
pub(crate) fn plain(tokenizer: &tokenizers::Tokenizer) -> Option<u32> {
    let letters = |token: &str| token.chars().all(char::is_alphabetic) && !token.is_empty();
    tokenizer
        .get_vocab(false)
        .into_iter()
        .filter(|(token, _)| letters(token))
        .map(|(token, id)| (token.len(), id))
        .min()
        .map(|(_, id)| id)
}

/// The byte of `<0xED>`, as the library's decoder reads it.
fn byte(token: &str) -> Option<u8> {
    let digits = token
        .strip_prefix("<0x")?
        .strip_suffix('>')
        .filter(|digits| digits.len() == 2)?;
    u8::from_str_radix(digits, 16).ok()
}
