//! What the comparison of a word's places needs of one text.

use crate::attention_maps::Token;
use crate::{CaptureSelection, InferError, LanguageModel, Translator};
use burn::tensor::{Int, Tensor, TensorData};
use sisun_config::ModelConfig;
use sisun_model::{Activation, Block, Capture, Captured};
use sisun_seq2seq::Seq2SeqPass;
use std::collections::BTreeMap;

const NAMES: [Activation; 4] = [
    Activation::ResidPre,
    Activation::ResidPost,
    Activation::Z,
    Activation::Pattern,
];

/// The stack that reads the texts.
pub(super) struct Source<'m> {
    pub(super) model: String,
    pub(super) config: &'m ModelConfig,
    pub(super) blocks: &'m [Block],
    /// Equal tokens up to the word mean equal vectors.
    pub(super) prefix_decides: bool,
}

/// Captured activations of a text.
pub(super) struct Reading {
    found: BTreeMap<(Activation, usize), Vec<f32>>,
    layers: usize,
    d_model: usize,
}

impl Reading {
    fn new(found: Vec<Captured>, config: &ModelConfig) -> Self {
        let found = found.into_iter();
        Self {
            found: found
                .map(|one| ((one.name, one.layer), one.values))
                .collect(),
            layers: config.n_layers,
            d_model: config.d_model,
        }
    }

    fn get(&self, name: Activation, layer: usize) -> &[f32] {
        let found = self.found.get(&(name, layer));
        found.expect("every layer of every stack has these activations")
    }

    /// Return the residual stream after the embedding (row 0) or a layer, `[pos, d_model]`.
    pub(super) fn stream(&self, row: usize) -> &[f32] {
        match row.checked_sub(1) {
            None => self.get(Activation::ResidPre, 0),
            Some(layer) => self.get(Activation::ResidPost, layer),
        }
    }

    /// Return the number of rows of the stream.
    pub(super) fn rows(&self) -> usize {
        self.layers + 1
    }

    pub(super) fn d_model(&self) -> usize {
        self.d_model
    }

    /// Return the weighted values of a layer, `[head, pos, d_head]`.
    pub(super) fn z(&self, layer: usize) -> &[f32] {
        self.get(Activation::Z, layer)
    }

    /// Return the patterns of a layer, `[head, query, key]`.
    pub(super) fn pattern(&self, layer: usize) -> &[f32] {
        self.get(Activation::Pattern, layer)
    }
}

/// Request the activations of all layers and heads.
fn capture(config: &ModelConfig) -> Capture {
    let layers: Vec<usize> = (0..config.n_layers).collect();
    let heads: Vec<usize> = (0..config.n_heads).collect();
    Capture::new(&NAMES, &layers, &heads)
}

impl LanguageModel {
    /// Read a text.
    pub(super) fn sense_reading(&self, tokens: &[Token]) -> Result<Reading, InferError> {
        let config = self.model.config();
        self.check_length(tokens.len())?;
        let looking = CaptureSelection {
            activations: vec![Activation::Z, Activation::Pattern],
            ..CaptureSelection::default()
        };
        self.check_room(tokens.len(), config.n_heads, config.n_layers, &looking)?;
        let mut capture = capture(config);
        let ids = self.batch_of(tokens.iter().map(|token| token.id));
        let pass = sisun_model::Pass {
            edits: &self.edits.list,
            ..sisun_model::Pass::capturing(&mut capture)
        };
        self.model.forward_last(ids, pass);
        Ok(Reading::new(capture.into_found(), config))
    }
}

impl Translator {
    /// Read a source.
    pub(super) fn sense_reading(&self, tokens: &[Token], config: &ModelConfig) -> Reading {
        let mut capture = capture(config);
        let ids: Vec<i32> = tokens.iter().map(|token| token.id as i32).collect();
        let shape = [1, ids.len()];
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &self.model.device());
        let mut pass = Seq2SeqPass {
            encoder_capture: Some(&mut capture),
            ..Seq2SeqPass::default()
        };
        self.model.encode(ids, None, &mut pass);
        Reading::new(capture.into_found(), config)
    }
}
