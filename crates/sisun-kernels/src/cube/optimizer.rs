//! Optimizer steps, sums and norms over many tensors in few launches: as many tensors at a time as
//! the device lets a kernel read.

use super::reduce::sum_of_cube;
use super::tensor::{contiguous, cubes, floats, len, per_element, per_row, uncleared, units_of};
use crate::options::AdamW;
use burn::backend::TensorMetadata;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Most buffers of a launch: the compiling of a kernel takes time for each.
const MOST_BUFFERS: usize = 30;
/// Most cubes of a launch; each goes over all elements in steps.
const MOST_CUBES: usize = 1024;
/// Most partial sums of a launch.
const MOST_SUMS: usize = 256;

#[cube(launch)]
fn adamw_step(
    params: Sequence<Box<[f32]>>,
    gradients: Sequence<Box<[f32]>>,
    mut stepped: Sequence<Box<[f32]>>,
    mut first: Sequence<Box<[f32]>>,
    mut second: Sequence<Box<[f32]>>,
    scale: &[f32],
    stride: usize,
    kept: f32,
    beta1: f32,
    rest1: f32,
    beta2: f32,
    rest2: f32,
    root_factor: f32,
    epsilon: f32,
    rate: f32,
) {
    #[unroll]
    for slot in 0..params.len() {
        let (param, gradient) = (&params[slot], &gradients[slot]);
        let to = stepped.index_mut(slot);
        let (first, second) = (first.index_mut(slot), second.index_mut(slot));
        let mut i = ABSOLUTE_POS;
        while i < param.len() {
            let slope = gradient[i] * scale[0];
            let m = first[i] * beta1 + slope * rest1;
            let v = second[i] * beta2 + slope * slope * rest2;
            first[i] = m;
            second[i] = v;
            to[i] = param[i] * kept - m / (v.sqrt() * root_factor + epsilon) * rate;
            i += stride;
        }
    }
}

#[cube(launch)]
fn add_to(mut sums: Sequence<Box<[f32]>>, list: Sequence<Box<[f32]>>, stride: usize) {
    #[unroll]
    for slot in 0..list.len() {
        let (sum, term) = (sums.index_mut(slot), &list[slot]);
        let mut i = ABSOLUTE_POS;
        while i < term.len() {
            sum[i] += term[i];
            i += stride;
        }
    }
}

/// Write the sum of squares that each cube finds, from `start` on.
#[cube(launch)]
fn sums_of_squares(
    tensors: Sequence<Box<[f32]>>,
    sums: &mut [f32],
    start: usize,
    n_cubes: usize,
    #[comptime] units: usize,
) {
    let cube = CUBE_POS;
    if cube < n_cubes {
        let mut shared = Shared::<[f32]>::new_slice(units);
        let mut sum = 0.0f32;
        #[unroll]
        for slot in 0..tensors.len() {
            let tensor = &tensors[slot];
            let mut i = cube * units + UNIT_POS as usize;
            while i < tensor.len() {
                sum += tensor[i] * tensor[i];
                i += n_cubes * units;
            }
        }
        let sum = sum_of_cube(sum, &mut shared);
        if UNIT_POS == 0 {
            sums[start + cube] = sum;
        }
    }
}

#[cube(launch)]
fn root_of_sum(sums: &[f32], root: &mut [f32], #[comptime] units: usize) {
    if CUBE_POS == 0 {
        let mut shared = Shared::<[f32]>::new_slice(units);
        let mut sum = 0.0f32;
        let mut i = UNIT_POS as usize;
        while i < sums.len() {
            sum += sums[i];
            i += units;
        }
        let sum = sum_of_cube(sum, &mut shared);
        if UNIT_POS == 0 {
            root[0] = sum.sqrt();
        }
    }
}

/// Return the number of slots of a launch, each of `buffers` buffers, beside `others`.
fn slots(near: &CubeTensor, buffers: usize, others: usize) -> usize {
    // One more holds lengths and constants.
    let most = near.client.properties().hardware.max_bindings as usize - 1;
    (most.min(MOST_BUFFERS).saturating_sub(others) / buffers).max(1)
}

/// Return the cubes of a launch that goes over tensors in steps, their threads, and the step.
fn in_steps<'a>(tensors: impl Iterator<Item = &'a CubeTensor>) -> (CubeCount, CubeDim, usize) {
    let mut tensors = tensors.peekable();
    let client = tensors.peek().expect("a slot").client.clone();
    let longest = tensors.map(len).max().unwrap_or(0);
    let (_, dim) = per_element(&client, longest);
    let units = dim.num_elems() as usize;
    let n = longest.div_ceil(units).clamp(1, MOST_CUBES);
    (CubeCount::Static(n as u32, 1, 1), dim, n * units)
}

/// Return a tensor that nothing else sees, for writing.
fn writable(x: CubeTensor) -> CubeTensor {
    let x = contiguous(x);
    if x.can_mut() { x } else { x.copy() }
}

