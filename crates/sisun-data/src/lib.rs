//! Text to tokens to windows: reading files, tokenizers, the token cache, and the small corpora
//! that come with Sisun. No tensors here.

mod cache;
mod digest;
mod error;
pub mod pairs;
mod particles;
mod prepare;
mod random;
pub mod stories;
mod survey;
pub mod tasks;
mod text;
mod tokenizer;
mod tokens;

pub use cache::{CacheEntry, cache_entries};
pub use error::DataError;
pub use prepare::{Corpus, SourceSummary, prepare, prepare_again, prepare_whole, vocabulary_size};
pub use survey::{Layout, RecordFields, Script, Survey};
pub use text::{first_documents, unicode_forms};
pub use tokenizer::{
    END_OF_TEXT, Encoding, GENERATION_CONFIG, KnownForm, NotPortable, PortableTokenizer,
    StreamDecoder, TokenLabel, Tokenizer, TokenizerKeys, UnknownCharacters, labels, make_visible,
};
pub use tokens::{
    Batch, Tokens, epoch_batch, evaluation_targets, evaluation_windows, random_batch,
};
