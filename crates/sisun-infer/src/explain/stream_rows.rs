//! Rows of the residual stream, captured and computed.

use crate::LanguageModel;
use crate::attention_maps::Token;
use burn::tensor::{Tensor, TensorData};
use sisun_model::{Activation, Capture, Captured, Pass, to_host};
use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;

/// The activations of the residual stream.
pub(crate) const STREAM: [Activation; 7] = [
    Activation::Embed,
    Activation::PosEmbed,
    Activation::ResidPre,
    Activation::AttnOut,
    Activation::ResidMid,
    Activation::MlpOut,
    Activation::ResidPost,
];

/// Rows of the stream of one token, by activation and layer.
pub(crate) type StreamRows = BTreeMap<(Activation, usize), Vec<f32>>;

impl LanguageModel {
    /// Run the model on tokens, its edits included, and hand each captured activation to `each` as
    /// soon as it is computed.
    pub(crate) fn capture_each(
        &self,
        tokens: &[Token],
        capture: Capture,
        mut each: impl FnMut(Captured) + Send,
    ) {
        let ids = self.batch_of(tokens.iter().map(|token| token.id));
        std::thread::scope(|scope| {
            let (to, from) = sync_channel(1);
            scope.spawn(move || from.into_iter().for_each(&mut each));
            let mut capture = capture.sending(to);
            let pass = Pass {
                edits: &self.edits.list,
                ..Pass::capturing(&mut capture)
            };
            self.model.forward_last(ids, pass);
        });
    }

    /// Return the stream after the attention of a layer.
    pub(crate) fn after_attention(&self, rows: &StreamRows, layer: usize) -> Vec<f64> {
        let row = |name| rows.get(&(name, layer)).map(|row| wide(row));
        let must = |name| row(name).unwrap_or_default();
        match row(Activation::ResidMid) {
            Some(mid) => mid,
            // Without a feed-forward network attention ends the block.
            None if row(Activation::MlpOut).is_none() => must(Activation::ResidPost),
            // In a parallel block both are added at once.
            None if self.model.config().residual => {
                sum(&must(Activation::ResidPre), &must(Activation::AttnOut))
            }
            None => must(Activation::AttnOut),
        }
    }

    /// Apply a layer to one vector of the stream.
    pub(crate) fn through(&self, x: &[f64], layer: impl Fn(Tensor<3>) -> Tensor<3>) -> Vec<f64> {
        let values: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let data = TensorData::new(values, [1, 1, x.len()]);
        wide(&to_host(layer(Tensor::from_data(data, &self.model.device()))).1)
    }
}

pub(crate) fn wide(row: &[f32]) -> Vec<f64> {
    row.iter().map(|&x| f64::from(x)).collect()
}

pub(crate) fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

pub(crate) fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// Return `x·W`.
///
/// # Shapes
/// - `w`: `[x.len(), columns]`, row-major
pub(crate) fn times(x: &[f64], w: &[f32], columns: usize) -> Vec<f64> {
    let mut y = vec![0.0; columns];
    for (x, row) in x.iter().zip(w.chunks_exact(columns)) {
        y.iter_mut()
            .zip(row)
            .for_each(|(y, w)| *y += x * f64::from(*w));
    }
    y
}
