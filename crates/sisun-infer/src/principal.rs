//! Principal components of the rows of a matrix (Pearson 1901; Hotelling 1933).

use crate::matrix::Matrix;
use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde::Serialize;
use sisun_config::randomness;

/// Number of vectors beyond those wanted, which make the iteration converge sooner.
const BESIDES: usize = 6;
/// Largest number of iterations, and the relative change of the variances at which they end.
const MOST_STEPS: usize = 500;
const SMALL: f64 = 1e-12;

/// Principal components of some vectors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Components {
    /// Share of the variance along each component, largest first.
    pub shares: Vec<f64>,
    /// Coordinates of each vector along the components, less their mean, `[vector, component]`. The
    /// coordinate of largest size is positive along each.
    pub coordinates: Vec<f32>,
}

/// Return the `count` principal components of vectors that are given some rows at a time.
pub(crate) fn components(parts: &[Matrix], count: usize) -> Components {
    let (d, n) = (
        parts.first().map_or(0, |part| part.columns),
        parts.iter().map(|part| part.rows).sum::<usize>(),
    );
    let count = count.min(d).min(n);
    let mut mean = vec![0.0f64; d];
    for row in parts.iter().flat_map(|part| part.values.chunks_exact(d)) {
        for (mean, x) in mean.iter_mut().zip(row) {
            *mean += f64::from(*x) / n as f64;
        }
    }
    let centred = |part: &Matrix| {
        let rows = part.values.chunks_exact(d);
        let less = |(x, mean): (&f32, &f64)| (f64::from(*x) - mean) as f32;
        let values = rows.flat_map(|row| row.iter().zip(&mean).map(less));
        Matrix::new(part.rows, d, values.collect())
    };
    let mut covariance = vec![0.0f64; d * d];
    for part in parts {
        let part = centred(part);
        for (sum, x) in covariance
            .iter_mut()
            .zip(part.transposed().times(&part).values)
        {
            *sum += f64::from(x) / n as f64;
        }
    }
    let total: f64 = (0..d).map(|i| covariance[i * d + i]).sum();
    let (variances, vectors) = largest(&covariance, d, count);
    let directions: Vec<f32> = (0..d)
        .flat_map(|i| vectors.iter().map(move |vector| vector[i] as f32))
        .collect();
    let directions = Matrix::new(d, count, directions).factor();
    let placed = parts
        .iter()
        .flat_map(|part| centred(part).times_factor(&directions).values);
    let mut coordinates: Vec<f32> = placed.collect();
    for component in 0..count {
        let along = coordinates.iter().skip(component).step_by(count);
        let extreme = along.fold(0.0f32, |a, &b| if b.abs() > a.abs() { b } else { a });
        if extreme < 0.0 {
            let along = coordinates.iter_mut().skip(component).step_by(count);
            along.for_each(|x| *x = -*x);
        }
    }
    Components {
        shares: variances.iter().map(|variance| variance / total).collect(),
        coordinates,
    }
}

/// Return the `count` principal components of a few vectors, by way of the inner products of each two
/// of them, which are fewer than those of the dimensions. Components that they do not have are 0.
pub(crate) fn components_of_few(vectors: &Matrix, count: usize) -> Components {
    let (n, d) = (vectors.rows, vectors.columns);
    let rows = || vectors.values.chunks_exact(d);
    let mut mean = vec![0.0f64; d];
    for row in rows() {
        for (mean, x) in mean.iter_mut().zip(row) {
            *mean += f64::from(*x) / n as f64;
        }
    }
    let less = |row: &[f32]| -> Vec<f64> {
        let both = row.iter().zip(&mean);
        both.map(|(x, mean)| f64::from(*x) - mean).collect()
    };
    let centred: Vec<Vec<f64>> = rows().map(less).collect();
    let products: Vec<f64> = centred
        .iter()
        .flat_map(|a| centred.iter().map(move |b| inner(a, b)))
        .collect();
    let total: f64 = (0..n).map(|i| products[i * n + i]).sum();
    let (values, directions) = jacobi(products, n);
    let mut coordinates = vec![0.0f32; n * count];
    let mut shares = vec![0.0; count];
    for component in 0..count.min(n) {
        let value = values[component].max(0.0);
        let mut along: Vec<f64> = directions[component]
            .iter()
            .map(|share| share * value.sqrt())
            .collect();
        let extreme = along
            .iter()
            .fold(0.0f64, |a, &b| if b.abs() > a.abs() { b } else { a });
        if extreme < 0.0 {
            along.iter_mut().for_each(|x| *x = -*x);
        }
        for (at, x) in along.iter().enumerate() {
            coordinates[at * count + component] = *x as f32;
        }
        shares[component] = if total > 0.0 { value / total } else { 0.0 };
    }
    Components {
        shares,
        coordinates,
    }
}

