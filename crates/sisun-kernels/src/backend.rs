//! The operations that have a fast version on some backend.
//!
//! [`Kernels`] lists them. The default body of each defines the operation: a composition of Burn
//! operations from `reference`, differentiable and the same on every backend. `Flex`, the CPU
//! backend, overrides each with its own version in `flex`.
#![cfg_attr(feature = "ndarray", allow(deprecated))] // Burn's `NdArray` is deprecated; the tests compare with it

use crate::recurrent::AdditiveAttention;
use crate::reference;
use crate::{ActivationFunction, AttentionOptions, Cell, HeadCounts, Lens, MatmulPrecision};
#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
use burn::backend::autodiff::checkpoint::strategy::{BalancedCheckpointing, NoCheckpointing};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Cube, Dispatch, ExtensionType, Flex, backend_extension};
use burn::tensor::{FloatDType, Int, Tensor};

/// An optional tensor.
#[derive(Debug, ExtensionType)]
pub enum Optional<B: Backend> {
    /// A tensor.
    Given(FloatTensor<B>),
    /// No tensor.
    Absent,
}

impl<B: Lift> Optional<B> {
    fn lift<const D: usize>(self) -> Option<Tensor<D>> {
        match self {
            Self::Given(x) => Some(B::lift(x)),
            Self::Absent => None,
        }
    }
}

impl<const D: usize> From<Option<Tensor<D>>> for Optional<Dispatch> {
    fn from(x: Option<Tensor<D>>) -> Self {
        x.map_or(Self::Absent, |x| Self::Given(x.into_dispatch()))
    }
}

/// Conversion between a backend's own tensors and [`Tensor`], in which the references are written.
pub trait Lift: Backend {
    /// Convert to a tensor of the public interface.
    fn lift<const D: usize>(x: FloatTensor<Self>) -> Tensor<D>;
    /// Convert to an integer tensor of the public interface.
    fn lift_int<const D: usize>(x: IntTensor<Self>) -> Tensor<D, Int>;
    /// Convert to a tensor of this backend.
    fn lower<const D: usize>(x: Tensor<D>) -> FloatTensor<Self>;
}

impl Lift for Dispatch {
    fn lift<const D: usize>(x: FloatTensor<Self>) -> Tensor<D> {
        Tensor::from_dispatch(x)
    }
    fn lift_int<const D: usize>(x: IntTensor<Self>) -> Tensor<D, Int> {
        Tensor::from_dispatch(x)
    }
    fn lower<const D: usize>(x: Tensor<D>) -> FloatTensor<Self> {
        x.into_dispatch()
    }
}

macro_rules! lift {
    ($($backend:ty),* $(,)?) => {$(
        impl Lift for $backend {
            fn lift<const D: usize>(x: FloatTensor<Self>) -> Tensor<D> {
                Tensor::from_primitive::<Self>(x)
            }
            fn lift_int<const D: usize>(x: IntTensor<Self>) -> Tensor<D, Int> {
                Tensor::from_primitive::<Self>(x)
            }
            fn lower<const D: usize>(x: Tensor<D>) -> FloatTensor<Self> {
                x.try_into_primitive::<Self>().expect("a composition stays on the backend it began on")
            }
        }
    )*};
}

lift!(Flex, Cube);
lift!(Autodiff<Flex, NoCheckpointing>, Autodiff<Cube, NoCheckpointing>);
lift!(Autodiff<Flex, BalancedCheckpointing>, Autodiff<Cube, BalancedCheckpointing>);
#[cfg(feature = "ndarray")]
lift!(NdArray, Autodiff<NdArray, NoCheckpointing>, Autodiff<NdArray, BalancedCheckpointing>);

