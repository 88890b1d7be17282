//! The functions against double precision, and the loops at every length.

use super::*;
use crate::cpu::simd::arch;

/// Return `(Φ(x), φ(x))`: Φ by the series `½ + φ(x)·(x + x³/3 + x⁵/(3·5) + …)`, which is
/// independent of the formula under test. Beyond ±7, Φ is within 2e-12 of 0 or 1.
fn normal_exactly(x: f64) -> (f64, f64) {
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if x.abs() > 7.0 {
        return (if x > 0.0 { 1.0 } else { 0.0 }, density);
    }
    let (mut sum, mut term, mut n) = (0.0, x, 1.0);
    while sum + term != sum {
        sum += term;
        n += 2.0;
        term *= x * x / n;
    }
    (0.5 + density * sum, density)
}

/// Compute Φ, φ and σ of each number.
#[pulp::with_simd(functions = arch())]
fn functions_with_simd<S: Simd>(simd: S, x: &[f32], out: &mut [Vec<f32>; 3]) {
    let [cdf, density, logistic] = out;
    map(simd, cdf, x, |x| normal(simd, x).0);
    map(simd, density, x, |x| normal(simd, x).1);
    map(simd, logistic, x, |x| sigmoid(simd, x));
}

#[test]
fn close_to_double_precision() {
    let mut x: Vec<f32> = (-90_000..=90_000).map(|i| i as f32 / 9000.0).collect();
    x.extend([
        0.0,
        -0.0,
        1e-30,
        -1e-30,
        40.0,
        -40.0,
        87.0,
        -87.0,
        1e4,
        -1e4,
        1e30,
        -1e30,
        f32::MAX,
        -f32::MAX,
    ]);
    let mut found = [const { Vec::new() }; 3].map(|_: Vec<f32>| vec![f32::NAN; x.len()]);
    functions(&x, &mut found);
    let mut worst = [0.0_f64; 2];
    for (i, &x) in x.iter().enumerate() {
        let (cdf, density) = normal_exactly(x.into());
        for (worst, error) in worst.iter_mut().zip([
            f64::from(found[0][i]) - cdf,
            f64::from(found[1][i]) - density,
        ]) {
            assert!(error.is_finite(), "at {x}");
            *worst = worst.max(error.abs());
        }
        let (found, exact) = (found[2][i], 1.0 / (1.0 + (-f64::from(x)).exp()));
        assert!(
            (f64::from(found) - exact).abs() <= 2e-7 * exact + 1e-37,
            "σ({x}) = {found}, not {exact}"
        );
    }
    // The formula itself has an error of 0.75e-7 in Φ; the rest is rounding.
    assert!(worst[0] < 3e-7 && worst[1] < 1e-7, "{worst:?}");
}

#[test]
fn the_series_is_the_normal_distribution() {
    // DLMF 7.17 and tables: Φ(1), Φ(2), Φ(−3).
    for (x, cdf) in [
        (0.0, 0.5),
        (1.0, 0.841_344_746_068_543),
        (2.0, 0.977_249_868_051_821),
        (-3.0, 0.001_349_898_031_63),
    ] {
        assert!((normal_exactly(x).0 - cdf).abs() < 1e-14, "Φ({x})");
    }
}

/// Return `(Σ (x + 1), Σ (a + b + 1), max)`.
#[pulp::with_simd(reductions = arch())]
fn reductions_with_simd<S: Simd>(simd: S, x: &[f32], y: &[f32]) -> (f32, f32, f32) {
    let one = simd.splat_f32s(1.0);
    let both = |x, y| simd.add_f32s(simd.add_f32s(x, y), one);
    (
        sum(simd, x, |x| simd.add_f32s(x, one)),
        sum2(simd, x, y, both),
        max(simd, x),
    )
}

/// A function that is not 0 at 0 is applied to no padding when the last vector is full. (Regression
/// test: a vector of zeros was once added even then.)
#[test]
fn sums_of_whole_vectors_end_where_they_end() {
    for len in [0, 16, 32, 48, 64, 80, 1024] {
        // Small integers, whose sums are exact.
        let x: Vec<f32> = (0..len).map(|i| (i % 7) as f32 - 9.0).collect();
        let y: Vec<f32> = (0..len).map(|i| (i % 5) as f32).collect();
        let (one, two, _) = reductions(&x, &y);
        assert_eq!(one, x.iter().map(|x| x + 1.0).sum::<f32>(), "{len} numbers");
        assert_eq!(
            two,
            x.iter().zip(&y).map(|(x, y)| x + y + 1.0).sum::<f32>(),
            "{len} pairs"
        );
    }
}

#[pulp::with_simd(squares = arch())]
fn squares_with_simd<S: Simd>(simd: S, x: &[f32], y: &[f32]) -> (f32, f32) {
    (
        sum(simd, x, |x| simd.mul_f32s(x, x)),
        sum2(simd, x, y, |x, y| simd.mul_f32s(x, y)),
    )
}

#[test]
fn reductions_of_every_length() {
    for len in 0..150 {
        let x: Vec<f32> = (0..len).map(|i| (i * 37 % 11) as f32 - 12.0).collect();
        let y: Vec<f32> = (0..len).map(|i| (i * 5 % 7) as f32 - 3.0).collect();
        let (one, two) = squares(&x, &y);
        assert_eq!(one, x.iter().map(|x| x * x).sum::<f32>(), "{len} numbers");
        assert_eq!(
            two,
            x.iter().zip(&y).map(|(x, y)| x * y).sum::<f32>(),
            "{len} pairs"
        );
        // All numbers are negative: padding with 0 would give the wrong maximum.
        let largest = reductions(&x, &y).2;
        assert_eq!(
            largest,
            x.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            "{len} numbers"
        );
    }
}

/// Compute `x + 1` into the first, `y + x` into the second and `y + x·x` into the third.
#[pulp::with_simd(loops = arch())]
fn loops_with_simd<S: Simd>(simd: S, x: &[f32], out: [&mut [f32]; 3]) {
    let [mapped, updated, updated2] = out;
    map(simd, mapped, x, |x| simd.add_f32s(x, simd.splat_f32s(1.0)));
    update(simd, updated, x, |y, x| simd.add_f32s(y, x));
    update2(simd, updated2, x, x, |y, a, b| {
        simd.add_f32s(y, simd.mul_f32s(a, b))
    });
}

#[test]
fn loops_of_every_length_write_what_is_theirs() {
    for len in 0..70 {
        let x: Vec<f32> = (0..len).map(|i| i as f32 - 7.0).collect();
        let mut out = [const { Vec::new() }; 3].map(|_: Vec<f32>| vec![5.0; len + 3]);
        let [a, b, c] = &mut out;
        loops(&x, [&mut a[..len], &mut b[..len], &mut c[..len]]);
        let expected =
            |f: &dyn Fn(f32) -> f32| [x.iter().map(|x| f(*x)).collect(), vec![5.0; 3]].concat();
        assert_eq!(out[0], expected(&|x| x + 1.0), "{len} numbers");
        assert_eq!(out[1], expected(&|x| 5.0 + x), "{len} numbers");
        assert_eq!(out[2], expected(&|x| 5.0 + x * x), "{len} numbers");
    }
}
