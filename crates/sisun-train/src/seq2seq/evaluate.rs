//! Evaluation of a sequence-to-sequence model on held-out pairs.

use super::loss::tensors;
use crate::evaluate::Evaluation;
use burn::module::Module;
use burn::tensor::Tensor;
use sisun_data::pairs::{PairBatch, PairBuckets};
use sisun_kernels::cross_entropy;
use sisun_seq2seq::{Seq2Seq, Seq2SeqPass};

/// Evaluate on all pairs, or on at most `limit`, evenly spaced and always the same: the mean loss,
/// and the part of the pairs whose whole target is generated greedily.
///
/// One forward pass tells both: a target is generated if and only if each of its tokens, the end
/// included, is the most likely one after the correct tokens before it.
pub(super) fn evaluate(model: &Seq2Seq, batches: &PairBuckets, limit: Option<usize>) -> Evaluation {
    let model = model.valid();
    let device = model.device();
    let (mut sum, mut tokens, mut exact, mut pairs) = (0.0, 0, 0, 0);
    for (_, batch) in batches.evaluation_batches(limit) {
        let tensors = tensors(&batch, &device);
        let logits = model.forward(&tensors, &mut Seq2SeqPass::default());
        exact += generated(&batch, logits.clone());
        let [rows, target, vocab] = logits.dims();
        let logits = logits.reshape([rows * target, vocab]);
        let loss = cross_entropy(logits, tensors.targets, tensors.weights).into_scalar::<f32>();
        let of_batch = batch.loss_tokens() as u64;
        sum += f64::from(loss) * of_batch as f64;
        tokens += of_batch;
        pairs += batch.rows as u64;
    }
    let loss = sum / tokens as f64;
    Evaluation {
        loss,
        perplexity: loss.exp(),
        bits_per_byte: None,
        exact_match: Some(exact as f64 / pairs as f64),
        tokens,
    }
}

/// Return the number of rows whose target is generated greedily.
///
/// # Shapes
/// - logits: `[rows, target_len, target_vocab]`
fn generated(batch: &PairBatch, logits: Tensor<3>) -> u64 {
    let likeliest: Vec<i64> = logits.argmax(2).into_data().iter::<i64>().collect();
    let rows = likeliest
        .chunks_exact(batch.target_len)
        .zip(batch.targets.chunks_exact(batch.target_len));
    let is_exact = |((found, target), len): &((&[i64], &[u32]), &usize)| {
        let mut tokens = found.iter().zip(target.iter()).take(**len);
        tokens.all(|(found, target)| *found == i64::from(*target))
    };
    rows.zip(&batch.target_lens).filter(is_exact).count() as u64
}
