//! Keys and values of the tokens read so far.

use burn::tensor::{Tensor, s};

/// Room for this many tokens is made at first; it doubles when it is full.
const FIRST_ROOM: usize = 64;

/// What decoding keeps so that a new token needs only its own column: the keys and values of every
/// layer, in buffers with room for more.
#[derive(Clone, Debug, Default)]
pub struct KvCache {
    layers: Vec<Layer>,
}

/// Keys and values, `[batch, n_kv_heads, room, d_head]`, of which the first `len` positions are
/// filled.
#[derive(Clone, Debug)]
struct Layer {
    buffers: [Tensor<4>; 2],
    len: usize,
}

impl KvCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tokens read so far.
    pub fn len(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.len)
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
    pub(crate) fn extend(
        &mut self,
        layer: usize,
        k: Tensor<4>,
        v: Tensor<4>,
    ) -> (Tensor<4>, Tensor<4>) {
        if layer == self.layers.len() {
            let empty = |x: &Tensor<4>| with_room(None, x, FIRST_ROOM.max(x.dims()[2]));
            self.layers.push(Layer {
                buffers: [empty(&k), empty(&v)],
                len: 0,
            });
        }
        let layer = &mut self.layers[layer];
        let (from, to) = (layer.len, layer.len + k.dims()[2]);
        layer.len = to;
        let [keys, values] = &mut layer.buffers;
        (append(keys, k, from, to), append(values, v, from, to))
    }
}

/// Writes `new` to positions `from..to` and returns the first `to` as a view.
fn append(buffer: &mut Tensor<4>, new: Tensor<4>, from: usize, to: usize) -> Tensor<4> {
    let [batch, heads, room, d_head] = buffer.dims();
    if to > room {
        *buffer = with_room(Some((&*buffer, from)), &new, to.max(2 * room));
    }
    // Taken out while it is written, so that nobody shares it and it is written in place.
    let alone = std::mem::replace(buffer, new.clone());
    *buffer = alone.slice_assign(s![0..batch, 0..heads, from..to, 0..d_head], new);
    buffer.clone().narrow(2, 0, to)
}

/// A buffer like `like` with this much room, the first positions of an old one in it.
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
