//! Tensors of one backend as tensors of the public interface.
#![cfg_attr(feature = "ndarray", allow(deprecated))] // Burn's `NdArray` is deprecated; the tests compare with it

#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
use burn::backend::autodiff::checkpoint::strategy::{BalancedCheckpointing, NoCheckpointing};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Cube, Dispatch, Flex};
use burn::tensor::{Int, Tensor};

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
