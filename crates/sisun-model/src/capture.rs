//! Named activations, captured during the forward pass.

use crate::ModelError;
use crate::host::to_host;
use burn::tensor::{Int, Tensor, TensorData};
use std::fmt;
use std::str::FromStr;
use std::sync::mpsc::SyncSender;

/// A named activation, after TransformerLens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activation {
    /// Token embeddings, `[batch, pos, d_model]`. Belongs to no layer; stored with layer 0.
    Embed,
    /// Position embeddings added to the token embeddings, `[batch, pos, d_model]`; absent if
    /// positions are not added (rotary positions, score biases, none). Stored with layer 0.
    PosEmbed,
    /// Residual stream before the block, `[batch, pos, d_model]`.
    ResidPre,
    /// Queries, after position encoding and norm, `[batch, head, pos, d_head]`.
    Q,
    /// Keys of the head's group, after position encoding and norm, `[batch, head, pos, d_head]`.
    K,
    /// Values of the head's group, `[batch, head, pos, d_head]`.
    V,
    /// Scores before the softmax, `−∞` where hidden, `[batch, head, query, key]`.
    Scores,
    /// Softmax of the scores, `[batch, head, query, key]`.
    Pattern,
    /// Weighted values, `[batch, head, pos, d_head]`.
    Z,
    /// Output of attention, added to the residual stream, `[batch, pos, d_model]`.
    AttnOut,
    /// Residual stream between attention and the feed-forward network, `[batch, pos, d_model]`; in
    /// a post-norm block, after the norm of the attention sublayer. Absent in parallel blocks and
    /// in blocks without a feed-forward network.
    ResidMid,
    /// Output of the feed-forward network, added to the residual stream, `[batch, pos, d_model]`.
    MlpOut,
    /// Residual stream after the block, `[batch, pos, d_model]`.
    ResidPost,
    /// Output of the model, `[batch, pos, vocab]`; its layer is `n_layers`.
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

    /// Return true if it has a head axis: `[batch, head, .., ..]`.
    pub fn is_per_head(self) -> bool {
        Self::PER_HEAD.contains(&self)
    }

    /// Return true if it has a value for each query and key: `[batch, head, query, key]`.
    pub fn is_query_by_key(self) -> bool {
        matches!(self, Self::Scores | Self::Pattern)
    }

    /// Return true if it belongs to a layer, false if it belongs to the whole model.
    pub fn is_of_a_layer(self) -> bool {
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

/// A captured activation.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Name of the activation.
    pub name: Activation,
    /// Layer, counted from 0. For activations without a layer see [`Activation`].
    pub layer: usize,
    /// Shape, see [`Activation`]; the head axis holds the requested heads in the requested order.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// A capture request and its results.
#[derive(Clone, Debug)]
pub struct Capture {
    names: Vec<Activation>,
    layers: Vec<usize>,
    heads: Vec<usize>,
    /// Layers of activations with a head axis, if they are not those of the others.
    layers_of_heads: Option<Vec<usize>>,
    kept: Destination,
}

/// Destination of the captured activations.
#[derive(Clone, Debug)]
enum Destination {
    Here(Vec<Captured>),
    Sent(SyncSender<Captured>),
}

impl Capture {
    /// Request activations of these layers, and only these heads where there is a head axis.
    /// Activations of the whole model are captured regardless of the layers.
    pub fn new(names: &[Activation], layers: &[usize], heads: &[usize]) -> Self {
        Self {
            names: names.to_vec(),
            layers: layers.to_vec(),
            heads: heads.to_vec(),
            layers_of_heads: None,
            kept: Destination::Here(Vec::new()),
        }
    }

    /// Capture activations with a head axis in these layers only.
    #[must_use]
    pub fn heads_of_layers(self, layers: &[usize]) -> Self {
        Self {
            layers_of_heads: Some(layers.to_vec()),
            ..self
        }
    }

    /// Send each activation to a channel as soon as it is computed instead of collecting it, so
    /// that patterns of many layers need not be in memory together. The forward pass blocks while
    /// the channel is full; after the receiver is dropped, activations are discarded.
    #[must_use]
    pub fn sending(self, to: SyncSender<Captured>) -> Self {
        Self {
            kept: Destination::Sent(to),
            ..self
        }
    }

    /// Return the collected activations in the order of the forward pass; empty after
    /// [`Capture::sending`].
    pub fn into_found(self) -> Vec<Captured> {
        match self.kept {
            Destination::Here(found) => found,
            Destination::Sent(_) => Vec::new(),
        }
    }

    /// Return the requested heads, or `None` if all heads of a layer are requested in order.
    pub(crate) fn some_heads(&self, n_heads: usize) -> Option<&[usize]> {
        (!self.heads.iter().copied().eq(0..n_heads)).then_some(&self.heads)
    }

    /// Return true if an activation is requested.
    pub fn wants(&self, name: Activation, layer: usize) -> bool {
        let layers = match &self.layers_of_heads {
            Some(layers) if name.is_per_head() => layers,
            _ => &self.layers,
        };
        self.names.contains(&name) && (!name.is_of_a_layer() || layers.contains(&layer))
    }

    /// Capture an activation without a head axis, if requested.
    pub fn keep(&mut self, name: Activation, layer: usize, x: &Tensor<3>) {
        if self.wants(name, layer) {
            self.push(name, layer, to_host(x.clone()));
        }
    }

    /// Capture the requested heads of an activation `[batch, head, .., ..]`, if requested. If
    /// several query heads share a key–value head (`heads_each > 1`), each gets its group's.
    pub fn keep_heads(&mut self, name: Activation, layer: usize, x: &Tensor<4>, heads_each: usize) {
        if self.wants(name, layer) {
            let chosen = self.chosen(x, heads_each);
            self.push(name, layer, chosen);
        }
    }

    /// Capture the requested heads of a tensor with merged heads, if requested.
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

    /// Capture a pattern that holds only the requested heads, if requested.
    pub fn keep_pattern(&mut self, layer: usize, pattern: Tensor<4>) {
        if self.wants(Activation::Pattern, layer) {
            self.push(Activation::Pattern, layer, to_host(pattern.inner()));
        }
    }

    /// Capture scores that hold only the requested heads, if requested; hidden keys become `−∞`.
    pub fn keep_scores(&mut self, layer: usize, scores: &Tensor<4>) {
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
            // The receiver is gone, so the activation is not needed.
            Destination::Sent(to) => to.send(captured).unwrap_or_default(),
        }
    }
}
