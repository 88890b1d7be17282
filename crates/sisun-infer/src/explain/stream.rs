//! The residual stream of the query's token: from its embedding through one layer to the next token.

use super::rotation::Rotation;
use crate::LanguageModel;
use crate::attention_maps::Token;
use crate::head_weights::HeadWeights;
use burn::tensor::{Tensor, TensorData};
use serde::{Serialize, Serializer};
use sisun_config::NormPlacement;
use sisun_model::{Activation, Capture, Captured, Pass, to_host};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::sync_channel;

/// The activations of the residual stream.
pub(crate) const STREAM: [Activation; 7] = [
    Activation::Embed,
    Activation::PosEmbed,
    Activation::ResidPre,
    Activation::AttnOut,
    Activation::ResidMid,
    Activation::MlpOut,
    Activation::ResidPost,
];

/// The residual stream of the query's token around one layer. Vectors are `[d_model]` unless they
/// say otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stream {
    /// The token embedding, x.
    pub embedding: Vec<f64>,
    /// The vector p that is added for the position; `None` if positions are not added.
    pub position: Option<Vec<f64>>,
    /// The stream before the first layer: x, or x̃ = x + p.
    pub positioned: Vec<f64>,
    /// The stream before the layer, h.
    pub before: Vec<f64>,
    /// `norm(h)`, which the layer's attention reads; `None` if norms come after the sums.
    pub normed: Option<Vec<f64>>,
    /// The query, key and value of the token.
    pub products: Products,
    /// The rotation of q and k by their positions; `None` without RoPE.
    pub rotation: Option<Rotation>,
    /// The first column of the head's part of W_O, `[d_head]`.
    pub output_column: Vec<f64>,
    /// `z·W_O` of the head.
    pub share: Vec<f64>,
    /// The output of attention: the shares of all heads, and the bias.
    pub attention: Vec<f64>,
    /// The stream after attention.
    pub after_attention: Vec<f64>,
    /// The output of the feed-forward network; `None` if the model has none.
    pub feed_forward: Option<Vec<f64>>,
    /// The stream after the layer.
    pub after: Vec<f64>,
    /// The most likely next token, and what it gains on the way.
    pub next: NextSteps,
}

/// The products of the token's vector with W_Q, W_K and W_V, biases included, before norm and
/// position, each `[d_head]`; and the first column of each matrix, `[d_model]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Products {
    /// `x·W_Q`.
    pub q: Vec<f64>,
    /// `x·W_K`.
    pub k: Vec<f64>,
    /// `x·W_V`.
    pub v: Vec<f64>,
    /// The first column of W_Q.
    pub q_column: Vec<f64>,
    /// The first column of W_K.
    pub k_column: Vec<f64>,
    /// The first column of W_V.
    pub v_column: Vec<f64>,
}

/// The most likely token after the query, under the logit lens along the stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NextSteps {
    /// Token id.
    pub id: u32,
    /// Readable text.
    pub text: String,
    /// Its probability at each point of the stream, the last of which is the model's own.
    pub points: Vec<StreamPoint>,
    /// Its probability after the layer's attention if the head's share is left out.
    pub without_head: f64,
}

/// A point of the stream: after one part of the model has added its result.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StreamPoint {
    /// The part.
    pub part: StreamSource,
    /// Probability of the token if the stream ended here: final norm, head and softmax applied.
    pub probability: f64,
}

/// A part of the model that changes the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamSource {
    /// The token embedding.
    Embedding,
    /// The added position.
    Position,
    /// The attention of a layer.
    Attention(usize),
    /// The feed-forward network of a layer.
    FeedForward(usize),
}

impl fmt::Display for StreamSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedding => write!(f, "{}", Activation::Embed),
            Self::Position => write!(f, "{}", Activation::PosEmbed),
            Self::Attention(layer) => write!(f, "{} {layer}", Activation::AttnOut),
            Self::FeedForward(layer) => write!(f, "{} {layer}", Activation::MlpOut),
        }
    }
}

