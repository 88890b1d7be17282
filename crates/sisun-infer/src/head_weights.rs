//! The weights of attention heads, one layer at a time.

use crate::matrix::Matrix;
use sisun_config::{ModelConfig, Position};
use sisun_model::Transformer;
use sisun_model::position::rope::Frequencies;

/// Weights of the heads of one layer, without biases.
pub(crate) struct HeadWeights {
    qkv: Matrix,
    o: Matrix,
    config: ModelConfig,
}

impl HeadWeights {
    /// Copy the weights of a layer.
    pub(crate) fn of(model: &Transformer, layer: usize) -> Self {
        let attn = &model.blocks[layer].attn;
        Self {
            qkv: Matrix::of(attn.qkv.weight.val()),
            o: Matrix::of(attn.o.weight.val()),
            config: model.config().clone(),
        }
    }

    fn columns(&self, head: usize) -> Matrix {
        let d_head = self.config.d_head();
        self.qkv.some_columns(head * d_head, d_head)
    }

    /// Return W_Q of a head, `[d_model, d_head]`.
    pub(crate) fn q(&self, head: usize) -> Matrix {
        self.columns(head)
    }

    /// Return W_K of the head's group, `[d_model, d_head]`.
    pub(crate) fn k(&self, head: usize) -> Matrix {
        self.columns(self.config.n_heads + self.config.kv_head(head))
    }

    /// Return W_V of the head's group, `[d_model, d_head]`.
    pub(crate) fn v(&self, head: usize) -> Matrix {
        let config = &self.config;
        self.columns(config.n_heads + config.kv_heads() + config.kv_head(head))
    }

    /// Return W_O of a head, `[d_head, d_model]`.
    pub(crate) fn o(&self, head: usize) -> Matrix {
        let d_head = self.config.d_head();
        self.o.some_rows(head * d_head, d_head)
    }

    /// Return W_Q of a head, rotated as for a query `distance` tokens after its key (Su et al. 2021,
    /// equation 16): with RoPE `q·k` depends on the positions by their distance only. Other position
    /// variants leave the weights as they are.
    pub(crate) fn q_at(&self, head: usize, distance: usize) -> Matrix {
        let mut q = self.q(head);
        let Position::Rope { base, scaling, .. } = self.config.position else {
            return q;
        };
        let rotary = self.config.rotary_dims();
        let Frequencies { radians, magnitude } =
            Frequencies::new(rotary, base, scaling, distance + 1);
        let half = rotary / 2;
        // Queries and keys carry the magnitude each.
        let factor = magnitude * magnitude;
        for row in q.values.chunks_exact_mut(self.config.d_head()) {
            for (i, radians) in radians.iter().enumerate() {
                let (sin, cos) = (distance as f64 * radians).sin_cos();
                let (a, b) = (f64::from(row[i]), f64::from(row[i + half]));
                row[i] = (factor * (a * cos - b * sin)) as f32;
                row[i + half] = (factor * (a * sin + b * cos)) as f32;
            }
        }
        q
    }
}
