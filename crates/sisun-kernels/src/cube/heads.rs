//! Rotations of query and key heads, a thread for each element.

use super::tensor::{contiguous, floats, len, per_element, shaped, uncleared};
use crate::HeadCounts;
use crate::recorded::SavedForBackward;
use burn::backend::{Cube, TensorMetadata};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

#[cube(launch)]
fn rotation(
    x: &[f32],
    cos: &[f32],
    sin: &[f32],
    y: &mut [f32],
    n_pos: usize,
    width: usize,
    d_head: usize,
    rotated_width: usize,
    half: usize,
    #[comptime] back: bool,
) {
    let at = ABSOLUTE_POS;
    if at < y.len() {
        let column = at % width;
        let pos = at / width % n_pos;
        let i = column % d_head;
        let mut value = x[at];
        if column < rotated_width && i < 2 * half {
            let angle = pos * half + i % half;
            let mut turned = sin[angle];
            if comptime!(back) {
                turned = -turned;
            }
            if i < half {
                value = value * cos[angle] - x[at + half] * turned;
            } else {
                value = value * cos[angle] + x[at - half] * turned;
            }
        }
        y[at] = value;
    }
}

fn rotate(x: CubeTensor, by: &Rotated, back: bool) -> CubeTensor {
    let (x, Rotated { cos, sin, heads }) = (contiguous(x), by);
    let ([_, n_pos, width], [_, half]) = (shaped(&x), shaped(cos));
    let d_head = heads.d_head(width);
    let y = uncleared(&x, x.shape());
    let (count, dim) = per_element(&x.client, len(&x));
    rotation::launch(
        &x.client,
        count,
        dim,
        floats(&x),
        floats(cos),
        floats(sin),
        floats(&y),
        n_pos,
        width,
        d_head,
        (heads.n_heads + heads.n_kv_heads) * d_head,
        half,
        back,
    );
    y
}

/// Return the projection with its query and key heads rotated.
pub(super) fn forward(
    qkv: CubeTensor,
    cos: CubeTensor,
    sin: CubeTensor,
    heads: HeadCounts,
) -> (CubeTensor, Rotated) {
    let (cos, sin) = (contiguous(cos), contiguous(sin));
    let saved = Rotated { cos, sin, heads };
    (rotate(qkv, &saved, false), saved)
}

/// Saved values of the rotation of query and key heads, whose gradient is the inverse rotation.
#[derive(Clone, Debug)]
pub(super) struct Rotated {
    cos: CubeTensor,
    sin: CubeTensor,
    heads: HeadCounts,
}

impl SavedForBackward<Cube, 1> for Rotated {
    fn gradients(self, dy: CubeTensor, _: [bool; 1]) -> [Option<CubeTensor>; 1] {
        [Some(rotate(dy, &self, true))]
    }
}
