//! Text to tokens to windows: reading files, tokenizers, the token cache, and the small corpora that come
//! with Sisun. No tensors here.

mod bpe;
mod bulk;
mod byte_level;
mod cache;
mod caught;
mod characters;
mod documents;
mod draw;
mod encode;
mod ends;
mod error;
mod file;
mod labels;
mod order;
mod pieces;
mod prepare;
mod scan;
mod single;
mod source;
pub mod stories;
mod stream;
pub mod tasks;
mod text;
mod tokenizer;
mod tokens;
mod windows;
mod words;

pub use ends::{COMPANIONS, END_OF_TEXT, GENERATION};
pub use error::DataError;
pub use labels::{TokenLabel, labels, visible};
pub use prepare::{Corpus, prepare, prepare_whole};
pub use stream::StreamDecoder;
pub use tokenizer::{Encoding, Tokenizer};
pub use tokens::Tokens;
pub use windows::{Batch, epoch_batch, evaluation_windows, random_batch};
