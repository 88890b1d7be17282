//! The operations' gradients: the values that each saves in its forward pass, and its backward
//! pass.

use super::tensor::{contiguous, floats, shaped, tensor};
use crate::cpu::heads::QkvShape;
use crate::cpu::norm::Norm;
use crate::cpu::{self, Matrix, MatrixProduct, matmul};
use crate::recorded::SavedForBackward;
use crate::{ActivationFunction, HeadCounts, MatmulPrecision};
use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Element;
use bytemuck::Pod;

/// Return a matrix in the tensor's own layout and element type.
pub(super) fn matrix<T: Element + Pod>(x: &FlexTensor) -> Matrix<'_, T> {
    let (layout, [rows, columns]) = (x.layout(), shaped(x));
    let [row_stride, column_stride] = [0, 1].map(|axis| {
        usize::try_from(layout.strides()[axis]).expect("no axis of a weight is flipped")
    });
    Matrix::new(
        &x.storage::<T>()[layout.start_offset()..],
        rows,
        columns,
        row_stride,
        column_stride,
    )
}

/// Saved values of `y = x·W + b`, or `x·Wᵀ`: `dx = dy·Wᵀ`, `dW = xᵀ·dy`, `db = Σ dy`.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    pub x: FlexTensor,
    pub weight: FlexTensor,
    pub transposed: bool,
    pub precision: MatmulPrecision,
}

impl SavedForBackward<Flex, 3> for Linear {
    fn gradients(self, dy: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let dy = contiguous(&dy);
        let ([n, d_in], [_, d_out]) = (shaped(&self.x), shaped(&dy));
        let (x, dy) = (
            Matrix::row_major(floats(&self.x), n, d_in),
            Matrix::row_major(floats(&dy), n, d_out),
        );
        let product = |rows: usize, columns: usize, a: Matrix<'_>, b: Matrix<'_>| {
            let mut c = cpu::Buffer::uncleared(rows * columns);
            matmul(MatrixProduct::new(a, b, self.precision), &mut c, columns);
            tensor(c, [rows, columns])
        };
        let weight = matrix(&self.weight);
        let back = if self.transposed {
            weight
        } else {
            weight.transpose()
        }; // [d_out, d_in]
        [
            wanted[0].then(|| product(n, d_in, dy, back)),
            wanted[1].then(|| match self.transposed {
                false => product(d_in, d_out, x.transpose(), dy),
                true => product(d_out, d_in, dy.transpose(), x),
            }),
            wanted[2].then(|| tensor(cpu::sum_rows(dy.data(), d_out), [d_out])),
        ]
    }
}

/// Saved values of a layer norm or an RMS norm: [`cpu::norm::backward`].
#[derive(Clone, Debug)]
pub(super) struct Normed {
    pub x: FlexTensor,
    pub gamma: FlexTensor,
    pub moments: FlexTensor,
    pub epsilon: f64,
    pub centred: bool,
}

impl SavedForBackward<Flex, 3> for Normed {
    fn gradients(self, dy: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let (shape, dy) = (shaped::<2>(&self.x), contiguous(&dy));
        let norm = Norm {
            gamma: floats(&self.gamma),
            epsilon: self.epsilon as f32,
            centred: self.centred,
        };
        let (dx, sums) =
            cpu::norm::backward(floats(&dy), floats(&self.x), floats(&self.moments), norm);
        let [dgamma, dbeta] = halves(&sums);
        [Some(tensor(dx, shape)), Some(dgamma), Some(dbeta)]
    }
}

/// Split a slice into two vectors, stored one after the other.
fn halves(sums: &[f32]) -> [FlexTensor; 2] {
    let (first, second) = sums.split_at(sums.len() / 2);
    [first, second].map(|part| {
        let mut buffer = cpu::Buffer::uncleared(part.len());
        buffer.copy_from_slice(part);
        tensor(buffer, [part.len()])
    })
}

/// Saved values of an activation.
#[derive(Clone, Debug)]
pub(super) struct Activated {
    pub x: FlexTensor,
    pub activation: ActivationFunction,
}

impl SavedForBackward<Flex, 1> for Activated {
    fn gradients(self, dy: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let dx =
            cpu::activation::backward(floats(&contiguous(&dy)), floats(&self.x), self.activation);
        [Some(tensor(dx, self.x.shape()))]
    }
}

