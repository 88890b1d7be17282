//! The matrix product against a float64 triple loop and against the gemm crate.

use super::{Engine, Matrix, MatrixProduct, engine, matmul_on};
use crate::MatmulPrecision;
use std::sync::atomic::{AtomicU64, Ordering};

static SEED: AtomicU64 = AtomicU64::new(1);

struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(SEED.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed) | 1)
    }

    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Return a normally distributed number (Box and Muller 1958).
    fn normal(&mut self) -> f32 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.uniform()).cos()) as f32
    }
}

fn normals(count: usize) -> Vec<f32> {
    let mut random = Random::new();
    (0..count).map(|_| random.normal()).collect()
}

fn at(m: Matrix<'_>, i: usize, j: usize) -> f32 {
    m.data()[i * m.row_stride() + j * m.column_stride()]
}

/// Return (sum of products, sum of their magnitudes) for each element, in float64.
fn reference(a: Matrix<'_>, b: Matrix<'_>) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    for i in 0..a.rows() {
        for j in 0..b.columns() {
            let products =
                (0..a.columns()).map(|k| f64::from(at(a, i, k)) * f64::from(at(b, k, j)));
            out.push(products.fold((0.0, 0.0), |(sum, size), p| (sum + p, size + p.abs())));
        }
    }
    out
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    RowMajor,
    Transposed,
    PaddedRows,
    PaddedColumns,
    Neither,
}

const LAYOUTS: [Layout; 5] = [
    Layout::RowMajor,
    Layout::Transposed,
    Layout::PaddedRows,
    Layout::PaddedColumns,
    Layout::Neither,
];

/// Return a matrix with the given layout, in which all padding is NaN.
fn layout(kind: Layout, rows: usize, columns: usize) -> (Vec<f32>, [usize; 2]) {
    let strides = match kind {
        Layout::RowMajor => [columns, 1],
        Layout::Transposed => [1, rows],
        Layout::PaddedRows => [columns + 3, 1],
        Layout::PaddedColumns => [1, rows + 5],
        Layout::Neither => [2 * columns + 1, 2],
    };
    let mut data =
        vec![
            f32::NAN;
            rows.saturating_sub(1) * strides[0] + columns.saturating_sub(1) * strides[1] + 1
        ];
    let mut random = Random::new();
    for i in 0..rows {
        for j in 0..columns {
            data[i * strides[0] + j * strides[1]] = random.normal();
        }
    }
    (data, strides)
}

/// Return the engines that this process may use: tiles only at the level that has them.
fn engines() -> Vec<Engine> {
    if engine() == Engine::Amx {
        vec![Engine::Fma, Engine::Amx]
    } else {
        vec![Engine::Fma]
    }
}

fn check(m: usize, k: usize, n: usize, a_kind: Layout, b_kind: Layout, accumulate: bool) {
    let (a_data, a_strides) = layout(a_kind, m, k);
    let (b_data, b_strides) = layout(b_kind, k, n);
    let a = Matrix::new(&a_data, m, k, a_strides[0], a_strides[1]);
    let b = Matrix::new(&b_data, k, n, b_strides[0], b_strides[1]);
    let expected = reference(a, b);
    let stride = n + 2;
    for engine in engines() {
        for (precision, unit) in [
            (MatmulPrecision::Float32, 2f64.powi(-21)),
            (MatmulPrecision::Bf16, 2f64.powi(-7) * 1.01),
        ] {
            let before = if accumulate {
                normals(m * stride)
            } else {
                vec![f32::NAN; m * stride]
            };
            let mut c = before.clone();
            let product = MatrixProduct {
                accumulate,
                ..MatrixProduct::new(a, b, precision)
            };
            matmul_on(engine, product, &mut c, stride);
            for i in 0..m {
                for j in 0..n {
                    let (sum, size) = expected[i * n + j];
                    let start = if accumulate {
                        f64::from(before[i * stride + j])
                    } else {
                        0.0
                    };
                    let error = (f64::from(c[i * stride + j]) - sum - start).abs();
                    let bound = unit * (size + start.abs()) + 1e-30;
                    assert!(
                        error <= bound,
                        "{engine:?} {precision:?} {m}x{k}x{n} {a_kind:?} {b_kind:?} {accumulate} ({i},{j}): {error} > {bound}"
                    );
                }
                for j in n..stride {
                    assert_eq!(
                        c[i * stride + j].to_bits(),
                        before[i * stride + j].to_bits(),
                        "wrote past a row"
                    );
                }
            }
        }
    }
}

