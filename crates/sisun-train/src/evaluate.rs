//! How well a model predicts text it was not trained on.

use crate::batch::{TensorBatch, tensors};
use burn::module::Module;
use serde::Serialize;
use sisun_data::{Tokenizer, Tokens, evaluation_targets, evaluation_windows};
use sisun_kernels::cross_entropy;
use sisun_model::{Pass, Transformer};

/// The average loss over some text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Cross-entropy in nats per token.
    pub loss: f64,
    /// `e^loss`.
    pub perplexity: f64,
    /// `loss / ln 2 · tokens / bytes`, comparable between tokenizers, over the tokens that the loss
    /// was taken on ([`Tokens::tokens_per_byte`]). `None` where a text has a loss mask, or where
    /// they stand for no text.
    pub bits_per_byte: Option<f64>,
    /// Tokens the loss was taken on.
    pub tokens: u64,
}

/// Evaluates on non-overlapping windows of `context_len` tokens: all of the text (`limit` `None`),
/// or that many windows, evenly spaced and the same each time. `tokenizer` is the one that made the
/// tokens. `None` if the text has no token to take the loss on.
pub fn evaluate(
    model: &Transformer,
    text: &Tokens,
    tokenizer: &Tokenizer,
    context_len: usize,
    batch_size: usize,
    limit: Option<usize>,
) -> Option<Evaluation> {
    let (loss, tokens) = mean_loss(&[], model, text, context_len, batch_size, limit)?;
    let targets = || evaluation_targets(text, context_len, limit);
    let per_byte = match text.has_loss_mask() {
        true => None,
        false => text.tokens_per_byte(targets(), tokenizer),
    };
    Some(Evaluation {
        loss,
        perplexity: loss.exp(),
        bits_per_byte: per_byte.map(|per_byte| loss / std::f64::consts::LN_2 * per_byte),
        tokens,
    })
}

/// The loss as [`evaluate`] measures it, with some heads ablated: their output `z` is set to zero.
/// Each is a pair of layer and head.
pub fn ablated_loss(
    ablated: &[(usize, usize)],
    model: &Transformer,
    text: &Tokens,
    context_len: usize,
    batch_size: usize,
    limit: Option<usize>,
) -> Option<f64> {
    mean_loss(ablated, model, text, context_len, batch_size, limit).map(|(loss, _)| loss)
}

/// The mean loss, and over how many tokens.
fn mean_loss(
    ablated: &[(usize, usize)],
    model: &Transformer,
    text: &Tokens,
    context_len: usize,
    batch_size: usize,
    limit: Option<usize>,
) -> Option<(f64, u64)> {
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
    (count > 0).then(|| (sum / count as f64, count))
}
