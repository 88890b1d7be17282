//! Named activations, kept on their way through the one forward pass.

use crate::ModelError;
use crate::host::to_host;
use burn::tensor::{Int, Tensor, TensorData};
use std::fmt;
use std::str::FromStr;
use std::sync::mpsc::SyncSender;

/// A named activation (the names are TransformerLens's).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activation {
    /// Rows of the token embedding, `[batch, pos, d_model]`; it belongs to no layer and is kept
    /// with layer 0.
    Embed,
    /// What the position variant adds to them, `[batch, pos, d_model]`; absent where positions are
    /// not added (rotary positions, score biases, none). Kept with layer 0.
    PosEmbed,
    /// Residual stream before the block, `[batch, pos, d_model]`.
    ResidPre,
    /// Queries, after position and norm, `[batch, head, pos, d_head]`.
    Q,
    /// Keys of the head's group, after position and norm, `[batch, head, pos, d_head]`.
    K,
    /// Values of the head's group, `[batch, head, pos, d_head]`.
    V,
    /// Scores before the softmax, `−∞` where hidden, `[batch, head, query, key]`.
    Scores,
    /// Softmax of the scores, `[batch, head, query, key]`.
    Pattern,
    /// Weighted values, `[batch, head, pos, d_head]`.
    Z,
    /// What attention writes to the residual stream, `[batch, pos, d_model]`.
    AttnOut,
    /// Residual stream between attention and the feed-forward network, `[batch, pos, d_model]`; in
    /// a post-norm block after the norm of the attention half. Absent in parallel blocks and in
    /// blocks without a feed-forward network.
    ResidMid,
    /// What the feed-forward network writes to the residual stream, `[batch, pos, d_model]`.
    MlpOut,
    /// Residual stream after the block, `[batch, pos, d_model]`.
    ResidPost,
    /// The model's output, `[batch, pos, vocab]`; its layer is `n_layers`.
    Logits,
}

const NAMES: [(&str, Activation); 14] = [
    ("embed", Activation::Embed),
    ("pos_embed", Activation::PosEmbed),
    ("resid_pre", Activation::ResidPre),
    ("q", Activation::Q),
    ("k", Activation::K),
    ("v", Activation::V),
    ("scores", Activation::Scores),
    ("pattern", Activation::Pattern),
    ("z", Activation::Z),
    ("attn_out", Activation::AttnOut),
    ("resid_mid", Activation::ResidMid),
    ("mlp_out", Activation::MlpOut),
    ("resid_post", Activation::ResidPost),
    ("logits", Activation::Logits),
];

impl Activation {
    /// Every activation, in the order of the forward pass.
    pub const ALL: [Self; 14] = {
        let mut all = [Self::Embed; 14];
        let mut i = 0;
        while i < all.len() {
            all[i] = NAMES[i].1;
            i += 1;
        }
        all
    };

    /// The activations with a head axis.
    pub const PER_HEAD: [Self; 6] = [
        Self::Pattern,
        Self::Scores,
        Self::Q,
        Self::K,
        Self::V,
        Self::Z,
    ];

    /// Whether it has a head axis: `[batch, head, .., ..]`.
    pub fn is_per_head(self) -> bool {
        Self::PER_HEAD.contains(&self)
    }

    /// Whether it has a value for each query and key: `[batch, head, query, key]`.
    pub fn is_query_by_key(self) -> bool {
        matches!(self, Self::Scores | Self::Pattern)
    }

    /// Whether it is one of a layer's, and not one of the whole model's.
    fn is_of_a_layer(self) -> bool {
        !matches!(self, Self::Embed | Self::PosEmbed | Self::Logits)
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES
            .iter()
            .find(|(_, activation)| activation == self)
            .map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

impl FromStr for Activation {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Self, ModelError> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, activation)| *activation)
            .ok_or_else(|| ModelError::UnknownActivation {
                name: name.to_owned(),
                known: NAMES.map(|(known, _)| known).join(", "),
            })
    }
}

/// One activation that was kept.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Which.
    pub name: Activation,
    /// Of which layer, counted from 0; what belongs to none says its own in [`Activation`].
    pub layer: usize,
    /// Shape, as [`Activation`] says; the head axis holds the chosen heads in their order.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// A request for activations, and what came of it.
#[derive(Clone, Debug)]
pub struct Capture {
    names: Vec<Activation>,
    layers: Vec<usize>,
    heads: Vec<usize>,
    kept: Destination,
}

/// Where what was captured goes.
#[derive(Clone, Debug)]
enum Destination {
    Here(Vec<Captured>),
    Sent(SyncSender<Captured>),
}

