//! The attention patterns of a source and its target.

use crate::batch::{PairTensors, Rows};
use crate::model::Seq2Seq;
use crate::pass::Seq2SeqPass;
use sisun_config::Seq2SeqConfig;
use sisun_model::{Activation, Capture, Captured};

/// Patterns of one pair, each `[1, head, query, key]`, layer by layer.
///
/// Row `t` of a target is the pass that wrote its token `t`; the last row wrote the end.
#[derive(Clone, Debug)]
pub struct Patterns {
    /// Self-attention of the encoder, source by source. Empty in a recurrent model.
    pub encoder: Vec<Captured>,
    /// Self-attention of the decoder, target by target. Empty in a recurrent model.
    pub decoder: Vec<Captured>,
    /// Attention to the source, target by source. Empty if the context is not attention.
    pub cross: Vec<Captured>,
}

/// Return all patterns of a source and a target, whose end is added.
///
/// # Panics
/// If the source is empty, or a side exceeds the learned positions.
pub fn patterns(model: &Seq2Seq, source: &[u32], target: &[u32]) -> Patterns {
    let vocabularies = model.vocabularies();
    let begin = std::iter::once(vocabularies.begin());
    let inputs: Vec<u32> = begin.chain(target.iter().copied()).collect();
    let end = std::iter::once(vocabularies.end());
    let targets: Vec<u32> = target.iter().copied().chain(end).collect();
    let (layers, heads) = match model.config() {
        Seq2SeqConfig::Recurrent(_) => (1, 1),
        Seq2SeqConfig::Transformer(config) => (config.n_layers, config.n_heads),
    };
    let (layers, heads): (Vec<usize>, Vec<usize>) = ((0..layers).collect(), (0..heads).collect());
    let capture = || Capture::new(&[Activation::Pattern], &layers, &heads);
    let (mut encoder, mut decoder, mut cross) = (capture(), capture(), capture());
    let batch = PairTensors::new(
        Rows {
            tokens: source,
            lens: &[source.len()],
        },
        &inputs,
        Rows {
            tokens: &targets,
            lens: &[targets.len()],
        },
        &model.device(),
    );
    let mut pass = Seq2SeqPass {
        encoder_capture: Some(&mut encoder),
        decoder_capture: Some(&mut decoder),
        cross_capture: Some(&mut cross),
        ..Seq2SeqPass::default()
    };
    model.forward(&batch, &mut pass);
    Patterns {
        encoder: encoder.into_found(),
        decoder: decoder.into_found(),
        cross: cross.into_found(),
    }
}
