//! The recurrent encoder.

use super::cell::{CellInputs, RecurrentCell};
use super::init;
use crate::pass::Seq2SeqPass;
use burn::module::Module;
use burn::tensor::{Int, Tensor};
use sisun_config::{Context, RecurrentConfig, RecurrentEncoder as Kind};
use sisun_kernels::{self as kernels, Cell, Lens};
use sisun_model::{Embedding, ModelError, Params};

/// Embedding and cells of the encoder.
#[derive(Module, Debug)]
pub struct RecurrentEncoder {
    /// Embedding of the source's tokens.
    pub embed: Embedding,
    /// Reads from left to right; `None` if the context is the mean of the embeddings.
    pub forward: Option<RecurrentCell>,
    /// Reads from right to left; `None` unless the encoder reads both ways.
    pub backward: Option<RecurrentCell>,
    #[module(skip)]
    dropout: f64,
}

/// What the encoder made of a batch of sources.
pub(super) struct Reading {
    /// A state for each source token, `[batch, source, d_value]`; the embeddings without a cell.
    pub states: Tensor<3>,
    /// The state after the whole source, `[batch, d_state]`: with both directions, h of the last
    /// token from the left and of the first from the right. `None` without a cell.
    pub last: Option<Tensor<2>>,
}

impl RecurrentEncoder {
    pub(super) fn new(
        source: &mut dyn Params,
        name: &str,
        config: &RecurrentConfig,
        vocab: usize,
    ) -> Result<Self, ModelError> {
        let mut cell = |which: &str, width: usize| {
            let inputs = CellInputs {
                input: config.d_embed,
                context: None,
                feed: None,
            };
            let name = format!("{name}.{which}");
            RecurrentCell::new(source, &name, init::cell_kind(config), inputs, width)
        };
        let (forward, backward) = match (config.context, config.encoder) {
            (Context::EmbeddingsMean, _) => (None, None),
            (_, Kind::Bigru) => {
                let half = config.d_hidden / 2;
                (Some(cell("forward", half)?), Some(cell("backward", half)?))
            }
            (_, Kind::Gru | Kind::Lstm) => (Some(cell("forward", config.d_hidden)?), None),
        };
        Ok(Self {
            embed: init::embedding(source, name, vocab, config)?,
            forward,
            backward,
            dropout: config.dropout,
        })
    }

    /// # Shapes
    /// - `source`: `[batch, source]`
    pub(super) fn read(
        &self,
        source: Tensor<2, Int>,
        lens: Option<Lens>,
        pass: &Seq2SeqPass<'_>,
    ) -> Reading {
        let x = self.embed.forward(source);
        let x = kernels::dropout(x, pass.dropout(self.dropout));
        let [batch, pos, _] = x.dims();
        let Some(forward) = &self.forward else {
            return Reading {
                states: x,
                last: None,
            };
        };
        let at = |states: &Tensor<3>, at: usize| {
            let [_, _, width] = states.dims();
            states.clone().narrow(1, at, 1).reshape([batch, width])
        };
        let ahead = forward.read(x.clone(), lens.clone(), false, pass.precision);
        let last = at(&ahead, pos - 1);
        let Some(backward) = &self.backward else {
            return Reading {
                states: forward.hidden(ahead),
                last: Some(last),
            };
        };
        debug_assert_eq!(forward.kind(), Cell::Gru, "its state is h alone");
        let back = backward.read(x, lens, true, pass.precision);
        let first = at(&back, 0);
        Reading {
            states: Tensor::cat(vec![ahead, back], 2),
            last: Some(Tensor::cat(vec![last, first], 1)),
        }
    }
}
