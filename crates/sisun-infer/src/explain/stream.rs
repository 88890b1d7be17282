//! The residual stream of the query's token: from its embedding through one layer to the next token.

use super::next::NextSteps;
use super::rotation::Rotation;
use super::stream_rows::{StreamRows, times, wide};
use crate::LanguageModel;
use crate::head_weights::HeadWeights;
use serde::Serialize;
use sisun_config::NormPlacement;
use sisun_model::{Activation, to_host};

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

impl LanguageModel {
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