/// Return the largest eigenvalues of a symmetric matrix with no negative ones, and their vectors, by
/// subspace iteration with Rayleigh–Ritz (Golub and Van Loan 2013, §8.2.4).
fn largest(matrix: &[f64], n: usize, count: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = (count + BESIDES).min(n);
    let mut draws = randomness::stream(0, "principal components", 0);
    let mut vectors: Vec<Vec<f64>> = (0..size)
        .map(|_| (0..n).map(|_| draws.sample(StandardNormal)).collect())
        .collect();
    let mut before: Vec<f64> = Vec::new();
    for _ in 0..MOST_STEPS {
        orthonormal(&mut vectors);
        let images = multiplied(matrix, n, &vectors);
        let small: Vec<f64> = vectors
            .iter()
            .flat_map(|a| images.iter().map(move |b| inner(a, b)))
            .collect();
        let (values, turns) = jacobi(small, size);
        let combined = |turn: &Vec<f64>, of: &[Vec<f64>]| -> Vec<f64> {
            (0..n)
                .map(|i| turn.iter().zip(of).map(|(t, vector)| t * vector[i]).sum())
                .collect()
        };
        let is_done = before.len() == size
            && values
                .iter()
                .zip(&before)
                .take(count)
                .all(|(value, before)| {
                    (value - before).abs() <= SMALL * values[0].abs().max(f64::MIN_POSITIVE)
                });
        if is_done {
            let found = turns.iter().take(count);
            let found = found.map(|turn| combined(turn, &vectors)).collect();
            return (values[..count].to_vec(), found);
        }
        vectors = turns.iter().map(|turn| combined(turn, &images)).collect();
        before = values;
    }
    orthonormal(&mut vectors);
    vectors.truncate(count);
    before.truncate(count);
    (before, vectors)
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn multiplied(matrix: &[f64], n: usize, vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let image = |vector: &Vec<f64>| {
        let rows = matrix.par_chunks_exact(n);
        rows.map(|row| inner(row, vector)).collect()
    };
    vectors.iter().map(image).collect()
}

/// Make vectors orthonormal, twice for accuracy; one that depends on those before becomes 0.
fn orthonormal(vectors: &mut [Vec<f64>]) {
    for i in 0..vectors.len() {
        let (before, rest) = vectors.split_at_mut(i);
        let vector = &mut rest[0];
        let whole = inner(vector, vector).sqrt();
        for _ in 0..2 {
            for other in before.iter() {
                let along = inner(vector, other);
                vector
                    .iter_mut()
                    .zip(other)
                    .for_each(|(x, y)| *x -= along * y);
            }
        }
        let norm = inner(vector, vector).sqrt();
        let factor = if norm > 1e-13 * whole {
            1.0 / norm
        } else {
            0.0
        };
        vector.iter_mut().for_each(|x| *x *= factor);
    }
}

/// Return the eigenvalues of a small symmetric matrix, largest first, and their vectors, by Jacobi
/// rotations (Golub and Van Loan 2013, §8.5).
fn jacobi(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut v: Vec<f64> = (0..n * n)
        .map(|at| f64::from(u8::from(at / n == at % n)))
        .collect();
    // Convergence is quadratic: a few sweeps are enough.
    for _ in 0..30 {
        for p in 0..n {
            for q in p + 1..n {
                let off = a[p * n + q];
                if off == 0.0 {
                    continue;
                }
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * off);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[k * n + p], a[k * n + q]);
                    (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[p * n + k], a[q * n + k]);
                    (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (v[k * n + p], v[k * n + q]);
                    (v[k * n + p], v[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j * n + j].total_cmp(&a[i * n + i]));
    let vector = |&i: &usize| (0..n).map(|k| v[k * n + i]).collect();
    (
        order.iter().map(|&i| a[i * n + i]).collect(),
        order.iter().map(vector).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::{components, components_of_few};
    use crate::matrix::Matrix;

    #[test]
    fn components_of_a_rotated_box_by_hand() {
        // Variances 9 and 1 along (0.6, 0.8, 0) and (0, 0, 1), none along the third direction; the
        // mean is (1, 2, 3).
        let points: Vec<f32> = [(3.0, 1.0), (3.0, -1.0), (-3.0, 1.0), (-3.0, -1.0)]
            .into_iter()
            .flat_map(|(a, b)| [1.0 + 0.6 * a, 2.0 + 0.8 * a, 3.0 + b])
            .collect();
        let whole = Matrix::new(4, 3, points);
        let parts = [whole.some_rows(0, 1), whole.some_rows(1, 3)];
        let found = components(&parts, 2);
        assert!((found.shares[0] - 0.9).abs() < 1e-6 && (found.shares[1] - 0.1).abs() < 1e-6);
        for (at, x) in found.coordinates.iter().enumerate() {
            let size = if at % 2 == 0 { 3.0 } else { 1.0 };
            assert!((x.abs() - size).abs() < 1e-5, "{x}");
        }
    }

    #[test]
    fn few_vectors_have_the_components_of_many() {
        let points = vec![
            1.0, 2.0, 0.5, -1.0, 0.0, 2.0, 3.0, -2.0, 1.0, 0.0, 4.0, -3.0,
        ];
        let whole = Matrix::new(4, 3, points);
        let (few, all) = (components_of_few(&whole, 2), components(&[whole], 2));
        for (a, b) in few.shares.iter().zip(&all.shares) {
            assert!((a - b).abs() < 1e-6, "{a}, {b}");
        }
        for (a, b) in few.coordinates.iter().zip(&all.coordinates) {
            assert!((a - b).abs() < 1e-4, "{a}, {b}");
        }
        let two = components_of_few(&Matrix::new(2, 2, vec![3.0, 0.0, 0.0, 4.0]), 2);
        assert!((two.coordinates[0].abs() - 2.5).abs() < 1e-6);
        assert!(two.coordinates[1].abs() < 1e-6 && two.shares[1].abs() < 1e-9);
    }

    #[test]
    fn equal_vectors_have_no_variance() {
        let found = components(&[Matrix::new(3, 2, vec![1.0; 6])], 2);
        assert!(found.shares.iter().all(|share| share.is_nan()));
        assert!(found.coordinates.iter().all(|x| *x == 0.0));
    }
}
