//! One step of one sequence: the cells' functions and their derivatives, on padded parts.

use crate::cpu::elementwise::{sigmoid, tanh};
use pulp::Simd;

/// Compute the next h of a gated recurrent unit in place, and save r, z, n and u_n.
///
/// # Shapes
/// - `a`, `u`: three parts; `saved`: four parts; `h`: one part
#[inline(always)]
pub(super) fn gru<S: Simd>(simd: S, a: &[f32], u: &[f32], h: &mut [f32], saved: &mut [f32]) {
    let [a_r, a_z, a_n] = parts::<S, 3>(a);
    let [u_r, u_z, u_n] = parts::<S, 3>(u);
    let [r_to, z_to, n_to, u_to] = parts_mut::<S, 4>(saved);
    let h = S::as_mut_simd_f32s(h).0;
    for i in 0..h.len() {
        let r = sigmoid(simd, simd.add_f32s(a_r[i], u_r[i]));
        let z = sigmoid(simd, simd.add_f32s(a_z[i], u_z[i]));
        let n = tanh(simd, simd.mul_add_e_f32s(r, u_n[i], a_n[i]));
        h[i] = simd.mul_add_e_f32s(z, simd.sub_f32s(h[i], n), n);
        (r_to[i], z_to[i], n_to[i], u_to[i]) = (r, z, n, u_n[i]);
    }
}

/// Turn the gradient of the next h, in `dh`, into the part of the last h's that does not go through
/// the weights; and write the gradients of `a` and `u`.
///
/// # Shapes
/// - `saved`: four parts; `h`: the last h, one part; `da`, `du`: three parts; `dh`: one part
#[inline(always)]
pub(super) fn gru_gradient<S: Simd>(
    simd: S,
    saved: &[f32],
    h: &[f32],
    dh: &mut [f32],
    da: &mut [f32],
    du: &mut [f32],
) {
    let [r, z, n, u_n] = parts::<S, 4>(saved);
    let (h, dh) = (S::as_simd_f32s(h).0, S::as_mut_simd_f32s(dh).0);
    let [da_r, da_z, da_n] = parts_mut::<S, 3>(da);
    let [du_r, du_z, du_n] = parts_mut::<S, 3>(du);
    let one = simd.splat_f32s(1.0);
    for i in 0..h.len() {
        let (r, z, n) = (r[i], z[i], n[i]);
        let dz = simd.mul_f32s(dh[i], simd.sub_f32s(h[i], n));
        let dz = simd.mul_f32s(dz, slope(simd, z));
        let dn = simd.mul_f32s(dh[i], simd.sub_f32s(one, z));
        let dn = simd.mul_f32s(dn, simd.sub_f32s(one, simd.mul_f32s(n, n)));
        let dr = simd.mul_f32s(simd.mul_f32s(dn, u_n[i]), slope(simd, r));
        (da_r[i], da_z[i], da_n[i]) = (dr, dz, dn);
        (du_r[i], du_z[i], du_n[i]) = (dr, dz, simd.mul_f32s(dn, r));
        dh[i] = simd.mul_f32s(dh[i], z);
    }
}

/// Compute the next h and c of a long short-term memory in place, and save i, f, g and o.
///
/// # Shapes
/// - `a`, `u`, `saved`: four parts; `h`, `c`: one part
#[inline(always)]
pub(super) fn lstm<S: Simd>(
    simd: S,
    a: &[f32],
    u: &[f32],
    h: &mut [f32],
    c: &mut [f32],
    saved: &mut [f32],
) {
    let (a, u) = (parts::<S, 4>(a), parts::<S, 4>(u));
    let [i_to, f_to, g_to, o_to] = parts_mut::<S, 4>(saved);
    let (h, c) = (S::as_mut_simd_f32s(h).0, S::as_mut_simd_f32s(c).0);
    for at in 0..h.len() {
        let i = sigmoid(simd, simd.add_f32s(a[0][at], u[0][at]));
        let f = sigmoid(simd, simd.add_f32s(a[1][at], u[1][at]));
        let g = tanh(simd, simd.add_f32s(a[2][at], u[2][at]));
        let o = sigmoid(simd, simd.add_f32s(a[3][at], u[3][at]));
        c[at] = simd.mul_add_e_f32s(f, c[at], simd.mul_f32s(i, g));
        h[at] = simd.mul_f32s(o, tanh(simd, c[at]));
        (i_to[at], f_to[at], g_to[at], o_to[at]) = (i, f, g, o);
    }
}

/// Turn the gradients of the next h and c into the part of the last ones' that does not go through
/// the weights; and write the gradient of `a`, which is that of `u`.
///
/// # Shapes
/// - `saved`, `da`: four parts; `c_next`, `c_last`, `dh`, `dc`: one part
#[inline(always)]
pub(super) fn lstm_gradient<S: Simd>(
    simd: S,
    saved: &[f32],
    [c_next, c_last]: [&[f32]; 2],
    dh: &mut [f32],
    dc: &mut [f32],
    da: &mut [f32],
) {
    let [i, f, g, o] = parts::<S, 4>(saved);
    let (c_next, c_last) = (S::as_simd_f32s(c_next).0, S::as_simd_f32s(c_last).0);
    let (dh, dc) = (S::as_mut_simd_f32s(dh).0, S::as_mut_simd_f32s(dc).0);
    let [di, df, dg, do_] = parts_mut::<S, 4>(da);
    let one = simd.splat_f32s(1.0);
    for at in 0..dh.len() {
        let squashed = tanh(simd, c_next[at]);
        let through = simd.mul_f32s(
            simd.mul_f32s(dh[at], o[at]),
            simd.sub_f32s(one, simd.mul_f32s(squashed, squashed)),
        );
        let all = simd.add_f32s(dc[at], through);
        do_[at] = simd.mul_f32s(simd.mul_f32s(dh[at], squashed), slope(simd, o[at]));
        di[at] = simd.mul_f32s(simd.mul_f32s(all, g[at]), slope(simd, i[at]));
        df[at] = simd.mul_f32s(simd.mul_f32s(all, c_last[at]), slope(simd, f[at]));
        dg[at] = simd.mul_f32s(
            simd.mul_f32s(all, i[at]),
            simd.sub_f32s(one, simd.mul_f32s(g[at], g[at])),
        );
        dc[at] = simd.mul_f32s(all, f[at]);
        dh[at] = simd.splat_f32s(0.0);
    }
}

/// Return the derivative of the logistic function by its value, `s(1 − s)`.
#[inline(always)]
fn slope<S: Simd>(simd: S, s: S::f32s) -> S::f32s {
    simd.mul_f32s(s, simd.sub_f32s(simd.splat_f32s(1.0), s))
}

#[inline(always)]
fn parts<S: Simd, const N: usize>(x: &[f32]) -> [&[S::f32s]; N] {
    let len = x.len() / N;
    std::array::from_fn(
        #[inline(always)]
        |i| S::as_simd_f32s(&x[i * len..(i + 1) * len]).0,
    )
}

#[inline(always)]
fn parts_mut<S: Simd, const N: usize>(x: &mut [f32]) -> [&mut [S::f32s]; N] {
    let len = x.len() / N;
    let mut rest = x;
    std::array::from_fn(
        #[inline(always)]
        |_| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(len);
            rest = after;
            S::as_mut_simd_f32s(part).0
        },
    )
}