struct Slot {
    param: CubeTensor,
    gradient: CubeTensor,
    stepped: CubeTensor,
    first: CubeTensor,
    second: CubeTensor,
}

/// Return the parameters and the first and second moments after the step; moments are updated in
/// place where nothing else holds them.
pub(super) fn adamw(
    params: Vec<CubeTensor>,
    gradients: Vec<CubeTensor>,
    first: Vec<CubeTensor>,
    second: Vec<CubeTensor>,
    scale: CubeTensor,
    configs: &[AdamW],
) -> (Vec<CubeTensor>, Vec<CubeTensor>, Vec<CubeTensor>) {
    let scale = contiguous(scale);
    let moments = first.into_iter().zip(second);
    let all = params.into_iter().zip(gradients).zip(moments);
    let all: Vec<Slot> = all
        .map(|((param, gradient), (first, second))| Slot {
            stepped: uncleared(&param, param.shape()),
            param: contiguous(param),
            gradient: contiguous(gradient),
            first: writable(first),
            second: writable(second),
        })
        .collect();
    // A launch has one set of constants.
    let mut groups: Vec<(&AdamW, Vec<&Slot>)> = Vec::new();
    for (slot, config) in all.iter().zip(configs) {
        match groups.iter_mut().find(|(of, _)| *of == config) {
            Some((_, group)) => group.push(slot),
            None => groups.push((config, vec![slot])),
        }
    }
    for (config, group) in groups {
        for some in group.chunks(slots(&scale, 5, 1)) {
            launch_adamw(config, some, &scale);
        }
    }
    let mut found = (Vec::new(), Vec::new(), Vec::new());
    for slot in all {
        found.0.push(slot.stepped);
        found.1.push(slot.first);
        found.2.push(slot.second);
    }
    found
}

fn launch_adamw(config: &AdamW, slots: &[&Slot], scale: &CubeTensor) {
    let (count, dim, stride) = in_steps(slots.iter().map(|slot| &slot.param));
    let correction1 = 1.0 - config.beta1.powf(config.step as f64);
    let correction2 = 1.0 - config.beta2.powf(config.step as f64);
    let buffers = |of: fn(&Slot) -> &CubeTensor| slots.iter().map(move |slot| floats(of(slot)));
    adamw_step::launch(
        &scale.client,
        count,
        dim,
        buffers(|slot| &slot.param).collect(),
        buffers(|slot| &slot.gradient).collect(),
        buffers(|slot| &slot.stepped).collect(),
        buffers(|slot| &slot.first).collect(),
        buffers(|slot| &slot.second).collect(),
        floats(scale),
        stride,
        (1.0 - config.lr * config.weight_decay) as f32,
        config.beta1 as f32,
        (1.0 - config.beta1) as f32,
        config.beta2 as f32,
        (1.0 - config.beta2) as f32,
        (1.0 / correction2.sqrt()) as f32,
        config.epsilon as f32,
        (config.lr / correction1) as f32,
    );
}

/// Add the second list to the first.
pub(super) fn add_lists(sums: Vec<CubeTensor>, list: Vec<CubeTensor>) -> Vec<CubeTensor> {
    let sums: Vec<CubeTensor> = sums.into_iter().map(writable).collect();
    let list: Vec<CubeTensor> = list.into_iter().map(contiguous).collect();
    let Some(near) = sums.first() else {
        return sums;
    };
    let n = slots(near, 2, 0);
    for (sums, list) in sums.chunks(n).zip(list.chunks(n)) {
        let (count, dim, stride) = in_steps(sums.iter());
        add_to::launch(
            &near.client,
            count,
            dim,
            sums.iter().map(floats).collect(),
            list.iter().map(floats).collect(),
            stride,
        );
    }
    sums
}

/// Return the Euclidean norm over all tensors, `[1]`.
pub(super) fn global_norm(tensors: Vec<CubeTensor>) -> CubeTensor {
    let tensors: Vec<CubeTensor> = tensors.into_iter().map(contiguous).collect();
    let near = tensors.first().expect("a tensor");
    let client = &near.client;
    let units = per_row(client, usize::MAX >> 1);
    let groups: Vec<&[CubeTensor]> = tensors.chunks(slots(near, 1, 1)).collect();
    let sizes = groups.iter().map(|group| {
        let longest = group.iter().map(len).max().unwrap_or(0);
        longest.div_ceil(4 * units).clamp(1, MOST_SUMS)
    });
    let sizes: Vec<usize> = sizes.collect();
    let sums = uncleared(near, [sizes.iter().sum::<usize>()]);
    let mut start = 0;
    for (group, n_cubes) in groups.into_iter().zip(sizes) {
        sums_of_squares::launch(
            client,
            cubes(client, n_cubes),
            units_of(units),
            group.iter().map(floats).collect(),
            floats(&sums),
            start,
            n_cubes,
            units,
        );
        start += n_cubes;
    }
    let root = uncleared(near, [1]);
    root_of_sum::launch(
        client,
        cubes(client, 1),
        units_of(units),
        floats(&sums),
        floats(&root),
        units,
    );
    root
}