impl Serialize for StreamSource {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Rows of the stream of one token, by activation and layer.
pub(crate) type StreamRows = BTreeMap<(Activation, usize), Vec<f32>>;

impl LanguageModel {
    /// Run the model on tokens, its edits included, and hand each captured activation to `each` as
    /// soon as it is computed.
    pub(crate) fn capture_each(
        &self,
        tokens: &[Token],
        capture: Capture,
        mut each: impl FnMut(Captured) + Send,
    ) {
        let ids = self.batch_of(tokens.iter().map(|token| token.id));
        std::thread::scope(|scope| {
            let (to, from) = sync_channel(1);
            scope.spawn(move || from.into_iter().for_each(&mut each));
            let mut capture = capture.sending(to);
            let pass = Pass {
                edits: &self.edits.list,
                ..Pass::capturing(&mut capture)
            };
            self.model.forward_last(ids, pass);
        });
    }

    /// Return the stream of one token around a layer. `z` is the head's result of this token.
    pub(crate) fn stream(
        &self,
        rows: &StreamRows,
        layer: usize,
        head: usize,
        z: &[f64],
        rotation: Option<Rotation>,
    ) -> Stream {
        let config = self.model.config();
        let row = |name, layer: usize| rows.get(&(name, layer)).map(|row| wide(row));
        let must = |name, layer| row(name, layer).unwrap_or_default();
        let before = must(Activation::ResidPre, layer);
        let block = &self.model.blocks[layer];
        let normed = (config.norm_placement == NormPlacement::Pre)
            .then(|| self.through(&before, |x| block.norm_attn.forward(x)));
        let weights = HeadWeights::of(&self.model, layer);
        let share = times(z, &weights.o(head).values, config.d_model);
        let attention = must(Activation::AttnOut, layer);
        let after_attention = self.after_attention(rows, layer);
        Stream {
            embedding: must(Activation::Embed, 0),
            position: row(Activation::PosEmbed, 0),
            positioned: must(Activation::ResidPre, 0),
            products: self.products(&weights, layer, head, normed.as_ref().unwrap_or(&before)),
            normed,
            rotation,
            output_column: column(&weights.o(head).values, config.d_model),
            next: self.next_steps(rows, layer, &share),
            share,
            attention,
            after_attention,
            feed_forward: row(Activation::MlpOut, layer),
            after: must(Activation::ResidPost, layer),
            before,
        }
    }

    /// Return the stream after the attention of a layer.
    pub(crate) fn after_attention(&self, rows: &StreamRows, layer: usize) -> Vec<f64> {
        let row = |name| rows.get(&(name, layer)).map(|row| wide(row));
        let must = |name| row(name).unwrap_or_default();
        match row(Activation::ResidMid) {
            Some(mid) => mid,
            // Without a feed-forward network attention ends the block.
            None if row(Activation::MlpOut).is_none() => must(Activation::ResidPost),
            // In a parallel block both are added at once.
            None => sum(&must(Activation::ResidPre), &must(Activation::AttnOut)),
        }
    }

    /// Return the products of a token's vector with the matrices of a head.
    fn products(&self, weights: &HeadWeights, layer: usize, head: usize, x: &[f64]) -> Products {
        let config = self.model.config();
        let d_head = config.d_head();
        let bias = self.model.blocks[layer].attn.qkv.bias.as_ref();
        let bias = bias.map(|bias| to_host(bias.val()).1);
        let kv = config.n_heads + config.kv_head(head);
        let product = |matrix: &[f32], place: usize| {
            let mut product = times(x, matrix, d_head);
            if let Some(bias) = &bias {
                let bias = &bias[place * d_head..][..d_head];
                product
                    .iter_mut()
                    .zip(bias)
                    .for_each(|(y, b)| *y += f64::from(*b));
            }
            product
        };
        let [q, k, v] = [weights.q(head), weights.k(head), weights.v(head)];
        Products {
            q: product(&q.values, head),
            k: product(&k.values, kv),
            v: product(&v.values, kv + config.kv_heads()),
            q_column: column(&q.values, d_head),
            k_column: column(&k.values, d_head),
            v_column: column(&v.values, d_head),
        }
    }

    /// Return the points of the stream in the order of the forward pass, with the stream at each.
    pub(crate) fn points(&self, rows: &StreamRows) -> Vec<(StreamSource, Vec<f64>)> {
        let row = |name, layer: usize| rows.get(&(name, layer)).map(|row| wide(row));
        let mut points = Vec::new();
        if let Some(embedding) = row(Activation::Embed, 0) {
            points.push((StreamSource::Embedding, embedding));
        }
        if let (Some(_), Some(sum)) = (row(Activation::PosEmbed, 0), row(Activation::ResidPre, 0)) {
            points.push((StreamSource::Position, sum));
        }
        for layer in 0..self.model.config().n_layers {
            points.push((
                StreamSource::Attention(layer),
                self.after_attention(rows, layer),
            ));
            if let (Some(_), Some(after)) = (
                row(Activation::MlpOut, layer),
                row(Activation::ResidPost, layer),
            ) {
                points.push((StreamSource::FeedForward(layer), after));
            }
        }
        points
    }

