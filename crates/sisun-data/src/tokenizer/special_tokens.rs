//! Names of the special tokens that end a text.

/// The special token that ends a document, as GPT-2 names it.
pub const END_OF_TEXT: &str = "<|endoftext|>";

/// Names that model families give the end-of-text token, in the order in which they are tried.
const EOS_NAMES: [&str; 6] = [
    END_OF_TEXT,
    "<|end_of_text|>",
    "</s>",
    "<eos>",
    "<|eos|>",
    "[EOS]",
];

/// Return the id of the token whose name marks it as the end of a text.
pub(crate) fn eos_by_name(tokenizer: &tokenizers::Tokenizer) -> Option<u32> {
    EOS_NAMES
        .iter()
        .find_map(|name| tokenizer.token_to_id(name))
}
