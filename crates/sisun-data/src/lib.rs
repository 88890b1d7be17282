//! Text to tokens to windows: reading files, tokenizers, the token cache, and the small corpora that come
//! with Sisun. No tensors here.

mod beginning;
mod bpe;
mod bulk;
mod byte_level;
mod cache;
mod caught;
mod characters;
mod compose;
mod coverage;
mod documents;
mod draw;
mod elements;
mod encode;
mod ends;
mod error;
mod file;
mod form;
mod kept;
mod labels;
mod order;
mod pieces;
mod prepare;
mod record;
mod scan;
mod source;
pub mod stories;
mod stream;
pub mod tasks;
mod text;
mod tokenizer;
mod tokens;
mod windows;
mod words;

pub use beginning::first_documents;
pub use coverage::Unknown;
pub use ends::{COMPANIONS, END_OF_TEXT, GENERATION};
pub use error::DataError;
pub use kept::{CacheEntry, cache_entries};
pub use labels::{TokenLabel, labels, visible};
pub use prepare::{Corpus, Sources, prepare, prepare_again, prepare_whole, vocabulary_size};
pub use stream::StreamDecoder;
pub use text::with_line_feeds;
pub use tokenizer::{Encoding, Tokenizer};
pub use tokens::Tokens;
pub use windows::{Batch, epoch_batch, evaluation_windows, random_batch};