impl Capture {
    /// Asks for these activations of these layers; those with a head axis of these heads only.
    /// Those of the whole model are kept whatever the layers.
    pub fn new(names: &[Activation], layers: &[usize], heads: &[usize]) -> Self {
        Self {
            names: names.to_vec(),
            layers: layers.to_vec(),
            heads: heads.to_vec(),
            kept: Destination::Here(Vec::new()),
        }
    }

    /// The same, but each activation is sent away as soon as it is there, so that patterns of many
    /// layers need not be in memory together. The forward pass waits where the channel is full;
    /// what nobody receives any more is dropped.
    #[must_use]
    pub fn sending(self, to: SyncSender<Captured>) -> Self {
        Self {
            kept: Destination::Sent(to),
            ..self
        }
    }

    /// What was kept, in the order of the forward pass; nothing of what was sent away.
    pub fn into_found(self) -> Vec<Captured> {
        match self.kept {
            Destination::Here(found) => found,
            Destination::Sent(_) => Vec::new(),
        }
    }

    /// Whether not all of a layer's heads are kept: then those.
    pub(crate) fn some_heads(&self, n_heads: usize) -> Option<&[usize]> {
        (!self.heads.iter().copied().eq(0..n_heads)).then_some(&self.heads)
    }

    pub(crate) fn wants(&self, name: Activation, layer: usize) -> bool {
        self.names.contains(&name) && (!name.is_of_a_layer() || self.layers.contains(&layer))
    }

    /// Keeps an activation without a head axis, if asked for.
    pub(crate) fn keep(&mut self, name: Activation, layer: usize, x: &Tensor<3>) {
        if self.wants(name, layer) {
            self.push(name, layer, to_host(x.clone()));
        }
    }

    /// Keeps the chosen heads of an activation `[batch, head, .., ..]`, if asked for. Where heads
    /// share one (`heads_each > 1`), each chosen head gets the one it reads.
    pub(crate) fn keep_heads(
        &mut self,
        name: Activation,
        layer: usize,
        x: &Tensor<4>,
        heads_each: usize,
    ) {
        if self.wants(name, layer) {
            let chosen = self.chosen(x, heads_each);
            self.push(name, layer, chosen);
        }
    }

    /// Keeps the chosen heads of a tensor that holds them side by side, if asked for.
    ///
    /// # Shapes
    /// - `x`: `[batch, pos, n_heads·d_head]`
    pub(crate) fn keep_merged_heads(
        &mut self,
        name: Activation,
        layer: usize,
        x: &Tensor<3>,
        n_heads: usize,
    ) {
        if self.wants(name, layer) {
            let [batch, pos, width] = x.dims();
            let heads = x.clone().reshape([batch, pos, n_heads, width / n_heads]);
            self.keep_heads(name, layer, &heads.swap_dims(1, 2), 1);
        }
    }

    /// Keeps a pattern of the chosen heads alone, if asked for.
    pub(crate) fn keep_pattern(&mut self, layer: usize, pattern: Tensor<4>) {
        if self.wants(Activation::Pattern, layer) {
            self.push(Activation::Pattern, layer, to_host(pattern.inner()));
        }
    }

    /// Keeps scores of the chosen heads alone, if asked for, with hidden keys told as `−∞`.
    pub(crate) fn keep_scores(&mut self, layer: usize, scores: &Tensor<4>) {
        if self.wants(Activation::Scores, layer) {
            let (shape, mut values) = to_host(scores.clone().inner());
            for value in values
                .iter_mut()
                .filter(|v| **v <= sisun_kernels::attention::HIDDEN_SCORE)
            {
                *value = f32::NEG_INFINITY;
            }
            self.push(Activation::Scores, layer, (shape, values));
        }
    }

    fn chosen(&self, x: &Tensor<4>, heads_each: usize) -> (Vec<usize>, Vec<f32>) {
        let heads: Vec<i64> = self
            .heads
            .iter()
            .map(|head| (head / heads_each) as i64)
            .collect();
        let n = heads.len();
        let heads = Tensor::<1, Int>::from_data(TensorData::new(heads, [n]), &x.device().inner());
        to_host(x.clone().inner().select(1, heads))
    }

    fn push(&mut self, name: Activation, layer: usize, (shape, values): (Vec<usize>, Vec<f32>)) {
        let captured = Captured {
            name,
            layer,
            shape,
            values,
        };
        match &mut self.kept {
            Destination::Here(found) => found.push(captured),
            // Nobody listens any more: then nobody misses it.
            Destination::Sent(to) => to.send(captured).unwrap_or_default(),
        }
    }
}
