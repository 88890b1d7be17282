//! What a decoder knows between two tokens.

use crate::encoder_decoder::StackState;
use crate::recurrent::RecurrentState;
use burn::tensor::{Int, Tensor, TensorData};

/// The encoded sources of a batch, and what the decoder keeps of the tokens that it has read.
#[derive(Clone, Debug)]
pub struct DecoderState {
    pub(crate) kind: StateKind,
}

/// The state of each kind of model.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // there is one for each batch
pub(crate) enum StateKind {
    Recurrent(RecurrentState),
    Transformer(StackState),
}

impl DecoderState {
    /// Return the state of these rows of the batch, in this order; a row may be chosen repeatedly.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let indices: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
        let tensor = |device| {
            Tensor::<1, Int>::from_data(TensorData::new(indices.clone(), [rows.len()]), device)
        };
        let kind = match &self.kind {
            StateKind::Recurrent(state) => {
                StateKind::Recurrent(state.select(rows, &tensor(&state.device())))
            }
            StateKind::Transformer(state) => {
                StateKind::Transformer(state.select(rows, &tensor(&state.device())))
            }
        };
        Self { kind }
    }
}
