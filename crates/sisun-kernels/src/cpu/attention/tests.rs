//! Attention against a plain implementation in double precision.

mod plain;

use super::{Gradients, HeadRows, Rows, Shape, backward, forward};
use plain::{Plain, noise};

/// Results of a pass over one fused buffer `[batch, pos, (n_heads + 2·n_kv_heads)·d_head]`, or over
/// three buffers when the numbers of queries and keys differ.
struct Results {
    z: Vec<f32>,
    log_sum_exp: Vec<f32>,
    dq: Vec<f32>,
    dk: Vec<f32>,
    dv: Vec<f32>,
    dbias: Vec<f32>,
}

struct Inputs {
    shape: Shape,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    bias: Option<Vec<f32>>,
    dz: Vec<f32>,
}

impl Inputs {
    fn new(shape: Shape, has_bias: bool, size: f32) -> Self {
        let Shape {
            batch,
            n_heads,
            n_kv_heads,
            n_query,
            n_key,
            d_head,
            ..
        } = shape;
        let random = |seed, len, size: f32| {
            noise(seed, len)
                .iter()
                .map(|x| x * size)
                .collect::<Vec<f32>>()
        };
        Self {
            shape,
            q: random(1, batch * n_query * n_heads * d_head, size),
            k: random(2, batch * n_key * n_kv_heads * d_head, size),
            v: random(3, batch * n_key * n_kv_heads * d_head, 1.0),
            bias: has_bias.then(|| random(4, (n_key + n_query - 1) * n_heads, size)),
            dz: random(5, batch * n_query * n_heads * d_head, 1.0),
        }
    }

    fn run(&self) -> Results {
        let Shape {
            batch,
            n_heads,
            n_kv_heads,
            n_query,
            n_key,
            d_head,
            ..
        } = self.shape;
        // One buffer after the other, unless they can be fused; the gaps hold a number that the
        // kernels never write.
        let (q_width, k_width) = (n_heads * d_head, n_kv_heads * d_head);
        let width = q_width + 2 * k_width + 5;
        let one_buffer = n_query == n_key;
        let rows = if one_buffer {
            [0, q_width, q_width + k_width]
                .map(|offset| Rows::columns(offset, n_key, width, d_head))
        } else {
            let (q_len, k_len) = (batch * n_query * q_width, batch * n_key * k_width);
            let k = Rows::columns(q_len, n_key, k_width, d_head);
            [
                Rows::columns(0, n_query, q_width, d_head),
                k,
                Rows {
                    offset: q_len + k_len,
                    ..k
                },
            ]
        };
        let len = if one_buffer {
            batch * n_key * width
        } else {
            batch * (n_query * q_width + 2 * n_key * k_width)
        };
        let parts = [
            (&self.q, n_query, n_heads),
            (&self.k, n_key, n_kv_heads),
            (&self.v, n_key, n_kv_heads),
        ];
        let each = |rows: &Rows, n_pos: usize, heads: usize, act: &mut dyn FnMut(usize, usize)| {
            for vector in 0..batch * n_pos * heads {
                let (b, pos, head) = (
                    vector / (n_pos * heads),
                    vector / heads % n_pos,
                    vector % heads,
                );
                let start = rows.offset
                    + b * rows.batch_stride
                    + head * rows.head_stride
                    + pos * rows.pos_stride;
                act(vector * d_head, start);
            }
        };
        let mut data = vec![7.5; len];
        for (rows, (part, n_pos, heads)) in rows.iter().zip(parts) {
            each(rows, n_pos, heads, &mut |from, to| {
                data[to..to + d_head].copy_from_slice(&part[from..from + d_head]);
            });
        }
        let [q, k, v] = rows.map(|rows| HeadRows { data: &data, rows });
        let bias = self.bias.as_deref();
        let mut z = vec![f32::NAN; batch * n_query * n_heads * d_head];
        let mut log_sum_exp = vec![f32::NAN; batch * n_heads * n_query];
        forward(&self.shape, q, k, v, bias, None, &mut z, &mut log_sum_exp);
        let mut out = vec![7.5; len];
        let mut dbias = vec![f32::NAN; (n_key + n_query - 1) * n_heads];
        let gradients = Gradients {
            data: &mut out,
            q: rows[0],
            k: rows[1],
            v: rows[2],
        };
        backward(
            &self.shape,
            q,
            k,
            v,
            bias,
            None,
            &z,
            &self.dz,
            &log_sum_exp,
            gradients,
            bias.map(|_| &mut dbias[..]),
        );
        let mut written = parts.map(|(part, ..)| vec![0.0; part.len()]);
        for ((rows, (_, n_pos, heads)), written) in rows.iter().zip(parts).zip(&mut written) {
            each(rows, n_pos, heads, &mut |to, from| {
                written[to..to + d_head].copy_from_slice(&out[from..from + d_head]);
            });
        }
        if one_buffer {
            assert!(
                out.chunks(width).all(|row| row[width - 5..] == [7.5; 5]),
                "wrote beyond its part"
            );
        }
        let [dq, dk, dv] = written;
        Results {
            z,
            log_sum_exp,
            dq,
            dk,
            dv,
            dbias,
        }
    }