#[test]
fn every_shape() {
    const SIZES: [usize; 10] = [0, 1, 15, 16, 17, 31, 33, 65, 97, 131];
    let mut turn = 0;
    for m in SIZES {
        for k in SIZES {
            for n in SIZES {
                // All 50 combinations of layouts and accumulation, one for each shape in turn.
                check(
                    m,
                    k,
                    n,
                    LAYOUTS[turn % 5],
                    LAYOUTS[turn / 5 % 5],
                    turn / 25 % 2 == 0,
                );
                turn += 1;
            }
        }
    }
}

#[test]
fn every_layout() {
    for (m, k, n) in [
        (65, 97, 33),
        (17, 131, 97),
        (3, 40, 300),
        (300, 40, 3),
        (1, 200, 300),
        (300, 200, 1),
        (160, 1500, 48),
        (64, 256, 48),
        (40, 520, 35),
    ] {
        for a in LAYOUTS {
            for b in LAYOUTS {
                check(m, k, n, a, b, false);
                check(m, k, n, a, b, true);
            }
        }
    }
}

#[test]
fn as_accurate_as_fused_multiply_add() {
    for k in [384, 4096] {
        let (m, n) = (96, 112);
        for positive in [false, true] {
            let sign = |mut v: Vec<f32>| {
                if positive {
                    v.iter_mut().for_each(|x| *x = x.abs());
                }
                v
            };
            let (a, b) = (sign(normals(m * k)), sign(normals(k * n)));
            let (a, b) = (Matrix::row_major(&a, m, k), Matrix::row_major(&b, k, n));
            let expected = reference(a, b);
            let error = |engine| {
                let mut c = vec![0.0; m * n];
                matmul_on(
                    engine,
                    MatrixProduct::new(a, b, MatmulPrecision::Float32),
                    &mut c,
                    n,
                );
                let errors = c
                    .iter()
                    .zip(&expected)
                    .map(|(c, e)| (f64::from(*c) - e.0, e.0));
                let (e2, s2, max) = errors.fold((0.0, 0.0, 0f64), |(e2, s2, max), (e, s)| {
                    (e2 + e * e, s2 + s * s, max.max(e.abs()))
                });
                ((e2 / s2).sqrt(), max)
            };
            let fma = error(Engine::Fma);
            for engine in engines() {
                let e = error(engine);
                // The omitted products have the sign of the product: if all signs are equal, the
                // errors add up.
                let limit = if positive { 3.0 } else { 1.5 };
                assert!(
                    e.0 <= limit * fma.0 && e.1 <= limit * fma.1,
                    "{engine:?} {e:?} against {fma:?}"
                );
            }
        }
    }
}

#[test]
fn wide_range_of_magnitudes() {
    let (m, k, n) = (33, 70, 35);
    let mut random = Random::new();
    let mut draw = |count: usize, decades: f64| -> Vec<f32> {
        (0..count)
            .map(|_| {
                random.normal() * 10f32.powf((decades * (2.0 * random.uniform() - 1.0)) as f32)
            })
            .collect()
    };
    // Their products do not overflow.
    let (a, b) = (draw(m * k, 20.0), draw(k * n, 16.0));
    let (a, b) = (Matrix::row_major(&a, m, k), Matrix::row_major(&b, k, n));
    for engine in engines() {
        let mut c = vec![0.0; m * n];
        matmul_on(
            engine,
            MatrixProduct::new(a, b, MatmulPrecision::Float32),
            &mut c,
            n,
        );
        for (c, (sum, size)) in c.iter().zip(reference(a, b)) {
            // Products below the smallest normal number may count as zero.
            let bound = 2f64.powi(-21) * size + k as f64 * f64::from(f32::MIN_POSITIVE);
            assert!(
                (f64::from(*c) - sum).abs() <= bound,
                "{engine:?}: {c} for {sum}"
            );
        }
    }
}

