//! Attention maps as plain data: the tokens of one text and the activations that were captured while
//! it went through a model.

use serde::Serialize;
use sisun_model::Activation;

/// One token of the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its number in the vocabulary.
    pub id: u32,
    /// The label to show. It may differ from the text, for example `⏎` for a line break or `한 1/3`
    /// for a part of a character.
    pub text: String,
    /// First character of the text that the token covers, counted in characters.
    pub start: usize,
    /// One past the last character that the token covers.
    pub end: usize,
}

/// One captured activation of one layer, of one text.
///
/// # Shapes
/// - `pattern`, `scores`: `[head, query, key]`; hidden cells of `scores` are `-inf`
/// - `q`, `k`, `v`, `z`: `[head, position, d_head]`
#[derive(Debug, Clone, PartialEq)]
pub struct ActivationMap {
    /// Which activation: one with a head axis.
    pub activation: Activation,
    /// The layer that it was captured in, counted from 0.
    pub layer: usize,
    /// The numbers of the captured heads, in the order of the first axis. For `k` and `v` of
    /// grouped queries they count key/value heads.
    pub heads: Vec<usize>,
    /// Lengths of the three axes.
    pub shape: [usize; 3],
    /// The values in row-major order.
    pub values: Vec<f32>,
}

impl ActivationMap {
    /// The heads one by one: number and values.
    pub fn by_head(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let size = self.shape[1] * self.shape[2];
        self.heads
            .iter()
            .copied()
            .zip(self.values.chunks_exact(size))
    }
}

/// The activations that one text caused in one model.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionMaps {
    /// Where the model came from, for people to read.
    pub model: String,
    /// The text as it was given.
    pub text: String,
    /// The tokens of the text, in order.
    pub tokens: Vec<Token>,
    /// Whether the model hides the keys after a query.
    pub causal: bool,
    /// What was captured: each pair of activation and layer once, in the order in which files list
    /// them.
    pub activations: Vec<ActivationMap>,
}

impl AttentionMaps {
    /// The captured maps of one activation, in order.
    pub fn of(&self, activation: Activation) -> impl Iterator<Item = &ActivationMap> {
        self.activations
            .iter()
            .filter(move |map| map.activation == activation)
    }
}
