//! Layer norm and RMS norm of rows: a cube for each row, and for the gradients of γ and β one for
//! each block of columns.

use super::reduce::sum_of_cube;
use super::tensor::{contiguous, cubes, floats, len, per_row, shaped, uncleared, units_of};
use crate::recorded::SavedForBackward;
use burn::backend::Cube;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Columns of a block whose sums one cube computes.
pub(super) const COLUMNS: usize = 32;
/// Threads that share the rows of a column.
pub(super) const LANES: usize = 8;

#[cube(launch)]
fn norm_forward(
    x: &[f32],
    gamma: &[f32],
    beta: Sequence<Box<[f32]>>,
    y: &mut [f32],
    moments: &mut [f32],
    d: usize,
    epsilon: f32,
    #[comptime] centred: bool,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row < y.len() / d {
        let mut shared = Shared::<[f32]>::new_slice(units);
        let (start, unit) = (row * d, UNIT_POS as usize);
        let width = f32::cast_from(d);
        let mut mean = 0.0f32;
        if comptime!(centred) {
            let mut sum = 0.0f32;
            let mut i = unit;
            while i < d {
                sum += x[start + i];
                i += units;
            }
            mean = sum_of_cube(sum, &mut shared) / width;
        }
        let mut squares = 0.0f32;
        let mut i = unit;
        while i < d {
            let centred = x[start + i] - mean;
            squares += centred * centred;
            i += units;
        }
        let variance = sum_of_cube(squares, &mut shared) / width;
        let deviation = (variance + epsilon).sqrt();
        let mut i = unit;
        while i < d {
            let mut value = (x[start + i] - mean) / deviation * gamma[i];
            #[unroll]
            for part in 0..beta.len() {
                value += beta[part][i];
            }
            y[start + i] = value;
            i += units;
        }
        if unit == 0 {
            moments[2 * row] = mean;
            moments[2 * row + 1] = deviation;
        }
    }
}

#[cube(launch)]
fn norm_backward(
    dy: &[f32],
    x: &[f32],
    gamma: &[f32],
    moments: &[f32],
    dx: &mut [f32],
    d: usize,
    #[comptime] centred: bool,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row < dx.len() / d {
        let mut shared = Shared::<[f32]>::new_slice(units);
        let (start, unit) = (row * d, UNIT_POS as usize);
        let width = f32::cast_from(d);
        let (mean, deviation) = (moments[2 * row], moments[2 * row + 1]);
        let mut sum = 0.0f32;
        let mut along = 0.0f32;
        let mut i = unit;
        while i < d {
            let slope = dy[start + i] * gamma[i];
            sum += slope;
            along += slope * ((x[start + i] - mean) / deviation);
            i += units;
        }
        let along = sum_of_cube(along, &mut shared) / width;
        let mut level = 0.0f32;
        if comptime!(centred) {
            level = sum_of_cube(sum, &mut shared) / width;
        }
        let mut i = unit;
        while i < d {
            let normed = (x[start + i] - mean) / deviation;
            dx[start + i] = (dy[start + i] * gamma[i] - level - normed * along) / deviation;
            i += units;
        }
    }
}

#[cube(launch)]
fn norm_backward_columns(
    dy: &[f32],
    x: &[f32],
    moments: &[f32],
    dgamma: &mut [f32],
    mut dbeta: Sequence<Box<[f32]>>,
    n: usize,
    d: usize,
) {
    let mut along = Shared::<[f32]>::new_slice(COLUMNS * LANES);
    let mut all = Shared::<[f32]>::new_slice(COLUMNS * LANES);
    let unit = UNIT_POS as usize;
    let column = CUBE_POS * COLUMNS + unit % COLUMNS;
    let mut sum = 0.0f32;
    let mut sum_along = 0.0f32;
    if column < d {
        let mut row = unit / COLUMNS;
        while row < n {
            let at = row * d + column;
            let slope = dy[at];
            sum += slope;
            sum_along += slope * ((x[at] - moments[2 * row]) / moments[2 * row + 1]);
            row += LANES;
        }
    }
    all[unit] = sum;
    along[unit] = sum_along;
    sync_cube();
    if unit < COLUMNS && column < d {
        for lane in 1..LANES {
            sum += all[lane * COLUMNS + unit];
            sum_along += along[lane * COLUMNS + unit];
        }
        dgamma[column] = sum_along;
        #[unroll]
        for part in 0..dbeta.len() {
            let out = dbeta.index_mut(part);
            out[column] = sum;
        }
    }
}

/// Return the result, and the mean and the root of the variance plus ε of each row, `[n, 2]`.
pub(super) fn forward(
    x: CubeTensor,
    gamma: CubeTensor,
    beta: Option<CubeTensor>,
    epsilon: f64,
    centred: bool,
) -> (CubeTensor, Normed) {
    let (x, gamma) = (contiguous(x), contiguous(gamma));
    let [n, d] = shaped(&x);
    let (y, moments) = (uncleared(&x, [n, d]), uncleared(&x, [n, 2]));
    let beta = beta.map(contiguous);
    let units = per_row(&x.client, d);
    norm_forward::launch(
        &x.client,
        cubes(&x.client, n),
        units_of(units),
        floats(&x),
        floats(&gamma),
        beta.iter().map(floats).collect(),
        floats(&y),
        floats(&moments),
        d,
        epsilon as f32,
        centred,
        units,
    );
    let saved = Normed {
        x,
        gamma,
        moments,
        centred,
    };
    (y, saved)
}

/// Saved values of a layer norm or an RMS norm. With x̂ the normed row, σ its deviation and
/// g = dy ⊙ γ: `dx = (g − mean(g) − x̂·mean(g ⊙ x̂))/σ`, without `mean(g)` in an RMS norm;
/// `dγ = Σ dy ⊙ x̂`, `dβ = Σ dy`.
#[derive(Clone, Debug)]
pub(super) struct Normed {
    x: CubeTensor,
    gamma: CubeTensor,
    moments: CubeTensor,
    centred: bool,
}

impl SavedForBackward<Cube, 3> for Normed {
    fn gradients(self, dy: CubeTensor, wanted: [bool; 3]) -> [Option<CubeTensor>; 3] {
        let Self {
            x,
            gamma,
            moments,
            centred,
        } = self;
        let (dy, [n, d]) = (contiguous(dy), shaped(&x));
        let client = &x.client;
        let dx = wanted[0].then(|| {
            let dx = uncleared(&x, [n, d]);
            let units = per_row(client, d);
            norm_backward::launch(
                client,
                cubes(client, n),
                units_of(units),
                floats(&dy),
                floats(&x),
                floats(&gamma),
                floats(&moments),
                floats(&dx),
                d,
                centred,
                units,
            );
            dx
        });
        if !wanted[1] && !wanted[2] {
            return [dx, None, None];
        }
        let dgamma = uncleared(&x, [len(&gamma)]);
        let dbeta = wanted[2].then(|| uncleared(&x, [d]));
        norm_backward_columns::launch(
            client,
            cubes(client, d.div_ceil(COLUMNS)),
            units_of(COLUMNS * LANES),
            floats(&dy),
            floats(&x),
            floats(&moments),
            floats(&dgamma),
            dbeta.iter().map(floats).collect(),
            n,
            d,
        );
        [dx, Some(dgamma), dbeta]
    }
}
