//! Arguments of operations other than one tensor.

use crate::lift::Lift;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Backend, BackendTensor, Dispatch, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind,
    ExtensionType,
};
use burn::tensor::Tensor;

/// An optional tensor.
#[derive(Debug, ExtensionType)]
pub enum Optional<B: Backend> {
    /// A tensor.
    Given(FloatTensor<B>),
    /// No tensor.
    Absent,
}

impl<B: Backend> Optional<B> {
    pub(crate) fn get(self) -> Option<FloatTensor<B>> {
        match self {
            Self::Given(x) => Some(x),
            Self::Absent => None,
        }
    }
}

impl<B: Lift> Optional<B> {
    /// Convert to a tensor of the public interface.
    pub(crate) fn lift<const D: usize>(self) -> Option<Tensor<D>> {
        self.get().map(B::lift)
    }
}

impl<const D: usize> From<Option<Tensor<D>>> for Optional<Dispatch> {
    fn from(x: Option<Tensor<D>>) -> Self {
        x.map_or(Self::Absent, |x| Self::Given(x.into_dispatch()))
    }
}

/// A list of tensors, all of one backend.
#[derive(Debug)]
pub struct TensorList<B: Backend>(pub Vec<FloatTensor<B>>);

impl<B: Lift> TensorList<B> {
    /// Convert to tensors of the public interface.
    pub(crate) fn lift<const D: usize>(self) -> Vec<Tensor<D>> {
        self.0.into_iter().map(B::lift).collect()
    }
}

impl<const D: usize> From<Vec<Tensor<D>>> for TensorList<Dispatch> {
    fn from(tensors: Vec<Tensor<D>>) -> Self {
        Self(tensors.into_iter().map(Tensor::into_dispatch).collect())
    }
}

// By hand, because the derive knows single tensors only.
impl<B: Backend> ExtensionType<B> for TensorList<B> {
    type Target = TensorList<Dispatch>;

    fn map_to_dispatch<F>(self, map_kind: F, autodiff: DispatchAutodiffContext) -> Self::Target
    where
        F: Fn(BackendTensor<B>) -> DispatchTensorKind,
    {
        let wrap = |tensor| DispatchTensor {
            kind: map_kind(BackendTensor::Float(tensor)),
            autodiff,
        };
        TensorList(self.0.into_iter().map(wrap).collect())
    }

    fn map_from_dispatch<F>(target: Self::Target, unwrap_kind: F) -> Self
    where
        F: Fn(DispatchTensor) -> BackendTensor<B>,
    {
        let unwrap = |tensor| unwrap_kind(tensor).float();
        Self(target.0.into_iter().map(unwrap).collect())
    }

    fn routing_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn routing_float_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn autodiff_context(target: &Self::Target) -> DispatchAutodiffContext {
        let contexts = target.0.iter().map(|tensor| tensor.autodiff);
        contexts.fold(
            DispatchAutodiffContext::Disabled,
            DispatchAutodiffContext::merge,
        )
    }
}
