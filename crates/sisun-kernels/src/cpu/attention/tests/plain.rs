//! Attention and its gradients by the textbook equations, in double precision.

use crate::cpu::attention::Shape;

/// Return `len` numbers between −1.7 and 1.7 with a variance of about 1, determined by the seed.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ len as u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1 << 24) as f32 - 0.5) * 3.4
    };
    (0..len).map(|_| uniform()).collect()
}

/// Inputs and all results: `q`, `z`, … are `[batch, pos, head, d_head]`.
pub(crate) struct Plain {
    shape: Shape,
    q: Vec<f64>,
    k: Vec<f64>,
    v: Vec<f64>,
    bias: Option<Vec<f64>>,
    dz: Vec<f64>,
    pub(crate) z: Vec<f64>,
    pub(crate) log_sum_exp: Vec<f64>,
    pub(crate) dq: Vec<f64>,
    pub(crate) dk: Vec<f64>,
    pub(crate) dv: Vec<f64>,
    pub(crate) dbias: Vec<f64>,
}

impl Plain {
    pub(crate) fn new(
        shape: Shape,
        q: &[f32],
        k: &[f32],
        v: &[f32],
        bias: Option<&[f32]>,
        dz: &[f32],
    ) -> Self {
        let wide = |x: &[f32]| x.iter().map(|&x| x as f64).collect::<Vec<f64>>();
        let Shape {
            batch,
            n_heads,
            n_query,
            n_key,
            ..
        } = shape;
        let mut plain = Self {
            shape,
            q: wide(q),
            k: wide(k),
            v: wide(v),
            bias: bias.map(wide),
            dz: wide(dz),
            z: vec![0.0; q.len()],
            log_sum_exp: vec![0.0; batch * n_heads * n_query],
            dq: vec![0.0; q.len()],
            dk: vec![0.0; k.len()],
            dv: vec![0.0; v.len()],
            dbias: vec![0.0; (n_key + n_query - 1) * n_heads],
        };
        plain.run();
        plain
    }

    fn run(&mut self) {
        let Shape {
            batch,
            n_heads,
            n_kv_heads,
            n_query,
            n_key,
            d_head,
            causal,
            ..
        } = self.shape;
        let scale = 1.0 / (d_head as f64).sqrt();
        self.z.fill(0.0);
        for b in 0..batch {
            for h in 0..n_heads {
                let kv_head = h / (n_heads / n_kv_heads);
                let key_at = |j: usize| ((b * n_key + j) * n_kv_heads + kv_head) * d_head;
                for i in 0..n_query {
                    let at = ((b * n_query + i) * n_heads + h) * d_head;
                    let n_seen = if causal {
                        i + n_key - n_query + 1
                    } else {
                        n_key
                    };
                    let dot = |x: &[f64], x_at: usize, y: &[f64], y_at: usize| -> f64 {
                        (0..d_head).map(|c| x[x_at + c] * y[y_at + c]).sum()
                    };
                    let offset = |j: usize| (n_key + i - 1 - j) * n_heads + h;
                    let scores: Vec<f64> = (0..n_seen)
                        .map(|j| {
                            dot(&self.q, at, &self.k, key_at(j)) * scale
                                + self.bias.as_ref().map_or(0.0, |bias| bias[offset(j)])
                        })
                        .collect();
                    let highest = scores.iter().fold(f64::MIN, |a, b| a.max(*b));
                    let sum: f64 = scores.iter().map(|s| (s - highest).exp()).sum();
                    let p: Vec<f64> = scores.iter().map(|s| (s - highest).exp() / sum).collect();
                    self.log_sum_exp[(b * n_heads + h) * n_query + i] = highest + sum.ln();
                    for (j, p) in p.iter().enumerate() {
                        for c in 0..d_head {
                            self.z[at + c] += p * self.v[key_at(j) + c];
                        }
                    }
                    let dp: Vec<f64> = (0..n_seen)
                        .map(|j| dot(&self.dz, at, &self.v, key_at(j)))
                        .collect();
                    let mean: f64 = p.iter().zip(&dp).map(|(p, dp)| p * dp).sum();
                    for j in 0..n_seen {
                        let ds = p[j] * (dp[j] - mean);
                        self.dbias[offset(j)] += ds;
                        for c in 0..d_head {
                            self.dq[at + c] += ds * self.k[key_at(j) + c] * scale;
                            self.dk[key_at(j) + c] += ds * self.q[at + c] * scale;
                            self.dv[key_at(j) + c] += p[j] * self.dz[at + c];
                        }
                    }
                }
            }
        }
    }

    /// Return `Σ dz ∘ z` with one element of one input shifted.
    fn loss(&mut self, input: usize, element: usize, by: f64) -> f64 {
        fn pick(plain: &mut Plain, input: usize) -> &mut [f64] {
            match input {
                0 => &mut plain.q,
                1 => &mut plain.k,
                2 => &mut plain.v,
                _ => plain.bias.as_mut().expect("a bias"),
            }
        }
        pick(self, input)[element] += by;
        self.run();
        pick(self, input)[element] -= by;
        self.z.iter().zip(&self.dz).map(|(z, dz)| z * dz).sum()
    }

    /// Return the largest difference between a gradient and the finite-difference slope of
    /// `Σ dz ∘ z`.
    pub(crate) fn worst_against_finite_differences(mut self) -> f64 {
        let gradients = [
            self.dq.clone(),
            self.dk.clone(),
            self.dv.clone(),
            self.dbias.clone(),
        ];
        let mut worst: f64 = 0.0;
        for (input, gradient) in gradients.iter().enumerate() {
            for (element, exact) in gradient.iter().enumerate() {
                let slope =
                    (self.loss(input, element, 1e-5) - self.loss(input, element, -1e-5)) / 2e-5;
                worst = worst.max((slope - exact).abs());
            }
        }
        worst
    }
}
