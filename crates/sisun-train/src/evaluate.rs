//! How well a model predicts text it was not trained on.

use crate::batch::{TensorBatch, tensors};
use burn::module::Module;
use serde::Serialize;
use sisun_data::{Tokens, evaluation_windows};
use sisun_kernels::cross_entropy;
use sisun_model::{Pass, Transformer};

/// The average loss over some text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Cross-entropy in nats per token.
    pub loss: f64,
    /// `e^loss`.
    pub perplexity: f64,
    /// `loss / ln 2 · tokens / bytes`, comparable between tokenizers. `None` where the loss is on
    /// part of the text only.
    pub bits_per_byte: Option<f64>,
    /// Tokens the loss was taken on.
    pub tokens: u64,
}

/// Evaluates on non-overlapping windows of `context_len` tokens: all of the text (`limit` `None`),
/// or that many windows, evenly spaced and the same each time. `None` if the text has no token to
/// take the loss on.
pub fn evaluate(
    model: &Transformer,
    text: &Tokens,
    context_len: usize,
    batch_size: usize,
    limit: Option<usize>,
) -> Option<Evaluation> {
    evaluate_ablated(&[], model, text, context_len, batch_size, limit)
}

/// Evaluate with some heads ablated: their output `z` is set to zero. Each is a pair of layer and
/// head. Otherwise as [`evaluate`].
pub fn evaluate_ablated(
    ablated: &[(usize, usize)],
    model: &Transformer,
    text: &Tokens,
    context_len: usize,
    batch_size: usize,
    limit: Option<usize>,
) -> Option<Evaluation> {
    let model = model.valid();
    let device = model.device();
    let (mut sum, mut count) = (0.0, 0);
    for batch in evaluation_windows(text, batch_size, context_len, limit) {
        let TensorBatch {
            inputs,
            targets,
            weights,
            loss_tokens,
        } = tensors(&batch, &device);
        if loss_tokens == 0 {
            continue;
        }
        let logits = model.forward(inputs, Pass::ablating(ablated));
        let [rows, pos, vocab] = logits.dims();
        let loss = cross_entropy(logits.reshape([rows * pos, vocab]), targets, weights);
        sum += f64::from(loss.into_scalar::<f32>()) * loss_tokens as f64;
        count += loss_tokens;
    }
    if count == 0 {
        return None;
    }
    let loss = sum / count as f64;
    let tokens_per_byte = text.len() as f64 / text.bytes() as f64;
    let bits_per_byte =
        (!text.has_loss_mask()).then(|| loss / std::f64::consts::LN_2 * tokens_per_byte);
    Some(Evaluation {
        loss,
        perplexity: loss.exp(),
        bits_per_byte,
        tokens: count,
    })
}
