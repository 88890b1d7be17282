//! The memory that training a sequence-to-sequence model needs.

use sisun_config::{Seq2SeqConfig, TrainConfig};
use sisun_data::pairs::Pairs;
use sisun_model::{Chosen, ModelError, memory};
use sisun_seq2seq::{Vocabularies, n_params};

/// Bytes of a number.
const FLOAT: u128 = 4;

/// Check that the weights, their gradients and moments, and the activations of the largest batch
/// fit into memory. Activations are counted without what kernels compute again.
///
/// # Errors
/// [`ModelError::TooLarge`], with what would need less.
pub(super) fn check(
    config: &Seq2SeqConfig,
    train: &TrainConfig,
    pairs: &Pairs,
    chosen: &Chosen,
) -> Result<(), ModelError> {
    let batch = largest_batch(train, pairs);
    memory::check(
        training_bytes(config, Vocabularies::from(&pairs.tokenizers), batch),
        &chosen.device,
        || {
            let [rows, source, target] = batch;
            format!(
                "training on batches of {rows} pairs of up to {source} and {target} tokens (train.batch_size)"
            )
        },
        || {
            "lower train.batch_size, make the model of [seq2seq] smaller, or remove the longest pairs".to_owned()
        },
    )
}

/// Return the bytes that training is expected to need.
pub fn expected_bytes(config: &Seq2SeqConfig, train: &TrainConfig, pairs: &Pairs) -> u64 {
    let vocabularies = Vocabularies::from(&pairs.tokenizers);
    let bytes = training_bytes(config, vocabularies, largest_batch(train, pairs));
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Return the rows of a batch, and the tokens of the longest source and target.
fn largest_batch(train: &TrainConfig, pairs: &Pairs) -> [usize; 3] {
    let sets = [&pairs.train, &pairs.validation];
    let tokens = || sets.into_iter().flat_map(|set| set.tokens.iter());
    let source = tokens().map(|pair| pair.source.len()).max();
    let target = tokens().map(|pair| pair.target.len() + 1).max();
    [
        train.batch_size.min(pairs.train.tokens.len()),
        source.unwrap_or(0),
        target.unwrap_or(0),
    ]
}

/// Return the bytes of weights with their training state, and of the activations of a batch of
/// `[rows, source, target]`.
fn training_bytes(config: &Seq2SeqConfig, vocabularies: Vocabularies, batch: [usize; 3]) -> u128 {
    let [rows, source, target] = batch.map(|n| n as u128);
    // For each token and layer: what the backward pass reads of states, gates and sums.
    let (width, layers, heads) = match config {
        Seq2SeqConfig::Recurrent(model) => (8 * model.d_hidden as u128, 1, 1),
        Seq2SeqConfig::Transformer(model) => (
            12 * model.d_model as u128,
            model.n_layers as u128,
            model.n_heads as u128,
        ),
    };
    let states = (source + target).saturating_mul(width);
    let patterns = heads.saturating_mul(target).saturating_mul(source);
    // Logits, their softmax and their gradient.
    let logits = 3 * target.saturating_mul(vocabularies.target_rows() as u128);
    let of_row = states
        .saturating_add(patterns)
        .saturating_mul(layers)
        .saturating_add(logits);
    (4 * FLOAT * n_params(config, vocabularies))
        .saturating_add(FLOAT.saturating_mul(rows).saturating_mul(of_row))
}
