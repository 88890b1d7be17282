//! Sequence to sequence: an encoder reads the source, a decoder writes the target.
//!
//! [`Seq2Seq`] is a recurrent encoder–decoder with one of several contexts ([`Recurrent`]) or a
//! transformer encoder–decoder ([`EncoderDecoder`]). [`Seq2Seq::forward`] computes the logits of
//! whole targets; [`Seq2Seq::encode`] and [`Seq2Seq::step`] write token by token, [`greedy`] and
//! [`beam`] choose the tokens. [`patterns`] returns the alignments of a source and its target.

mod batch;
mod beam;
mod count;
mod edits;
mod encoder_decoder;
mod greedy;
pub mod measures;
mod model;
mod pass;
mod patterns;
mod recurrent;
mod rows;
mod state;
mod vocabularies;

pub use batch::{PairTensors, Rows};
pub use beam::{Beam, beam, length_penalty};
pub use count::n_params;
pub use edits::Seq2SeqEdits;
pub use encoder_decoder::{DecoderStack, EncoderDecoder, EncoderStack};
pub use greedy::{Hypothesis, greedy, greedy_edited};
pub use model::{Network, Seq2Seq};
pub use pass::Seq2SeqPass;
pub use patterns::{Patterns, patterns};
pub use recurrent::{Recurrent, RecurrentCell, RecurrentDecoder, RecurrentEncoder};
pub use state::DecoderState;
pub use vocabularies::Vocabularies;
