//! Optimizer steps on the CPU's tensors, with the moments updated in place where nothing else holds
//! them.

use super::tensor::{contiguous, floats, shaped, tensor};
use crate::cpu::{self, Buffer};
use crate::options::{AdamW, MatmulPrecision, Muon};
use burn::backend::flex::FlexTensor;

/// Return the parameters and the first and second moments after the step.
pub(super) fn adamw(
    params: &[FlexTensor],
    gradients: &[FlexTensor],
    first: Vec<FlexTensor>,
    second: Vec<FlexTensor>,
    scale: &FlexTensor,
    configs: &[AdamW],
) -> (Vec<FlexTensor>, Vec<FlexTensor>, Vec<FlexTensor>) {
    let (params, gradients) = (readable(params), readable(gradients));
    let mut stepped = room(&params);
    let (mut first, mut second) = (writable(first), writable(second));
    let read = params.iter().zip(&gradients).zip(configs);
    let written = stepped.iter_mut().zip(&mut first).zip(&mut second);
    let slots = read.zip(written).map(
        |(((param, gradient), config), ((stepped, first), second))| cpu::optimizer::Slot {
            param: floats(param),
            gradient: floats(gradient),
            stepped,
            first: first.storage_mut(),
            second: second.storage_mut(),
            config: *config,
        },
    );
    cpu::optimizer::adamw(slots.collect(), floats(&contiguous(scale))[0]);
    let vector = |buffer: Buffer| {
        let len = buffer.len();
        tensor(buffer, [len])
    };
    (stepped.into_iter().map(vector).collect(), first, second)
}

/// Return the parameters and the momenta after the step.
pub(super) fn muon(
    params: &[FlexTensor],
    gradients: &[FlexTensor],
    momenta: Vec<FlexTensor>,
    scale: &FlexTensor,
    configs: &[Muon],
    precision: MatmulPrecision,
) -> (Vec<FlexTensor>, Vec<FlexTensor>) {
    let (params, gradients) = (readable(params), readable(gradients));
    let mut stepped = room(&params);
    let mut momenta = writable(momenta);
    let read = params.iter().zip(&gradients).zip(configs);
    let slots = read.zip(stepped.iter_mut().zip(&mut momenta)).map(
        |(((param, gradient), config), (stepped, momentum))| cpu::muon::Slot {
            shape: shaped(param),
            param: floats(param),
            gradient: floats(gradient),
            stepped,
            momentum: momentum.storage_mut(),
            config: *config,
        },
    );
    cpu::muon::muon(slots.collect(), floats(&contiguous(scale))[0], precision);
    let matrices = stepped.into_iter().zip(&params);
    let matrices = matrices.map(|(buffer, param)| tensor(buffer, shaped::<2>(param)));
    (matrices.collect(), momenta)
}

/// Add the second list to the first.
pub(super) fn add_lists(sums: Vec<FlexTensor>, list: &[FlexTensor]) -> Vec<FlexTensor> {
    let (mut sums, list) = (writable(sums), readable(list));
    let sums_and_terms = sums
        .iter_mut()
        .map(FlexTensor::storage_mut)
        .zip(list.iter().map(floats));
    cpu::optimizer::add(sums_and_terms.collect());
    sums
}

/// Return the Euclidean norm over all tensors.
pub(super) fn global_norm(tensors: &[FlexTensor]) -> f32 {
    let tensors = readable(tensors);
    let parts: Vec<&[f32]> = tensors.iter().map(floats).collect();
    cpu::optimizer::sum_of_squares(&parts).sqrt() as f32
}

fn readable(tensors: &[FlexTensor]) -> Vec<FlexTensor> {
    tensors.iter().map(contiguous).collect()
}

fn writable(tensors: Vec<FlexTensor>) -> Vec<FlexTensor> {
    tensors.into_iter().map(whole).collect()
}

/// Return memory for each parameter after the step.
fn room(params: &[FlexTensor]) -> Vec<Buffer> {
    params
        .iter()
        .map(|param| Buffer::uncleared(floats(param).len()))
        .collect()
}

/// Return the tensor as one that spans all its memory, for writing: `storage_mut` returns the
/// entire memory even for a view.
fn whole(x: FlexTensor) -> FlexTensor {
    // Moved, not cloned: memory that is shared would be copied when it is written.
    let x = if x.is_contiguous() {
        x
    } else {
        x.to_contiguous()
    };
    let (storage, numbers): (&[f32], _) = (x.storage(), floats(&x));
    if storage.len() == numbers.len() {
        return x;
    }
    let mut copy = Buffer::uncleared(numbers.len());
    copy.copy_from_slice(numbers);
    tensor(copy, x.layout().shape().clone())
}