/// Saved values of SwiGLU's product.
#[derive(Clone, Debug)]
pub(super) struct Gated {
    pub gate: FlexTensor,
    pub up: FlexTensor,
}

impl SavedForBackward<Flex, 2> for Gated {
    fn gradients(self, dy: FlexTensor, _: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let (dgate, dup) = cpu::activation::swiglu_backward(
            floats(&contiguous(&dy)),
            floats(&self.gate),
            floats(&self.up),
        );
        [
            Some(tensor(dgate, self.gate.shape())),
            Some(tensor(dup, self.up.shape())),
        ]
    }
}

/// Saved values of the norm of query and key heads.
#[derive(Clone, Debug)]
pub(super) struct NormedHeads {
    pub qkv: FlexTensor,
    pub gamma_q: FlexTensor,
    pub gamma_k: FlexTensor,
    pub moments: FlexTensor,
    pub heads: HeadCounts,
    pub epsilon: f64,
}

impl SavedForBackward<Flex, 3> for NormedHeads {
    fn gradients(self, dy: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let norm = |gamma| Norm {
            gamma: floats(gamma),
            epsilon: self.epsilon as f32,
            centred: false,
        };
        let (qkv_shape, dy) = (qkv_shape(&self.qkv, self.heads), contiguous(&dy));
        let (q, k) = (norm(&self.gamma_q), norm(&self.gamma_k));
        let (dx, sums) = cpu::heads::norm_backward(
            floats(&dy),
            floats(&self.qkv),
            floats(&self.moments),
            qkv_shape,
            q,
            k,
        );
        // [dγ of q, unused, dγ of k, unused]
        let [sums_q, sums_k] = halves(&sums);
        let [dq, _] = halves(floats(&sums_q));
        let [dk, _] = halves(floats(&sums_k));
        [Some(tensor(dx, self.qkv.shape())), Some(dq), Some(dk)]
    }
}

/// Saved values of the rotation of query and key heads, whose gradient is the inverse rotation.
#[derive(Clone, Debug)]
pub(super) struct Rotated {
    pub cos: FlexTensor,
    pub sin: FlexTensor,
    pub heads: HeadCounts,
}

impl SavedForBackward<Flex, 1> for Rotated {
    fn gradients(self, dy: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let (qkv_shape, [_, half]) = (qkv_shape(&dy, self.heads), shaped(&self.cos));
        let (shape, dy) = (dy.shape(), contiguous(&dy));
        let dx = cpu::heads::rotate(
            floats(&dy),
            qkv_shape,
            floats(&self.cos),
            floats(&self.sin),
            half,
            true,
        );
        [Some(tensor(dx, shape))]
    }
}

/// Return the sizes of a fused projection `[batch, pos, width]`.
pub(super) fn qkv_shape(qkv: &FlexTensor, heads: HeadCounts) -> QkvShape {
    let [_, _, width] = shaped(qkv);
    QkvShape {
        n_heads: heads.n_heads,
        n_kv_heads: heads.n_kv_heads,
        d_head: heads.d_head(width),
    }
}

/// Saved values of a table lookup.
#[derive(Clone, Debug)]
pub(super) struct Embedded {
    pub tokens: Vec<usize>,
    pub shape: [usize; 2],
}

impl SavedForBackward<Flex, 1> for Embedded {
    fn gradients(self, dy: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let [vocab, d] = self.shape;
        let table = cpu::embedding::backward(floats(&contiguous(&dy)), d, &self.tokens, vocab);
        [Some(tensor(table, self.shape))]
    }
}

/// Saved values of the cross-entropy. The weights are data and have no gradient.
#[derive(Clone, Debug)]
pub(super) struct CrossEntropy {
    pub logits: FlexTensor,
    pub log_sum: FlexTensor,
    pub targets: Vec<usize>,
    pub weights: Option<FlexTensor>,
}

impl SavedForBackward<Flex, 1> for CrossEntropy {
    fn gradients(self, dy: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let weights = self.weights.as_ref().map(floats);
        let (logits, log_sum) = (floats(&self.logits), floats(&self.log_sum));
        let dlogits = cpu::loss::backward(floats(&dy)[0], logits, log_sum, &self.targets, weights);
        [Some(tensor(dlogits, self.logits.shape()))]
    }
}
