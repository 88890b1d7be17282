//! The inputs and outputs that every part of a pass needs.

use super::rows::RowsMut;
use super::{HeadRows, Shape};

/// Inputs and outputs that every part of a forward pass needs.
#[derive(Clone, Copy)]
pub(super) struct Forward<'a> {
    pub(super) shape: Shape,
    /// Number of keys of each sequence, if some are padding.
    pub(super) lens: Option<&'a [usize]>,
    pub(super) q: HeadRows<'a>,
    pub(super) k: HeadRows<'a>,
    pub(super) v: HeadRows<'a>,
    pub(super) bias: Option<&'a [f32]>,
    /// Rows `[batch, head, query]` of `d_head`.
    pub(super) z: &'a RowsMut<'a>,
    /// Rows `[batch, head, query]` of one element.
    pub(super) log_sum_exp: &'a RowsMut<'a>,
}

/// Inputs and outputs that every part of a backward pass needs.
pub(super) struct Backward<'a> {
    pub(super) shape: Shape,
    /// Number of keys of each sequence, if some are padding.
    pub(super) lens: Option<&'a [usize]>,
    pub(super) q: HeadRows<'a>,
    pub(super) k: HeadRows<'a>,
    pub(super) v: HeadRows<'a>,
    pub(super) bias: Option<&'a [f32]>,
    pub(super) z: HeadRows<'a>,
    pub(super) dz: HeadRows<'a>,
    pub(super) log_sum_exp: &'a [f32],
    pub(super) dq: RowsMut<'a>,
    pub(super) dk: RowsMut<'a>,
    pub(super) dv: RowsMut<'a>,
    /// Rows `[batch, head, 0]` of the gradient of the bias, one row per sequence and head.
    pub(super) dbias: Option<RowsMut<'a>>,
}