    fn plain(&self) -> Plain {
        Plain::new(
            self.shape,
            &self.q,
            &self.k,
            &self.v,
            self.bias.as_deref(),
            &self.dz,
        )
    }
}

/// Return the largest difference, relative to the largest magnitude in `exact` or to `floor`, if
/// that is larger.
fn error(name: &str, got: &[f32], exact: &[f64], floor: f64) -> f64 {
    assert_eq!(got.len(), exact.len());
    let largest = exact.iter().fold(floor, |largest, x| largest.max(x.abs()));
    got.iter().zip(exact).fold(0.0, |worst: f64, (x, exact)| {
        assert!(x.is_finite(), "{name} has {x} for {exact}");
        worst.max((*x as f64 - exact).abs() / largest)
    })
}

/// Return the errors of z, of the log-sum-exp and of the worst gradient.
fn errors(inputs: &Inputs) -> [f64; 3] {
    let (got, exact) = (inputs.run(), inputs.plain());
    let mut gradient: f64 = 0.0;
    let largest = [&exact.dq, &exact.dk, &exact.dv]
        .into_iter()
        .flatten()
        .fold(0.0, |a: f64, b| a.max(b.abs()));
    for (name, got, exact) in [
        ("dq", &got.dq, &exact.dq),
        ("dk", &got.dk, &exact.dk),
        ("dv", &got.dv, &exact.dv),
    ] {
        gradient = gradient.max(error(name, got, exact, largest));
    }
    if inputs.bias.is_some() {
        gradient = gradient.max(error("dbias", &got.dbias, &exact.dbias, largest));
    }
    let largest_value = inputs.v.iter().fold(0.0, |a: f64, b| a.max(b.abs() as f64));
    [
        error("z", &got.z, &exact.z, largest_value),
        error("log_sum_exp", &got.log_sum_exp, &exact.log_sum_exp, 1.0),
        gradient,
    ]
}

fn sizes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    let mut add = |batch, n_heads, n_kv_heads, n_query, n_key, d_head| {
        for causal in [true, false] {
            if !causal || n_key >= n_query {
                shapes.push(Shape {
                    batch,
                    n_heads,
                    n_kv_heads,
                    n_query,
                    n_key,
                    n_real: n_key,
                    d_head,
                    causal,
                });
            }
        }
    };
    for length in [1, 2, 15, 16, 17, 63, 64, 65, 127, 129, 200, 257, 521] {
        add(1, 1, 1, length, length, 64);
        add(2, 2, 1, length, length, 13);
    }
    for d_head in [1, 3, 7, 13, 32, 80, 96, 128] {
        add(2, 3, 3, 67, 67, d_head);
        add(1, 2, 2, 1, 67, d_head);
        add(1, 2, 2, 5, 131, d_head);
    }
    for (n_heads, n_kv_heads) in [(6, 2), (5, 1)] {
        add(2, n_heads, n_kv_heads, 101, 101, 32);
        add(3, n_heads, n_kv_heads, 1, 77, 32);
        add(1, n_heads, n_kv_heads, 70, 203, 16);
    }
    add(1, 2, 1, 1, 1000, 64);
    add(1, 2, 1, 64, 1100, 64);
    add(1, 1, 1, 65, 577, 64);
    add(1, 2, 2, 130, 64, 8);
    add(1, 2, 2, 3, 1, 8);
    shapes
}

#[test]
fn agrees_with_double_precision() {
    let mut worst = [
        (0.0, String::new()),
        (0.0, String::new()),
        (0.0, String::new()),
    ];
    for shape in sizes() {
        for has_bias in [false, true] {
            let errors = errors(&Inputs::new(shape, has_bias, 1.0));
            for (worst, error) in worst.iter_mut().zip(errors) {
                if error > worst.0 {
                    *worst = (error, format!("{shape:?}, bias {has_bias}"));
                }
            }
        }
    }
    assert!(
        worst[0].0 <= 2e-6 && worst[1].0 <= 2e-6 && worst[2].0 <= 1e-5,
        "{worst:#?}"
    );
}