/// The operations. Shapes and formulas are documented on the functions of this crate that call
/// them.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Cube, Autodiff)]
pub trait Kernels: Backend + Lift {
    /// Compute [`crate::linear`], or [`crate::linear_transposed`] if `transposed` is true.
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Optional<Self>,
        transposed: bool,
        precision: MatmulPrecision,
    ) -> FloatTensor<Self> {
        let _ = precision; // a backend may use the lower precision but need not
        let weight = Self::lift::<2>(weight);
        let weight = if transposed {
            weight.transpose()
        } else {
            weight
        };
        Self::lower(reference::linear(Self::lift(x), weight, bias.lift()))
    }

    /// Compute [`crate::layer_norm`], or [`crate::rms_norm`] if `centred` is false, of each row of
    /// a matrix.
    fn norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        #[extension_type] beta: Optional<Self>,
        epsilon: f64,
        centred: bool,
    ) -> FloatTensor<Self> {
        let (x, gamma) = (Self::lift::<2>(x), Self::lift(gamma));
        Self::lower(match centred {
            true => reference::layer_norm(x, gamma, beta.lift(), epsilon),
            false => reference::rms_norm(x, gamma, epsilon),
        })
    }

    /// Compute [`crate::activation`] of a vector.
    fn activation(x: FloatTensor<Self>, activation: ActivationFunction) -> FloatTensor<Self> {
        Self::lower(reference::activation(Self::lift::<1>(x), activation))
    }

    /// Compute [`crate::swiglu`] of two vectors.
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::lower(reference::swiglu(Self::lift::<1>(gate), Self::lift(up)))
    }

    /// Compute [`crate::norm_heads`].
    fn norm_heads(
        qkv: FloatTensor<Self>,
        gamma_q: FloatTensor<Self>,
        gamma_k: FloatTensor<Self>,
        heads: HeadCounts,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        Self::lower(reference::norm_heads(
            Self::lift(qkv),
            Self::lift(gamma_q),
            Self::lift(gamma_k),
            heads,
            epsilon,
        ))
    }

    /// Compute [`crate::rotate_heads`].
    fn rotate_heads(
        qkv: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: HeadCounts,
    ) -> FloatTensor<Self> {
        Self::lower(reference::rotate_heads(
            Self::lift(qkv),
            Self::lift(cos),
            Self::lift(sin),
            heads,
        ))
    }

    /// Compute [`crate::self_attention`].
    fn self_attention(
        qkv: FloatTensor<Self>,
        #[extension_type] bias: Optional<Self>,
        heads: HeadCounts,
        causal: bool,
        lens: Option<Lens>,
    ) -> FloatTensor<Self> {
        let [q, k, v] = heads.split(Self::lift(qkv));
        let options = AttentionOptions {
            causal,
            bias: bias.lift(),
            dropout: 0.0,
            lens,
        };
        Self::lower(reference::merge_heads(reference::attention(
            q, k, v, &options,
        )))
    }

    /// Compute [`crate::attention()`].
    fn attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        #[extension_type] bias: Optional<Self>,
        causal: bool,
        lens: Option<Lens>,
    ) -> FloatTensor<Self> {
        let options = AttentionOptions {
            causal,
            bias: bias.lift(),
            dropout: 0.0,
            lens,
        };
        let z = reference::attention(Self::lift(q), Self::lift(k), Self::lift(v), &options);
        Self::lower(reference::merge_heads(z))
    }

    /// Compute [`crate::cross_attention`].
    fn cross_attention(
        q: FloatTensor<Self>,
        kv: FloatTensor<Self>,
        heads: HeadCounts,
        lens: Option<Lens>,
    ) -> FloatTensor<Self> {
        let [q, k, v] = heads.split_apart(Self::lift(q), Self::lift(kv));
        let options = AttentionOptions {
            causal: false,
            bias: None,
            dropout: 0.0,
            lens,
        };
        Self::lower(reference::merge_heads(reference::attention(
            q, k, v, &options,
        )))
    }

    /// Compute [`crate::recurrent()`].
    fn recurrent(
        cell: Cell,
        gates: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        initial: FloatTensor<Self>,
        lens: Option<Lens>,
        reverse: bool,
    ) -> FloatTensor<Self> {
        Self::lower(reference::recurrent(
            cell,
            Self::lift(gates),
            Self::lift(weight),
            Self::lift(bias),
            Self::lift(initial),
            lens.as_deref(),
            reverse,
        ))
    }

    /// Compute [`crate::attentive_recurrent`], the states and contexts side by side.
    #[allow(clippy::too_many_arguments)] // tensors of this backend, which no struct can hold
    fn attentive_recurrent(
        cell: Cell,
        gates: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        initial: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        query: FloatTensor<Self>,
        score: FloatTensor<Self>,
        context: FloatTensor<Self>,
        lens: Option<Lens>,
    ) -> FloatTensor<Self> {
        let attention = AdditiveAttention {
            keys: Self::lift(keys),
            values: Self::lift(values),
            query: Self::lift(query),
            score: Self::lift(score),
            context: Self::lift(context),
            lens,
        };
        Self::lower(reference::attentive_recurrent(
            cell,
            Self::lift(gates),
            Self::lift(weight),
            Self::lift(bias),
            Self::lift(initial),
            attention,
        ))
    }

    /// Compute [`crate::embedding`].
    fn embedding(weight: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self> {
        Self::lower(reference::embedding(
            Self::lift(weight),
            Self::lift_int(tokens),
        ))
    }

    /// Compute [`crate::in_bf16`].
    fn in_bf16(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_cast(x, FloatDType::BF16)
    }

    /// Compute [`crate::cross_entropy`].
    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        #[extension_type] weights: Optional<Self>,
    ) -> FloatTensor<Self> {
        Self::lower(reference::cross_entropy(
            Self::lift(logits),
            Self::lift_int(targets),
            weights.lift(),
        ))
    }
}

impl Kernels for Cube {}
impl Kernels for Autodiff<Cube, NoCheckpointing> {}
// With gradient checkpointing, the compositions are recomputed in the backward pass.
impl Kernels for Autodiff<Flex, BalancedCheckpointing> {}
impl Kernels for Autodiff<Cube, BalancedCheckpointing> {}

#[cfg(feature = "ndarray")]
mod ndarray {
    use super::{Autodiff, BalancedCheckpointing, Kernels, NdArray, NoCheckpointing};

    impl Kernels for NdArray {}
    impl Kernels for Autodiff<NdArray, NoCheckpointing> {}
    impl Kernels for Autodiff<NdArray, BalancedCheckpointing> {}
}