#[test]
fn the_largest_numbers_stay_finite() {
    for engine in engines() {
        for x in [
            f32::MAX,
            -f32::MAX,
            f32::MAX * 0.999,
            f32::MIN_POSITIVE,
            f32::EPSILON,
            1.0 - f32::EPSILON / 2.0,
        ] {
            // Multiply a row of x by the identity, and the identity by a column of x.
            let n = 48;
            let mut identity = vec![0.0; n * n];
            (0..n).for_each(|i| identity[i * n + i] = 1.0);
            let values = vec![x; n * n];
            let (identity, values) = (
                Matrix::row_major(&identity, n, n),
                Matrix::row_major(&values, n, n),
            );
            for (a, b) in [(identity, values), (values, identity)] {
                let mut c = vec![0.0; n * n];
                matmul_on(
                    engine,
                    MatrixProduct::new(a, b, MatmulPrecision::Float32),
                    &mut c,
                    n,
                );
                // The three parts of x add up to x exactly, unless they are too small for normal
                // numbers.
                assert!(c.iter().all(|c| *c == x), "{engine:?}: {} for {x}", c[0]);
            }
        }
    }
}

#[test]
fn not_a_number_stays_one() {
    for engine in engines() {
        for precision in [MatmulPrecision::Float32, MatmulPrecision::Bf16] {
            // The smallest payload, with all its bits among those that truncation drops, and the
            // largest.
            for nan in [
                f32::from_bits(0x7f80_0001),
                f32::from_bits(0x7fff_ffff),
                f32::NAN,
            ] {
                let (mut a, b) = (vec![1.0; 40 * 40], vec![1.0; 40 * 40]);
                a[7 * 40 + 3] = nan;
                let mut c = vec![0.0; 40 * 40];
                matmul_on(
                    engine,
                    MatrixProduct::new(
                        Matrix::row_major(&a, 40, 40),
                        Matrix::row_major(&b, 40, 40),
                        precision,
                    ),
                    &mut c,
                    40,
                );
                for (i, row) in c.chunks(40).enumerate() {
                    assert!(
                        row.iter().all(|c| c.is_nan() == (i == 7)),
                        "{engine:?} {precision:?} row {i}"
                    );
                }
            }
        }
    }
}

#[test]
fn same_bits_on_any_number_of_threads() {
    let pools = [1, 2, 3].map(|n| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .expect("a pool")
    });
    for (m, k, n) in [
        (300, 384, 200),
        (96, 3000, 512),
        (1, 1000, 2000),
        (1000, 2000, 1),
        (5, 700, 900),
        (700, 300, 65),
    ] {
        for (a_kind, b_kind) in [
            (Layout::RowMajor, Layout::RowMajor),
            (Layout::Transposed, Layout::Transposed),
        ] {
            let (a_data, a_strides) = layout(a_kind, m, k);
            let (b_data, b_strides) = layout(b_kind, k, n);
            let a = Matrix::new(&a_data, m, k, a_strides[0], a_strides[1]);
            let b = Matrix::new(&b_data, k, n, b_strides[0], b_strides[1]);
            for precision in [MatmulPrecision::Float32, MatmulPrecision::Bf16] {
                let results = pools.each_ref().map(|pool| {
                    let mut c = vec![0.0; m * n];
                    pool.install(|| {
                        matmul_on(
                            *engines().last().expect("an engine"),
                            MatrixProduct::new(a, b, precision),
                            &mut c,
                            n,
                        )
                    });
                    c
                });
                assert!(
                    results.iter().all(|c| *c == results[0]),
                    "{m}x{k}x{n} {precision:?}"
                );
            }
        }
    }
}
