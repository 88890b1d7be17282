//! Optimizer steps.

use crate::cpu;
use crate::flex::tensor::{contiguous, floats, tensor};
use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Device, Tensor};

pub use crate::reference::optimizer::{adamw_step, muon_step};

/// AdamW's constants for one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate of this step.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Number of this step, counted from 1.
    pub step: u64,
}

/// Muon's constants for one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Muon {
    /// Learning rate of this step.
    pub lr: f64,
    /// Momentum.
    pub momentum: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

/// A parameter that AdamW steps, with what is kept of it, all flat and of one length.
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
    pub how: AdamW,
}

/// [`adamw_step`] of many parameters, their gradients multiplied by `scale` first. Returns `(p, m, v)` of each.
///
/// # Shapes
/// - `scale`: `[1]`
pub fn adamw(slots: Vec<AdamWSlot>, scale: &Tensor<1>) -> Vec<[Tensor<1>; 3]> {
    let are_on_cpu = slots.iter().all(|slot| is_on_cpu(&slot.param));
    if !are_on_cpu {
        let step = |AdamWSlot { param, gradient, first, second, how }: AdamWSlot| {
            let (param, first, second) = adamw_step(param, gradient * scale.clone(), first, second, &how);
            [param, first, second]
        };
        return slots.into_iter().map(step).collect();
    }
    let scale = floats(&contiguous(&lower(scale.clone())))[0];
    let read: Vec<[FlexTensor; 2]> =
        slots.iter().map(|slot| [&slot.param, &slot.gradient].map(|x| contiguous(&lower(x.clone())))).collect();
    let mut stepped: Vec<cpu::Buffer> =
        read.iter().map(|[param, _]| cpu::Buffer::uncleared(floats(param).len())).collect();
    let hows: Vec<AdamW> = slots.iter().map(|slot| slot.how).collect();
    let mut moments: Vec<[FlexTensor; 2]> =
        slots.into_iter().map(|slot| [slot.first, slot.second].map(|x| contiguous(&lower(x)))).collect();
    let slots = read.iter().zip(&mut stepped).zip(&mut moments).zip(&hows);
    let slots = slots.map(|((([param, gradient], stepped), [first, second]), how)| cpu::optimizer::Slot {
        param: floats(param),
        gradient: floats(gradient),
        stepped,
        first: first.storage_mut(),
        second: second.storage_mut(),
        how: *how,
    });
    cpu::optimizer::adamw(slots.collect(), scale);
    let lift = Tensor::from_primitive::<Flex>;
    stepped
        .into_iter()
        .zip(moments)
        .map(|(param, [first, second])| {
            let n = param.len();
            [lift(tensor(param, [n])), lift(first), lift(second)]
        })
        .collect()
}

/// The sums over several lists of tensors, first with first, second with second, in the order of the lists.
///
/// # Panics
/// If there is no list, or they differ in length or shapes.
pub fn sum(lists: Vec<Vec<Tensor<1>>>) -> Vec<Tensor<1>> {
    let mut lists = lists.into_iter();
    let first = lists.next().expect("a list to add to");
    lists.fold(first, |sums, list| {
        assert_eq!(sums.len(), list.len(), "lists of one length");
        if !sums.iter().chain(&list).all(is_on_cpu) {
            return sums.into_iter().zip(list).map(|(a, b)| a + b).collect();
        }
        let mut sums: Vec<FlexTensor> = sums.into_iter().map(|x| contiguous(&lower(x))).collect();
        let list: Vec<FlexTensor> = list.into_iter().map(|x| contiguous(&lower(x))).collect();
        cpu::optimizer::add(sums.iter_mut().map(FlexTensor::storage_mut).zip(list.iter().map(floats)).collect());
        sums.into_iter().map(Tensor::from_primitive::<Flex>).collect()
    })
}

/// The Euclidean norm over all tensors, `√Σ x²`.
///
/// # Shapes
/// - result: `[1]`
pub fn global_norm(tensors: &[Tensor<1>]) -> Tensor<1> {
    if tensors.is_empty() || !tensors.iter().all(is_on_cpu) {
        let squares = tensors.iter().map(|x| x.clone().square().sum()).collect();
        return Tensor::cat(squares, 0).sum().sqrt();
    }
    let tensors: Vec<FlexTensor> = tensors.iter().map(|x| contiguous(&lower(x.clone()))).collect();
    let parts: Vec<&[f32]> = tensors.iter().map(floats).collect();
    Tensor::from_floats([cpu::optimizer::sum_of_squares(&parts).sqrt() as f32], &Device::flex())
}

fn is_on_cpu(x: &Tensor<1>) -> bool {
    x.device() == Device::flex() && x.dtype() == DType::F32
}

fn lower(x: Tensor<1>) -> FlexTensor {
    x.try_into_primitive::<Flex>().expect("its device was looked at")
}
