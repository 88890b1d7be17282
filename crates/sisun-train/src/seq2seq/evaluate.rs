//! Evaluation of a sequence-to-sequence model on held-out pairs.

use super::loss::pair_tensors;
use crate::evaluate::Evaluation;
use burn::module::Module;
use sisun_data::pairs::PairBuckets;
use sisun_kernels::cross_entropy;
use sisun_seq2seq::measures::written_greedily;
use sisun_seq2seq::{Seq2Seq, Seq2SeqPass};

/// Evaluate on all pairs, or on at most `limit`, evenly spaced and always the same: the mean loss,
/// and the part of the pairs whose whole target is generated greedily.
///
/// One forward pass tells both; see [`written_greedily`].
pub(super) fn evaluate(model: &Seq2Seq, batches: &PairBuckets, limit: Option<usize>) -> Evaluation {
    let model = model.valid();
    let device = model.device();
    let (mut sum, mut tokens, mut exact, mut pairs) = (0.0, 0, 0, 0);
    for (_, batch) in batches.evaluation_batches(limit) {
        let tensors = pair_tensors(&batch, &device);
        let logits = model.forward(&tensors, &mut Seq2SeqPass::default());
        let written = written_greedily(logits.clone(), &batch.targets, &batch.target_lens);
        exact += written.into_iter().filter(|exact| *exact).count() as u64;
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
