//! Evaluation of a model on held-out text.

use crate::batch::tensors;
use crate::trainable::mean_cross_entropy;
use burn::module::Module;
use serde::Serialize;
use sisun_data::{Batch, Tokenizer, Tokens, evaluation_targets, evaluation_windows};
use sisun_model::{Edit, Pass, Transformer};
use std::time::Instant;

/// The average loss over a text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Cross-entropy in nats per token.
    pub loss: f64,
    /// `e^loss`.
    pub perplexity: f64,
    /// `loss / ln 2 · tokens / bytes`, comparable between tokenizers, over the tokens in the loss
    /// ([`Tokens::tokens_per_byte`]). `None` if the text has a loss mask or the tokens stand for no
    /// text.
    pub bits_per_byte: Option<f64>,
    /// Part of the held-out pairs whose whole target is generated greedily, of a
    /// sequence-to-sequence model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_match: Option<f64>,
    /// Number of tokens in the loss.
    pub tokens: u64,
}

/// Evaluate on non-overlapping windows of `context_len` tokens: all of the text (`limit` `None`),
/// or `limit` windows, evenly spaced and always the same. `tokenizer` is the one that encoded the
/// text. `None` if the text has no token in the loss.
pub fn evaluate(
    model: &Transformer,
    text: &Tokens,
    tokenizer: &Tokenizer,
    context_len: usize,
    batch_size: usize,
    limit: Option<usize>,
) -> Option<Evaluation> {
    evaluate_edited(&[], model, text, tokenizer, context_len, batch_size, limit)
}

/// Evaluate as [`evaluate`] does, with these edits in each pass, whose positions count from the
/// beginning of a window.
pub fn evaluate_edited(
    edits: &[Edit],
    model: &Transformer,
    text: &Tokens,
    tokenizer: &Tokenizer,
    context_len: usize,
    batch_size: usize,
    limit: Option<usize>,
) -> Option<Evaluation> {
    let (loss, tokens) = mean_loss(edits, model, text, context_len, batch_size, limit)?;
    let targets = || evaluation_targets(text, context_len, limit);
    let per_byte = match text.has_loss_mask() {
        true => None,
        false => text.tokens_per_byte(targets(), tokenizer),
    };
    Some(Evaluation {
        loss,
        perplexity: loss.exp(),
        bits_per_byte: per_byte.map(|per_byte| loss / std::f64::consts::LN_2 * per_byte),
        exact_match: None,
        tokens,
    })
}

/// Evaluate the loss as [`evaluate`] does, with these edits in each pass
/// ([`Edit::ablation`] for a head).
pub fn edited_loss(
    edits: &[Edit],
    model: &Transformer,
    text: &Tokens,
    context_len: usize,
    batch_size: usize,
    limit: Option<usize>,
) -> Option<f64> {
    mean_loss(edits, model, text, context_len, batch_size, limit).map(|(loss, _)| loss)
}

/// Return the seconds of computing the loss of a batch without gradients.
pub(crate) fn forward_seconds(model: &Transformer, batch: &Batch) -> f64 {
    let model = model.valid();
    let began = Instant::now();
    let batch = tensors(batch, &model.device());
    mean_cross_entropy(&model, batch, Pass::default()).into_scalar::<f32>();
    began.elapsed().as_secs_f64()
}

/// Return the mean loss and the number of tokens in it.
fn mean_loss(
    edits: &[Edit],
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
        let batch = tensors(&batch, &device);
        let loss_tokens = batch.loss_tokens;
        if loss_tokens == 0 {
            continue;
        }
        let loss = mean_cross_entropy(&model, batch, Pass::editing(edits));
        sum += f64::from(loss.into_scalar::<f32>()) * loss_tokens as f64;
        count += loss_tokens;
    }
    (count > 0).then(|| (sum / count as f64, count))
}
