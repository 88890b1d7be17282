//! Elementary functions on vectors.

use pulp::Simd;

/// Coefficients of `2^f = 1 + f·(…)` on `[−½, ½]`, highest power first: weighted least squares on
/// Chebyshev nodes, with the weights iterated to the minimax solution (Lawson 1961). The relative
/// error is 1.6e-8 with these rounded coefficients.
const POWER_OF_TWO: [f32; 6] = [
    1.535_336e-4,
    1.339_887_5e-3,
    9.618_437e-3,
    5.550_332_4e-2,
    0.240_226_48,
    std::f32::consts::LN_2,
];

/// `1.5·2^23 + 127`. Adding it to an x with `|x| < 2^21` rounds x to an integer n and leaves n +
/// 127 (the exponent field of `2^n`) in the low bits.
const ROUND: f32 = 12_583_039.0;

/// Compute `2^x` to about 1 ulp; exactly 0 below −126 (where `f32` results are denormal), NaN for
/// NaN. Wrong from 128 on: only for exponents known to be small, as in a softmax.
#[inline(always)]
pub(crate) fn exp2<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let rounded = simd.add_f32s(x, simd.splat_f32s(ROUND));
    let fraction = simd.sub_f32s(x, simd.sub_f32s(rounded, simd.splat_f32s(ROUND)));
    let power = power_of_two(simd, rounded, fraction);
    simd.select_f32s(
        simd.less_than_f32s(x, simd.splat_f32s(-126.0)),
        simd.splat_f32s(0.0),
        power,
    )
}

/// Compute `e^x` to about 1 ulp; exactly 0 below −87.3 (where `f32` results are denormal), ∞ above
/// 88.3, NaN for NaN.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // ln 2 in two parts (Cody and Waite 1980): the first has 9 bits, so that its product with n is
    // exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let rounded = simd.mul_add_e_f32s(
        x,
        simd.splat_f32s(std::f32::consts::LOG2_E),
        simd.splat_f32s(ROUND),
    );
    let n = simd.sub_f32s(rounded, simd.splat_f32s(ROUND));
    let rest = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN_2_HIGH), x);
    let rest = simd.mul_add_e_f32s(n, simd.splat_f32s(-LN_2_LOW), rest);
    let fraction = simd.mul_f32s(rest, simd.splat_f32s(std::f32::consts::LOG2_E));
    let power = power_of_two(simd, rounded, fraction);
    let power = simd.select_f32s(
        simd.less_than_f32s(x, simd.splat_f32s(-87.3)),
        simd.splat_f32s(0.0),
        power,
    );
    simd.select_f32s(
        simd.greater_than_f32s(x, simd.splat_f32s(88.3)),
        simd.splat_f32s(f32::INFINITY),
        power,
    )
}

/// Return `2^(n + fraction)`, where `rounded` is n + [`ROUND`] and `|fraction| ≤ ½`.
#[inline(always)]
fn power_of_two<S: Simd>(simd: S, rounded: S::f32s, fraction: S::f32s) -> S::f32s {
    let mut power = simd.splat_f32s(POWER_OF_TWO[0]);
    for coefficient in &POWER_OF_TWO[1..] {
        power = simd.mul_add_e_f32s(power, fraction, simd.splat_f32s(*coefficient));
    }
    let power = simd.mul_add_e_f32s(power, fraction, simd.splat_f32s(1.0));
    let exponent =
        simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(rounded), simd.splat_u32s(23));
    simd.mul_f32s(power, simd.transmute_f32s_u32s(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::arch;

    #[pulp::with_simd(map = arch())]
    fn map_with_simd<S: Simd>(simd: S, base_two: bool, x: &mut [f32]) {
        for x in x {
            let vector = simd.splat_f32s(*x);
            let y = if base_two {
                exp2(simd, vector)
            } else {
                exp(simd, vector)
            };
            *x = pulp::bytemuck::cast_slice::<S::f32s, f32>(&[y])[0];
        }
    }

    fn worst_in_ulp(base_two: bool, from: f32, to: f32) -> f64 {
        let x: Vec<f32> = (0..400_000)
            .map(|i| from + (to - from) * i as f32 / 400_000.0)
            .collect();
        let mut y = x.clone();
        map(base_two, &mut y);
        let exact = |x: f32| {
            if base_two {
                (x as f64).exp2()
            } else {
                (x as f64).exp()
            }
        };
        x.iter()
            .zip(&y)
            .map(|(&x, &y)| {
                let exact = exact(x);
                let ulp = (exact.log2().floor() - 23.0).exp2();
                (y as f64 - exact).abs() / ulp
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn close_to_double_precision() {
        for (base_two, from, to) in [
            (true, -125.9, 127.4),
            (true, -2.0, 2.0),
            (false, -87.2, 88.2),
            (false, -2.0, 2.0),
        ] {
            let worst = worst_in_ulp(base_two, from, to);
            assert!(
                worst < 1.6,
                "base two {base_two}, {from}..{to}: {worst} ulp"
            );
        }
    }

    #[test]
    fn at_the_ends() {
        let mut x = [
            0.0,
            1.0,
            -126.0,
            -126.01,
            -1e4,
            -1e30,
            f32::NEG_INFINITY,
            f32::NAN,
        ];
        map(true, &mut x);
        assert_eq!(x[..7], [1.0, 2.0, f32::MIN_POSITIVE, 0.0, 0.0, 0.0, 0.0]);
        assert!(x[7].is_nan());
        let mut x = [
            0.0,
            -88.0,
            -1e30,
            f32::NEG_INFINITY,
            89.0,
            1e30,
            f32::INFINITY,
            f32::NAN,
        ];
        map(false, &mut x);
        assert_eq!(
            x[..7],
            [
                1.0,
                0.0,
                0.0,
                0.0,
                f32::INFINITY,
                f32::INFINITY,
                f32::INFINITY
            ]
        );
        assert!(x[7].is_nan());
    }
}