    /// Return the stream after a layer's attention without the share of a head.
    pub(crate) fn without_share(&self, rows: &StreamRows, layer: usize, share: &[f64]) -> Vec<f64> {
        let config = self.model.config();
        let row = |name| rows.get(&(name, layer)).map(|row| wide(row));
        if config.norm_placement == NormPlacement::Pre {
            return difference(&self.after_attention(rows, layer), share);
        }
        let added = difference(&row(Activation::AttnOut).unwrap_or_default(), share);
        let stream = match config.residual {
            true => sum(&row(Activation::ResidPre).unwrap_or_default(), &added),
            false => added,
        };
        self.through(&stream, |x| self.model.blocks[layer].norm_attn.forward(x))
    }

    /// Apply the final norm and the head to vectors of the stream, and return for each the logits,
    /// `[vocab]`.
    pub(crate) fn read_out(&self, streams: &[Vec<f64>]) -> Vec<Vec<f32>> {
        let d_model = self.model.config().d_model;
        let values: Vec<f32> = streams.iter().flatten().map(|&x| x as f32).collect();
        let data = TensorData::new(values, [1, streams.len(), d_model]);
        let x = Tensor::<3>::from_data(data, &self.model.device());
        let logits = to_host(self.head(self.final_norm(x))).1;
        logits
            .chunks_exact(self.rows())
            .map(<[f32]>::to_vec)
            .collect()
    }

    fn next_steps(&self, rows: &StreamRows, layer: usize, share: &[f64]) -> NextSteps {
        let (parts, mut streams): (Vec<_>, Vec<_>) = self.points(rows).into_iter().unzip();
        streams.push(self.without_share(rows, layer, share));
        let logits = self.read_out(&streams);
        let id = logits
            .iter()
            .rev()
            .nth(1)
            .map_or(0, |last| most_likely(last));
        let probabilities: Vec<f64> = logits.iter().map(|row| probability(row, id)).collect();
        NextSteps {
            id: id as u32,
            text: self.label(id as u32),
            points: parts
                .into_iter()
                .zip(&probabilities)
                .map(|(part, &probability)| StreamPoint { part, probability })
                .collect(),
            without_head: probabilities.last().copied().unwrap_or(f64::NAN),
        }
    }

    /// Apply a layer to one vector of the stream.
    fn through(&self, x: &[f64], layer: impl Fn(Tensor<3>) -> Tensor<3>) -> Vec<f64> {
        let values: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let data = TensorData::new(values, [1, 1, x.len()]);
        wide(&to_host(layer(Tensor::from_data(data, &self.model.device()))).1)
    }
}

/// Return the index of the largest logit.
pub(crate) fn most_likely(logits: &[f32]) -> usize {
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(id, _)| id)
}

/// Return the softmax of logits at one token.
pub(crate) fn probability(logits: &[f32], id: usize) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exp = |logit: f32| f64::from(logit - most).exp();
    exp(logits[id]) / logits.iter().map(|&logit| exp(logit)).sum::<f64>()
}

pub(crate) fn wide(row: &[f32]) -> Vec<f64> {
    row.iter().map(|&x| f64::from(x)).collect()
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// Return the first column of a matrix, row-major.
fn column(values: &[f32], columns: usize) -> Vec<f64> {
    wide(
        &values
            .iter()
            .copied()
            .step_by(columns)
            .collect::<Vec<f32>>(),
    )
}

/// Return `x·W`.
///
/// # Shapes
/// - `w`: `[x.len(), columns]`, row-major
pub(crate) fn times(x: &[f64], w: &[f32], columns: usize) -> Vec<f64> {
    let mut y = vec![0.0; columns];
    for (x, row) in x.iter().zip(w.chunks_exact(columns)) {
        y.iter_mut()
            .zip(row)
            .for_each(|(y, w)| *y += x * f64::from(*w));
    }
    y
}
