//! Text to tokens to windows: reading files, tokenizers, the token cache, and the small corpora
//! that come with Sisun. No tensors here.

mod cache;
mod error;
mod file;
mod prepare;
mod random;
pub mod stories;
pub mod tasks;
mod text;
mod tokenizer;
mod tokens;

pub use cache::{CacheEntry, cache_entries};
pub use error::DataError;
pub use prepare::{Corpus, Sources, prepare, prepare_again, prepare_whole, vocabulary_size};
pub use text::{first_documents, forms};
pub use tokenizer::{
    COMPANIONS, END_OF_TEXT, Encoding, GENERATION, StreamDecoder, TokenLabel, Tokenizer, Unknown,
    labels, visible,
};
pub use tokens::{Batch, Tokens, epoch_batch, evaluation_windows, random_batch};
