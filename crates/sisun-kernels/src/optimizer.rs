//! Optimizer steps.

use crate::cpu;
use crate::flex::tensor::{contiguous, floats, shaped, tensor};
use crate::options::MatmulPrecision;
use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Device, Tensor};

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
    if slots.is_empty() || !slots.iter().all(|slot| is_on_cpu(&slot.param)) {
        let step = |MuonSlot {
                        param,
                        gradient,
                        momentum,
                        config,
                    }: MuonSlot| {
            let (param, momentum) = muon_step(
                param,
                gradient * scale.clone().unsqueeze(),
                momentum,
                &config,
            );
            [param, momentum]
        };
        return slots.into_iter().map(step).collect();
    }
    let scale = floats(&readable(scale))[0];
    let (read, mut stepped) = opened(slots.iter().map(|slot| [&slot.param, &slot.gradient]));
    let configs: Vec<Muon> = slots.iter().map(|slot| slot.config).collect();
    let mut moments: Vec<FlexTensor> = slots.into_iter().map(|slot| whole(slot.momentum)).collect();
    let slots = read
        .iter()
        .zip(&mut stepped)
        .zip(&mut moments)
        .zip(&configs);
    let slots = slots.map(
        |((([param, gradient], stepped), momentum), config)| cpu::muon::Slot {
            shape: shaped(param),
            param: floats(param),
            gradient: floats(gradient),
            stepped,
            momentum: momentum.storage_mut(),
            config: *config,
        },
    );
    cpu::muon::muon(slots.collect(), scale, precision);
    let shapes: Vec<[usize; 2]> = read.iter().map(|[param, _]| shaped(param)).collect();
    let lift = Tensor::from_primitive::<Flex>;
    let stepped = stepped
        .into_iter()
        .zip(shapes)
        .map(|(param, shape)| lift(tensor(param, shape)));
    stepped
        .zip(moments)
        .map(|(param, momentum)| [param, lift(momentum)])
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
    if slots.is_empty() || !slots.iter().all(|slot| is_on_cpu(&slot.param)) {
        let step = |AdamWSlot {
                        param,
                        gradient,
                        first,
                        second,
                        config,
                    }: AdamWSlot| {
            let (param, first, second) =
                adamw_step(param, gradient * scale.clone(), first, second, &config);
            [param, first, second]
        };
        return slots.into_iter().map(step).collect();
    }
    let scale = floats(&readable(scale))[0];
    let (read, mut stepped) = opened(slots.iter().map(|slot| [&slot.param, &slot.gradient]));
    let configs: Vec<AdamW> = slots.iter().map(|slot| slot.config).collect();
    let mut moments: Vec<[FlexTensor; 2]> = slots
        .into_iter()
        .map(|slot| [slot.first, slot.second].map(whole))
        .collect();
    let slots = read
        .iter()
        .zip(&mut stepped)
        .zip(&mut moments)
        .zip(&configs);
    let slots = slots.map(
        |((([param, gradient], stepped), [first, second]), config)| cpu::optimizer::Slot {
            param: floats(param),
            gradient: floats(gradient),
            stepped,
            first: first.storage_mut(),
            second: second.storage_mut(),
            config: *config,
        },
    );
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

/// Add several lists of tensors element by element, in the order of the lists.
///
/// # Panics
/// If there are no lists, or they differ in length or shapes.
pub fn sum(lists: Vec<Vec<Tensor<1>>>) -> Vec<Tensor<1>> {
    let mut lists = lists.into_iter();
    let first = lists.next().expect("a list to add to");
    lists.fold(first, |sums, list| {
        assert_eq!(sums.len(), list.len(), "lists of one length");
        if !sums.iter().chain(&list).all(is_on_cpu) {
            return sums.into_iter().zip(list).map(|(a, b)| a + b).collect();
        }
        let mut sums: Vec<FlexTensor> = sums.into_iter().map(whole).collect();
        let list: Vec<FlexTensor> = list.iter().map(readable).collect();
        cpu::optimizer::add(
            sums.iter_mut()
                .map(FlexTensor::storage_mut)
                .zip(list.iter().map(floats))
                .collect(),
        );
        sums.into_iter()
            .map(Tensor::from_primitive::<Flex>)
            .collect()
    })
}

/// Return the Euclidean norm over all tensors, `√Σ x²`.
///
/// # Shapes
/// - result: `[1]`
pub fn global_norm(tensors: &[Tensor<1>]) -> Tensor<1> {
    if tensors.is_empty() || !tensors.iter().all(is_on_cpu) {
        let squares = tensors.iter().map(|x| x.clone().square().sum()).collect();
        return Tensor::cat(squares, 0).sum().sqrt();
    }
    let tensors: Vec<FlexTensor> = tensors.iter().map(readable).collect();
    let parts: Vec<&[f32]> = tensors.iter().map(floats).collect();
    Tensor::from_floats(
        [cpu::optimizer::sum_of_squares(&parts).sqrt() as f32],
        &Device::flex(),
    )
}

fn is_on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    x.device() == Device::flex() && x.dtype() == DType::F32
}

fn lower<const D: usize>(x: Tensor<D>) -> FlexTensor {
    x.try_into_primitive::<Flex>()
        .expect("its device was looked at")
}

/// Return the tensor for reading.
fn readable<const D: usize>(x: &Tensor<D>) -> FlexTensor {
    contiguous(&lower(x.clone()))
}

/// Return each parameter and its gradient for reading, and room for each parameter after the step.
fn opened<'a, const D: usize>(
    pairs: impl Iterator<Item = [&'a Tensor<D>; 2]>,
) -> (Vec<[FlexTensor; 2]>, Vec<cpu::Buffer>) {
    let read: Vec<[FlexTensor; 2]> = pairs.map(|pair| pair.map(readable)).collect();
    let stepped = read
        .iter()
        .map(|[param, _]| cpu::Buffer::uncleared(floats(param).len()))
        .collect();
    (read, stepped)
}

/// Return the tensor as one that spans all its memory, for writing: `storage_mut` returns the
/// entire memory even for a view.
fn whole<const D: usize>(x: Tensor<D>) -> FlexTensor {
    let x = contiguous(&lower(x));
    let (storage, numbers): (&[f32], _) = (x.storage(), floats(&x));
    if storage.len() == numbers.len() {
        return x;
    }
    let mut copy = cpu::Buffer::uncleared(numbers.len());
    copy.copy_from_slice(numbers);
    tensor(copy, x.layout().shape().clone())
}
