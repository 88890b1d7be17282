//! How right a model is: its texts beside the true ones, and its attention beside the true
//! alignment. Pure functions; counts of parts add up to those of the whole.

mod alignment;
mod bleu;
mod bleu_tokens;
mod by_place;
mod edit_distance;
mod exact;
mod lengths;
mod texts;

pub use alignment::{AlignmentScores, AttentionMaps, HeadScores, alignment_error_rate};
pub use bleu::{Bleu, BleuCounts};
pub use bleu_tokens::BleuTokens;
pub use by_place::PlaceScores;
pub use edit_distance::edit_distance;
pub use exact::written_greedily;
pub use lengths::length_groups;
pub use texts::TextScores;
