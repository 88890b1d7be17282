//! Attention maps as plain data: the tokens of a text and the activations captured while a model
//! read it.

use serde::Serialize;
use sisun_model::Activation;
use std::collections::BTreeSet;

/// One token of the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Token id.
    pub id: u32,
    /// The label that pictures and tables show, in which white space is made visible: `⏎` for a line
    /// break, `한 1/3` for a part of a character.
    #[serde(skip)]
    pub text: String,
    /// The text as it is, which files hold; part of a character is shown as its bytes.
    #[serde(rename = "text")]
    pub plain: String,
    /// Index of the first character of the text that the token covers.
    pub start: usize,
    /// Index after the last character that the token covers.
    pub end: usize,
}

/// Return a number of tokens in words: `1 token`, `2 tokens`.
pub(crate) fn counted(tokens: usize) -> String {
    let s = if tokens == 1 { "" } else { "s" };
    format!("{tokens} token{s}")
}

/// A captured activation of one layer on one text.
///
/// # Shapes
/// - `pattern`, `scores`: `[head, query, key]`; hidden cells of `scores` are `-inf`
/// - `q`, `k`, `v`, `z`: `[head, position, d_head]`
#[derive(Debug, Clone, PartialEq)]
pub struct ActivationMap {
    /// Name of the activation, which has a head axis.
    pub activation: Activation,
    /// Layer, counted from 0.
    pub layer: usize,
    /// Indices of the captured heads, in the order of the first axis; of key–value heads for `k`
    /// and `v` of grouped-query attention.
    pub heads: Vec<usize>,
    /// Lengths of the three axes.
    pub shape: [usize; 3],
    /// Values, row-major.
    pub values: Vec<f32>,
}

impl ActivationMap {
    /// Iterate over the heads, as index and values.
    pub fn by_head(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let size = self.shape[1] * self.shape[2];
        self.heads
            .iter()
            .copied()
            .zip(self.values.chunks_exact(size))
    }
}

/// The attention of a model that several kinds of attention may make up.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum AttentionPart {
    /// The only attention of the model.
    #[default]
    Only,
    /// Self-attention of an encoder.
    Encoder,
    /// Self-attention of a decoder.
    Decoder,
    /// Attention of a decoder, whose tokens are the queries, over what an encoder has read.
    Cross(KeyText),
}

/// A text whose tokens are the keys, where the queries are those of another text.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyText {
    /// Original text.
    pub text: String,
    /// Tokens of the text, in order.
    pub tokens: Vec<Token>,
    /// The true alignment as pairs of query and key, if it is known.
    pub alignment: Option<Vec<(usize, usize)>>,
}

impl AttentionPart {
    /// Return the prefix of names of files and tensors.
    pub fn prefix(&self) -> &'static str {
        match self {
            Self::Only => "",
            Self::Encoder => "encoder-",
            Self::Decoder => "decoder-",
            Self::Cross(_) => "cross-",
        }
    }
}

/// The weights that the patterns of maps hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weighting {
    /// Attention weights, which sum to 1 over the keys of a query.
    #[default]
    Attention,
    /// Attention weights times the norm of what each key contributes, `αᵢⱼ·‖f(xⱼ)‖` (Kobayashi et
    /// al. 2020).
    Values,
}

/// The activations of one model on one text.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionMaps {
    /// Description of the model.
    pub model: String,
    /// The edits of the model, as they were written.
    pub edits: Vec<String>,
    /// Original text, of the queries.
    pub text: String,
    /// Tokens of the text, in order.
    pub tokens: Vec<Token>,
    /// The attention that was captured, and the text of the keys if it is another.
    pub part: AttentionPart,
    /// True if the model hides keys after the query.
    pub causal: bool,
    /// The weights that the patterns hold.
    pub weighting: Weighting,
    /// Captured activations: each pair of activation and layer once, in the order of listings in
    /// files.
    pub activations: Vec<ActivationMap>,
}

impl AttentionMaps {
    /// Return the tokens of the keys.
    pub fn key_tokens(&self) -> &[Token] {
        match &self.part {
            AttentionPart::Cross(keys) => &keys.tokens,
            _ => &self.tokens,
        }
    }

    /// Return the true alignment as pairs of query and key; empty if it is not known.
    pub fn alignment(&self) -> &[(usize, usize)] {
        match &self.part {
            AttentionPart::Cross(keys) => keys.alignment.as_deref().unwrap_or_default(),
            _ => &[],
        }
    }

    /// Return layer and head of the pattern whose largest weights lie on the true alignment most
    /// often, and among equals that with the most weight there; `None` if no alignment is known.
    pub fn best_aligned(&self) -> Option<(usize, usize)> {
        let links = self.alignment();
        let rows: BTreeSet<usize> = links.iter().map(|(query, _)| *query).collect();
        let columns = self.key_tokens().len();
        let agreement = |weights: &[f32]| {
            let weight = |query: usize, key: usize| f64::from(weights[query * columns + key]);
            let points = rows.iter().filter(|&&query| {
                let largest = (0..columns).max_by(|a, b| {
                    // The first among equals.
                    weight(query, *a)
                        .total_cmp(&weight(query, *b))
                        .then(b.cmp(a))
                });
                largest.is_some_and(|key| links.contains(&(query, key)))
            });
            let mass: f64 = links.iter().map(|&(query, key)| weight(query, key)).sum();
            (points.count(), mass)
        };
        let heads = self.of(Activation::Pattern).flat_map(|map| {
            map.by_head()
                .map(|(head, weights)| (map.layer, head, agreement(weights)))
        });
        let mut best: Option<(usize, usize, (usize, f64))> = None;
        for (layer, head, found) in heads.filter(|_| !links.is_empty()) {
            if best.is_none_or(|(.., most)| found > most) {
                best = Some((layer, head, found));
            }
        }
        best.map(|(layer, head, _)| (layer, head))
    }

    /// Iterate over the captured maps of one activation, in order.
    pub fn of(&self, activation: Activation) -> impl Iterator<Item = &ActivationMap> {
        self.activations
            .iter()
            .filter(move |map| map.activation == activation)
    }
}
