//! Recurrent cells on the CPU.

use super::tensor::{contiguous, floats, shaped, tensor};
use crate::cpu::recurrent::{
    Arguments, AttentionArguments, AttentionShape, Kept, Shape, backward, forward,
};
use crate::recorded::SavedForBackward;
use crate::{Cell, Lens};
use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};

/// The tensors of a call: those of the recurrence, and those of the attention.
#[derive(Clone, Debug)]
pub(super) struct RecurrentCall {
    shape: Shape,
    /// Gates, weight, bias, initial state.
    own: [FlexTensor; 4],
    /// Keys, values, query, score, context.
    attention: Option<[FlexTensor; 5]>,
    lens: Option<Lens>,
}

/// Results of the forward pass, for the backward pass: states, saved parts of the cell, weights and
/// queries of the attention.
#[derive(Clone, Debug)]
pub(super) struct Results([FlexTensor; 4]);

impl RecurrentCall {
    /// Use the tensors of [`crate::recurrent()`]: gates, weight, bias, initial state.
    pub(super) fn new(
        cell: Cell,
        own: [&FlexTensor; 4],
        lens: Option<Lens>,
        reverse: bool,
    ) -> Self {
        let own = own.map(contiguous);
        let ([batch, pos, _], [d_hidden, _]) = (shaped(&own[0]), shaped(&own[1]));
        Self {
            shape: Shape {
                cell,
                batch,
                pos,
                d_hidden,
                reverse,
                attention: None,
            },
            own,
            attention: None,
            lens,
        }
    }

    /// Attend to other sequences of these lengths: keys, values, query, score, context.
    pub(super) fn attending(self, to: [&FlexTensor; 5], lens: Option<Lens>) -> Self {
        let to = to.map(contiguous);
        let ([_, n_source, d_score], [_, _, d_value]) = (shaped(&to[0]), shaped(&to[1]));
        Self {
            shape: Shape {
                attention: Some(AttentionShape {
                    n_source,
                    d_score,
                    d_value,
                }),
                ..self.shape
            },
            attention: Some(to),
            lens,
            ..self
        }
    }

    fn arguments(&self) -> Arguments<'_> {
        let [gates, weight, bias, initial] = self.own.each_ref().map(floats);
        let attention = self.attention.as_ref().map(|tensors| {
            let [keys, values, query, score, context] = tensors.each_ref().map(floats);
            AttentionArguments {
                keys,
                values,
                query,
                score,
                context,
                lens: self.lens.as_deref(),
            }
        });
        Arguments {
            gates,
            weight,
            bias,
            initial,
            lens: self.lens.as_deref().filter(|_| attention.is_none()),
            attention,
        }
    }

    /// Return the states and contexts, `[batch, pos, d_state + d_value]`, and what the gradient needs.
    pub(super) fn forward(&self) -> (FlexTensor, Results) {
        let found = forward(&self.shape, &self.arguments());
        let Shape { batch, pos, .. } = self.shape;
        let rows = batch * pos;
        let states = tensor(found.states, [batch, pos, self.shape.d_result()]);
        let flat = |buffer: crate::cpu::Buffer| {
            let width = buffer.len() / rows.max(1);
            tensor(buffer, [rows, width])
        };
        let kept = [found.saved, found.weights, found.queries].map(flat);
        let [saved, weights, queries] = kept;
        (states.clone(), Results([states, saved, weights, queries]))
    }

    fn gradients(&self, results: &Results, dresult: &FlexTensor) -> [FlexTensor; 9] {
        let [states, saved, weights, queries] = results.0.each_ref().map(floats);
        let kept = Kept {
            states,
            saved,
            weights,
            queries,
        };
        let dresult = contiguous(dresult);
        let found = backward(&self.shape, &self.arguments(), &kept, floats(&dresult));
        let shapes = self.own.iter().chain(self.attention.iter().flatten());
        let mut shapes = shapes.map(TensorMetadata::shape);
        [
            found.gates,
            found.weight,
            found.bias,
            found.initial,
            found.keys,
            found.values,
            found.query,
            found.score,
            found.context,
        ]
        .map(|gradient| {
            let empty = [gradient.len()].into();
            let shape = shapes.next().unwrap_or(empty);
            tensor(gradient, shape)
        })
    }
}

/// Saved values of a recurrence without attention.
#[derive(Clone, Debug)]
pub(super) struct RecurrentSaved {
    pub call: RecurrentCall,
    pub results: Results,
}

impl SavedForBackward<Flex, 4> for RecurrentSaved {
    fn gradients(self, dresult: FlexTensor, _: [bool; 4]) -> [Option<FlexTensor>; 4] {
        let [gates, weight, bias, initial, ..] = self.call.gradients(&self.results, &dresult);
        [gates, weight, bias, initial].map(Some)
    }
}

/// Saved values of a recurrence with attention.
#[derive(Clone, Debug)]
pub(super) struct AttentiveSaved {
    pub call: RecurrentCall,
    pub results: Results,
}

impl SavedForBackward<Flex, 9> for AttentiveSaved {
    fn gradients(self, dresult: FlexTensor, _: [bool; 9]) -> [Option<FlexTensor>; 9] {
        self.call.gradients(&self.results, &dresult).map(Some)
    }
}
