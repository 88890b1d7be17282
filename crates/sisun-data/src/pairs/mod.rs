//! Pairs of a source and a target text for sequence-to-sequence models: reading them, their tokens
//! and true links, batches of like length, and generated tasks whose alignments are known.

mod alignment;
mod batch;
mod buckets;
mod compose;
mod generate;
mod json_pair;
mod prepare;
mod read;
mod split;
pub mod tasks;
mod tokenizers;
mod tokens;

pub use alignment::{Alignment, Link, Pair};
pub use batch::PairBatch;
pub use buckets::PairBuckets;
pub use generate::generate_pairs;
pub use prepare::{PairSet, Pairs, prepare_pairs};
pub use read::{PairCorpus, PairFiles, read_pairs};
pub use sisun_config::PairTokenizersConfig;
pub use split::split_pairs;
pub use tokenizers::{PairTokenizers, Side, make_pair_tokenizers};
pub use tokens::{PairTokens, TokenLink, tokenize_pair, tokenize_pairs};