#[test]
fn saturates_without_nan() {
    // With scores of ±1e4 and beyond, f32 is too coarse for a comparison, but every result must
    // stay finite and the weights must form a distribution.
    for (n_query, n_key) in [(1, 70), (70, 70), (65, 300)] {
        for size in [30.0, 100.0, 1000.0, 1e6] {
            let shape = Shape {
                batch: 1,
                n_heads: 2,
                n_kv_heads: 1,
                n_query,
                n_key,
                n_real: n_key,
                d_head: 64,
                causal: true,
            };
            let inputs = Inputs::new(shape, true, size);
            let got = inputs.run();
            let all = [
                &got.z,
                &got.log_sum_exp,
                &got.dq,
                &got.dk,
                &got.dv,
                &got.dbias,
            ];
            assert!(
                all.into_iter().flatten().all(|x| x.is_finite()),
                "{shape:?} at {size}"
            );
            let largest = inputs.v.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
            assert!(got.z.iter().all(|x| x.abs() <= largest * 1.000_01));
        }
    }
    // One key with a score far above the others gets all the weight.
    let shape = Shape {
        batch: 1,
        n_heads: 1,
        n_kv_heads: 1,
        n_query: 2,
        n_key: 66,
        n_real: 66,
        d_head: 4,
        causal: true,
    };
    let mut inputs = Inputs::new(shape, false, 1.0);
    inputs.q.fill(100.0);
    inputs.k.fill(-100.0);
    inputs.k[4 * 30..4 * 31].fill(100.0);
    let got = inputs.run();
    for z in got.z.chunks(4) {
        assert_eq!(z, &inputs.v[4 * 30..4 * 31]);
    }
}

#[test]
fn nan_stays_visible_where_it_belongs() {
    let shape = Shape {
        batch: 1,
        n_heads: 2,
        n_kv_heads: 2,
        n_query: 70,
        n_key: 70,
        n_real: 70,
        d_head: 16,
        causal: true,
    };
    let mut inputs = Inputs::new(shape, false, 1.0);
    inputs.q[66 * 32 + 3] = f32::NAN; // query 66, head 0
    let got = inputs.run();
    for (i, z) in got.z.iter().enumerate() {
        assert_eq!(z.is_nan(), i / 32 == 66 && i % 32 < 16, "element {i}");
    }
    assert!(got.dq[66 * 32..66 * 32 + 16].iter().all(|x| x.is_nan()));
    assert!(got.dq[..66 * 32].iter().all(|x| x.is_finite()));
}

#[test]
fn same_bits_on_any_number_of_threads() {
    let pool = |n| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .expect("threads")
    };
    for (batch, n_heads, n_kv_heads, n_query, n_key, d_head) in [
        (4, 6, 2, 200, 200, 64),
        (1, 2, 1, 300, 1200, 64),
        (5, 4, 4, 1, 4000, 64),
    ] {
        let shape = Shape {
            batch,
            n_heads,
            n_kv_heads,
            n_query,
            n_key,
            n_real: n_key,
            d_head,
            causal: true,
        };
        let inputs = Inputs::new(shape, true, 1.0);
        let bits = |results: Results| {
            let Results {
                z,
                log_sum_exp,
                dq,
                dk,
                dv,
                dbias,
            } = results;
            [z, log_sum_exp, dq, dk, dv, dbias]
                .concat()
                .into_iter()
                .map(f32::to_bits)
                .collect::<Vec<u32>>()
        };
        let one = bits(pool(1).install(|| inputs.run()));
        for n in [2, 3] {
            assert!(
                one == bits(pool(n).install(|| inputs.run())),
                "{shape:?} differs with {n} threads"
            );
        }
    }
}

#[test]
fn plain_backward_agrees_with_finite_differences() {
    for causal in [true, false] {
        let shape = Shape {
            batch: 2,
            n_heads: 4,
            n_kv_heads: 2,
            n_query: 3,
            n_key: 5,
            n_real: 5,
            d_head: 3,
            causal,
        };
        let worst = Inputs::new(shape, true, 1.0)
            .plain()
            .worst_against_finite_differences();
        assert!(worst < 1e-8, "{worst}");
    }
}
