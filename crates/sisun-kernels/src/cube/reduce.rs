//! Sums and maxima over the threads of a cube.

use cubecl::prelude::*;

/// Return the sum over all threads to each of them. Their number is a power of two and the length
/// of `shared`.
#[cube]
pub(super) fn sum_of_cube(value: f32, shared: &mut [f32]) -> f32 {
    let unit = UNIT_POS as usize;
    shared[unit] = value;
    sync_cube();
    let mut half = CUBE_DIM as usize / 2;
    while half > 0 {
        if unit < half {
            let other = shared[unit + half];
            shared[unit] += other;
        }
        sync_cube();
        half /= 2;
    }
    let sum = shared[0];
    // Before the memory is used again.
    sync_cube();
    sum
}

/// Return the largest value of all threads to each of them, as [`sum_of_cube`].
#[cube]
pub(super) fn largest_of_cube(value: f32, shared: &mut [f32]) -> f32 {
    let unit = UNIT_POS as usize;
    shared[unit] = value;
    sync_cube();
    let mut half = CUBE_DIM as usize / 2;
    while half > 0 {
        if unit < half {
            let other = shared[unit + half];
            shared[unit] = max(shared[unit], other);
        }
        sync_cube();
        half /= 2;
    }
    let largest = shared[0];
    sync_cube();
    largest
}
