//! Keys and values of the tokens read so far.

use burn::tensor::Tensor;

/// What decoding keeps so that a new token needs only its own column: the keys and values of every layer.
#[derive(Clone, Debug, Default)]
pub struct KvCache {
    layers: Vec<(Tensor<4>, Tensor<4>)>,
}

impl KvCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tokens read so far.
    pub fn len(&self) -> usize {
        self.layers.first().map_or(0, |(k, _)| k.dims()[2])
    }

    /// Whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Appends the keys and values of new tokens and returns those of all tokens.
    ///
    /// # Shapes
    /// - `k`, `v`: `[batch, n_kv_heads, new, d_head]`
    /// - result: `[batch, n_kv_heads, len + new, d_head]` each
    pub(crate) fn extend(&mut self, layer: usize, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        match self.layers.get_mut(layer) {
            Some((keys, values)) => {
                *keys = Tensor::cat(vec![keys.clone(), k], 2);
                *values = Tensor::cat(vec![values.clone(), v], 2);
                (keys.clone(), values.clone())
            }
            None => {
                debug_assert_eq!(layer, self.layers.len(), "layers are filled in order");
                self.layers.push((k.clone(), v.clone()));
                (k, v)
            }
        }
    }
}
