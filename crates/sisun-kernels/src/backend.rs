//! The operations that have a fast version on some backend.
//!
//! [`Kernels`] lists them. The default body of each defines the operation: a composition of Burn
//! operations from `reference`, differentiable and the same on every backend. `Flex`, the CPU
//! backend, overrides each with its own version in `flex`; `Cube`, the backend of GPUs, overrides
//! those that would be many kernel launches with its own in `cube`.
#![cfg_attr(feature = "ndarray", allow(deprecated))] // Burn's `NdArray` is deprecated; the tests compare with it

use crate::options::{AdamW, Muon};
use crate::recurrent::AdditiveAttention;
use crate::reference;
use crate::{ActivationFunction, AttentionOptions, Cell, HeadCounts, Lens, MatmulPrecision};
#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
use burn::backend::autodiff::checkpoint::strategy::BalancedCheckpointing;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Cube, Flex, backend_extension};
use burn::tensor::{FloatDType, Tensor};

pub use crate::arguments::{Optional, TensorList};
pub use crate::lift::Lift;

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
        let options = AttentionOptions {
            causal,
            bias: bias.lift(),
            dropout: 0.0,
            lens,
        };
        Self::lower(reference::self_attention(Self::lift(qkv), heads, &options))
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
        let options = AttentionOptions {
            causal: false,
            bias: None,
            dropout: 0.0,
            lens,
        };
        let (q, kv) = (Self::lift(q), Self::lift(kv));
        Self::lower(reference::cross_attention(q, kv, heads, &options))
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

    /// Compute [`crate::optimizer::adamw`]: all parameters, then all first and second moments.
    #[allow(clippy::type_complexity)] // the macro has to see the tuple
    fn adamw(
        #[extension_type] params: TensorList<Self>,
        #[extension_type] gradients: TensorList<Self>,
        #[extension_type] first: TensorList<Self>,
        #[extension_type] second: TensorList<Self>,
        scale: FloatTensor<Self>,
        configs: Vec<AdamW>,
    ) -> (
        Vec<FloatTensor<Self>>,
        Vec<FloatTensor<Self>>,
        Vec<FloatTensor<Self>>,
    ) {
        let scale = Self::lift::<1>(scale);
        let (mut stepped, mut firsts, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
        let moments = first.lift::<1>().into_iter().zip(second.lift::<1>());
        let slots = params.lift::<1>().into_iter().zip(gradients.lift::<1>());
        for (((param, gradient), (first, second)), config) in slots.zip(moments).zip(&configs) {
            let gradient = gradient * scale.clone();
            let (param, first, second) =
                reference::optimizer::adamw_step(param, gradient, first, second, config);
            stepped.push(Self::lower(param));
            firsts.push(Self::lower(first));
            seconds.push(Self::lower(second));
        }
        (stepped, firsts, seconds)
    }

    /// Compute [`crate::optimizer::muon`]: all parameters, then all momenta.
    fn muon(
        #[extension_type] params: TensorList<Self>,
        #[extension_type] gradients: TensorList<Self>,
        #[extension_type] momenta: TensorList<Self>,
        scale: FloatTensor<Self>,
        configs: Vec<Muon>,
        precision: MatmulPrecision,
    ) -> (Vec<FloatTensor<Self>>, Vec<FloatTensor<Self>>) {
        let _ = precision; // a backend may use the lower precision but need not
        let scale = Self::lift::<1>(scale);
        let (mut stepped, mut after) = (Vec::new(), Vec::new());
        let slots = params.lift::<2>().into_iter().zip(gradients.lift::<2>());
        for (((param, gradient), momentum), config) in slots.zip(momenta.lift::<2>()).zip(&configs)
        {
            let gradient = gradient * scale.clone().unsqueeze();
            let (param, momentum) =
                reference::optimizer::muon_step(param, gradient, momentum, config);
            stepped.push(Self::lower(param));
            after.push(Self::lower(momentum));
        }
        (stepped, after)
    }

    /// Add two lists of vectors element by element, for [`crate::optimizer::sum`].
    fn add_lists(
        #[extension_type] sums: TensorList<Self>,
        #[extension_type] list: TensorList<Self>,
    ) -> Vec<FloatTensor<Self>> {
        let pairs = sums.lift::<1>().into_iter().zip(list.lift::<1>());
        pairs.map(|(a, b)| Self::lower(a + b)).collect()
    }

    /// Compute [`crate::optimizer::global_norm`].
    fn global_norm(#[extension_type] tensors: TensorList<Self>) -> FloatTensor<Self> {
        let tensors = tensors.lift::<1>().into_iter();
        let squares = tensors.map(|x| x.square().sum()).collect();
        Self::lower(Tensor::cat(squares, 0).sum().sqrt())
    }
}

// With gradient checkpointing, the compositions are recomputed in the backward pass.
impl Kernels for Autodiff<Flex, BalancedCheckpointing> {}
impl Kernels for Autodiff<Cube, BalancedCheckpointing> {}

#[cfg(feature = "ndarray")]
mod ndarray {
    use super::{Autodiff, BalancedCheckpointing, Kernels, NdArray};
    use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;

    impl Kernels for NdArray {}
    impl Kernels for Autodiff<NdArray, NoCheckpointing> {}
    impl Kernels for Autodiff<NdArray, BalancedCheckpointing> {}
}
