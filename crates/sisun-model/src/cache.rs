//! Key–value cache.

use burn::tensor::{Int, Tensor, s};

/// Initial capacity in tokens; the capacity doubles when the cache is full.
const FIRST_ROOM: usize = 64;

/// Keys and values of every layer for the tokens decoded so far, in growable buffers. With it, each
/// new token costs only its own column.
#[derive(Clone, Debug, Default)]
pub struct KvCache {
    layers: Vec<Layer>,
    /// Read the tokens and store no further ones.
    fixed: bool,
}

/// Keys and values, `[batch, n_kv_heads, capacity, d_head]`; the first `len` positions are filled.
#[derive(Clone, Debug)]
struct Layer {
    buffers: [Tensor<4>; 2],
    len: usize,
}

impl KvCache {
    /// Create an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Return the number of cached tokens.
    pub fn len(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.len)
    }

    /// Return true if the cache is empty.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Return the keys and values of these rows of the batch, in this order.
    #[must_use]
    pub fn select(&self, rows: &Tensor<1, Int>) -> Self {
        let layers = self.layers.iter().map(|layer| Layer {
            buffers: layer
                .buffers
                .each_ref()
                .map(|buffer| buffer.clone().select(0, rows.clone())),
            len: layer.len,
        });
        Self {
            layers: layers.collect(),
            fixed: self.fixed,
        }
    }

    /// Return the keys and values of the first `len` tokens, in a cache that passes extend.
    ///
    /// # Panics
    /// If fewer tokens are cached.
    #[must_use]
    pub fn first(&self, len: usize) -> Self {
        Self {
            fixed: false,
            ..self.fixed(len)
        }
    }

    /// Return the keys and values of the first `len` tokens, in a cache that passes read without
    /// adding to it. If it has one row, every row of a batch continues from it
    /// ([`Pass::forks`](crate::Pass::forks)).
    ///
    /// # Panics
    /// If fewer tokens are cached.
    #[must_use]
    pub fn fixed(&self, len: usize) -> Self {
        let layers = self.layers.iter().map(|layer| Layer {
            buffers: layer
                .buffers
                .each_ref()
                .map(|buffer| buffer.clone().narrow(2, 0, len)),
            len,
        });
        Self {
            layers: layers.collect(),
            fixed: true,
        }
    }

    /// Append the keys and values of new tokens, unless the cache is fixed, and return those of all
    /// tokens.
    ///
    /// # Shapes
    /// - `k`, `v`: `[batch, n_kv_heads, new, d_head]`
    /// - result: `[batch, n_kv_heads, len + new, d_head]` each
    pub(crate) fn extend(
        &mut self,
        layer: usize,
        k: Tensor<4>,
        v: Tensor<4>,
    ) -> (Tensor<4>, Tensor<4>) {
        if layer == self.layers.len() && !self.fixed {
            let empty = |x: &Tensor<4>| with_room(None, x, FIRST_ROOM.max(x.dims()[2]));
            self.layers.push(Layer {
                buffers: [empty(&k), empty(&v)],
                len: 0,
            });
        }
        if self.fixed {
            let before = |buffer: &Tensor<4>, new: Tensor<4>| {
                let [rows, heads, _, d_head] = new.dims();
                let buffer = buffer.clone();
                let len = buffer.dims()[2];
                Tensor::cat(vec![buffer.expand([rows, heads, len, d_head]), new], 2)
            };
            let [keys, values] = &self.layers[layer].buffers;
            return (before(keys, k), before(values, v));
        }
        let layer = &mut self.layers[layer];
        let (from, to) = (layer.len, layer.len + k.dims()[2]);
        layer.len = to;
        let [keys, values] = &mut layer.buffers;
        (append(keys, k, from, to), append(values, v, from, to))
    }
}

/// Write `new` to positions `from..to` and return a view of the first `to`.
fn append(buffer: &mut Tensor<4>, new: Tensor<4>, from: usize, to: usize) -> Tensor<4> {
    let [batch, heads, room, d_head] = buffer.dims();
    if to > room {
        *buffer = with_room(Some((&*buffer, from)), &new, to.max(2 * room));
    }
    // Taken out so that the tensor has one owner and is written in place.
    let alone = std::mem::replace(buffer, new.clone());
    *buffer = alone.slice_assign(s![0..batch, 0..heads, from..to, 0..d_head], new);
    buffer.clone().narrow(2, 0, to)
}

/// Return a buffer shaped like `like` with capacity `room`, starting with the positions of `old`.
fn with_room(old: Option<(&Tensor<4>, usize)>, like: &Tensor<4>, room: usize) -> Tensor<4> {
    let [batch, heads, _, d_head] = like.dims();
    let empty = Tensor::zeros([batch, heads, room, d_head], &like.device());
    match old {
        Some((old, len)) => empty.slice_assign(
            s![0..batch, 0..heads, 0..len, 0..d_head],
            old.clone().narrow(2, 0, len),
        ),
        None => empty,
    }
}
