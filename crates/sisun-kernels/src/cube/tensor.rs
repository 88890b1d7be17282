//! The GPU's tensors as arguments of kernels.

use burn::backend::TensorMetadata;
use burn::tensor::{DType, Shape};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use cubecl::server::CubeCountSelection;

/// Threads of a cube where each thread works alone.
const UNITS: usize = 256;

/// Return the tensor with its elements contiguous, copying only if they are not already.
pub(super) fn contiguous(x: CubeTensor) -> CubeTensor {
    into_contiguous(x)
}

/// Return the elements of a tensor that [`contiguous`] returned.
pub(super) fn floats(x: &CubeTensor) -> BufferArg {
    assert_eq!(x.dtype, DType::F32, "the kernels compute in float32");
    x.clone().into_buffer_arg()
}

/// Return a row-major float32 tensor of any content on the device of another.
pub(super) fn uncleared(near: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    let (client, device) = (near.client.clone(), near.device.clone());
    empty_device_contiguous_dtype(client, device, shape.into(), DType::F32)
}

/// Return the sizes of a tensor of this rank.
pub(super) fn shaped<const D: usize>(x: &CubeTensor) -> [usize; D] {
    x.shape().dims()
}

/// Return the number of elements.
pub(super) fn len(x: &CubeTensor) -> usize {
    x.shape().num_elements()
}

/// Return the cubes, and the threads of each, that give each of `n` elements a thread.
pub(super) fn per_element(client: &Client, n: usize) -> (CubeCount, CubeDim) {
    let units = UNITS.min(most_units(client));
    (cubes(client, n.div_ceil(units)), units_of(units))
}

/// Return the number of threads that share a row of `d` elements, a power of two.
pub(super) fn per_row(client: &Client, d: usize) -> usize {
    let most = 1 << UNITS.min(most_units(client)).ilog2();
    d.next_power_of_two().clamp(32.min(most), most)
}

/// Return at least `n` cubes: above the limit of one axis they are spread over several, and the
/// last ones have no work.
pub(super) fn cubes(client: &Client, n: usize) -> CubeCount {
    let n = u32::try_from(n).expect("the elements of a tensor that fits into a buffer");
    match n {
        0 => CubeCount::Static(0, 0, 0),
        n => CubeCountSelection::new(client, n).cube_count(),
    }
}

/// Return cubes of `n` threads.
pub(super) fn units_of(n: usize) -> CubeDim {
    CubeDim::new_1d(n as u32)
}

fn most_units(client: &Client) -> usize {
    client.properties().hardware.max_units_per_cube as usize
}
