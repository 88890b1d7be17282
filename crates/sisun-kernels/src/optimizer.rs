//! Optimizer steps.

use crate::backend::{Kernels, TensorList};
use crate::options::MatmulPrecision;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

pub use crate::options::{AdamW, Muon};
pub use crate::reference::optimizer::{adamw_step, muon_step};

/// A matrix to be updated by Muon, with its momentum.
///
/// # Shapes
/// - all: `[d_in, d_out]`
#[derive(Clone, Debug)]
pub struct MuonSlot {
    /// The parameter.
    pub param: Tensor<2>,
    /// Its gradient.
    pub gradient: Tensor<2>,
    /// Its momentum.
    pub momentum: Tensor<2>,
    /// The constants of its step.
    pub config: Muon,
}

/// Apply [`muon_step`] to many matrices, with their gradients first multiplied by `scale` and the
/// products in `precision` if the device has a choice. Return `(p, m)` of each.
///
/// # Shapes
/// - `scale`: `[1]`
pub fn muon(
    slots: Vec<MuonSlot>,
    scale: &Tensor<1>,
    precision: MatmulPrecision,
) -> Vec<[Tensor<2>; 2]> {
    let configs = slots.iter().map(|slot| slot.config).collect();
    let (mut params, mut gradients, mut momenta) = (Vec::new(), Vec::new(), Vec::new());
    for slot in slots {
        params.push(slot.param);
        gradients.push(slot.gradient);
        momenta.push(slot.momentum);
    }
    let (params, momenta) = Dispatch::muon(
        TensorList::from(params),
        TensorList::from(gradients),
        TensorList::from(momenta),
        scale.clone().into_dispatch(),
        configs,
        precision,
    );
    let slots = params.into_iter().zip(momenta);
    slots
        .map(|(param, momentum)| [param, momentum].map(Tensor::from_dispatch))
        .collect()
}

/// A parameter to be updated by AdamW, with its optimizer state, all flat and of the same length.
#[derive(Clone, Debug)]
pub struct AdamWSlot {
    /// The parameter.
    pub param: Tensor<1>,
    /// Its gradient.
    pub gradient: Tensor<1>,
    /// First moment.
    pub first: Tensor<1>,
    /// Second moment.
    pub second: Tensor<1>,
    /// The constants of its step.
    pub config: AdamW,
}

/// Apply [`adamw_step`] to many parameters, with their gradients first multiplied by `scale`.
/// Return `(p, m, v)` of each.
///
/// # Shapes
/// - `scale`: `[1]`
pub fn adamw(slots: Vec<AdamWSlot>, scale: &Tensor<1>) -> Vec<[Tensor<1>; 3]> {
    let configs = slots.iter().map(|slot| slot.config).collect();
    let (mut params, mut gradients) = (Vec::new(), Vec::new());
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for slot in slots {
        params.push(slot.param);
        gradients.push(slot.gradient);
        first.push(slot.first);
        second.push(slot.second);
    }
    let (params, first, second) = Dispatch::adamw(
        TensorList::from(params),
        TensorList::from(gradients),
        TensorList::from(first),
        TensorList::from(second),
        scale.clone().into_dispatch(),
        configs,
    );
    let slots = params.into_iter().zip(first).zip(second);
    slots
        .map(|((param, first), second)| [param, first, second].map(Tensor::from_dispatch))
        .collect()
}

/// Add several lists of tensors element by element, in the order of the lists.
///
/// # Panics
/// If there are no lists, or they differ in length or shapes.
pub fn sum(lists: Vec<Vec<Tensor<1>>>) -> Vec<Tensor<1>> {
    let mut lists = lists.into_iter();
    let first = lists.next().expect("a list to add to");
    lists.fold(first, |sums, list| {
        assert_eq!(sums.len(), list.len(), "lists of one length");
        // An empty list has no tensor that names a backend.
        if sums.is_empty() {
            return sums;
        }
        let sums = Dispatch::add_lists(TensorList::from(sums), TensorList::from(list));
        sums.into_iter().map(Tensor::from_dispatch).collect()
    })
}

/// Return the Euclidean norm over all tensors, `√Σ x²`.
///
/// # Shapes
/// - result: `[1]`
///
/// # Panics
/// If there are no tensors.
pub fn global_norm(tensors: &[Tensor<1>]) -> Tensor<1> {
    let tensors = TensorList::from(tensors.to_vec());
    Tensor::from_dispatch(Dispatch::global_norm(tensors))
}
