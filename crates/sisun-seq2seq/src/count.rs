//! Counting parameters without building the model.

use crate::vocabularies::Vocabularies;
use sisun_config::{
    Context, EncoderDecoderConfig, RecurrentConfig, RecurrentEncoder, Seq2SeqConfig,
};
use sisun_model::Count;

/// Return the number of parameters of a model.
pub fn n_params(config: &Seq2SeqConfig, vocabularies: Vocabularies) -> u128 {
    match config {
        Seq2SeqConfig::Recurrent(config) => recurrent(config, vocabularies),
        Seq2SeqConfig::Transformer(config) => transformer(config, vocabularies),
    }
}

fn recurrent(config: &RecurrentConfig, vocabularies: Vocabularies) -> u128 {
    let n = |x: usize| x as u128;
    let (e, h) = (n(config.d_embed), n(config.d_hidden));
    let gates = if config.is_lstm() { 4 } else { 3 };
    let cell = |inputs: u128, h: u128| gates * h * (inputs + h + 2);
    let context = config.context;
    let encoder = match (context, config.encoder) {
        (Context::EmbeddingsMean, _) => 0,
        (_, RecurrentEncoder::Bigru) => 2 * cell(e, h / 2),
        (_, RecurrentEncoder::Gru | RecurrentEncoder::Lstm) => cell(e, h),
    };
    let value = match context {
        Context::EmbeddingsMean => e,
        _ => h,
    };
    let fed = if config.input_feeding { h } else { 0 };
    let (attention, into_cell) = match context {
        Context::Additive => (h * h + value * h + h, value),
        Context::General => (h * h, 0),
        _ => (0, 0),
    };
    let initial = match context {
        Context::Last | Context::Dot | Context::General => 0,
        _ => (value + 1) * h,
    };
    let combine = match context {
        Context::Last => 0,
        _ => (value + h + 1) * h,
    };
    let rows = n(vocabularies.target_rows());
    e * (n(vocabularies.source) + rows)
        + encoder
        + cell(e + fed + into_cell, h)
        + attention
        + initial
        + combine
        + (h + 1) * rows
}

fn transformer(config: &EncoderDecoderConfig, vocabularies: Vocabularies) -> u128 {
    let stack = |mut stack: sisun_config::ModelConfig, vocab: usize| {
        stack.vocab_size = Some(vocab);
        Count::of(&stack)
    };
    let encoder = stack(config.encoder(), vocabularies.source);
    let decoder = stack(config.decoder(), vocabularies.target_rows());
    let attention = decoder.attention_weights + decoder.attention_other;
    let layers = config.n_layers as u64;
    // Cross-attention has the parameters of self-attention, and a norm as that has.
    let norm = decoder.norms / (2 * layers + 1).max(1);
    let has_two = config.norm_placement == sisun_config::NormPlacement::Post;
    let norms = match (config.ffn == sisun_config::Ffn::None, has_two) {
        (true, true) => decoder.norms,
        (true, false) => decoder.norms / (layers + 1) * layers,
        (false, true) => decoder.norms / 2,
        (false, false) => norm * layers,
    };
    // The encoder has no head of its own.
    u128::from(encoder.total - encoder.head)
        + u128::from(decoder.total)
        + u128::from(attention)
        + u128::from(norms)
}
