//! Self-attention and attention to other keys.

use super::{Bound, KINDS, Kind, LAYOUTS, Layout, agree, flat, largest, lift};
use crate::repeatable;
use burn::backend::Dispatch;
use burn::tensor::Tensor;
use proptest::prelude::*;
use sisun_kernels::backend::Kernels;
use sisun_kernels::reference::{self, merge_heads};
use sisun_kernels::{AttentionOptions, HeadCounts, self_attention};
use sisun_tests::compare::normal;

/// Tolerance relative to the largest value, and of gradients relative to the largest gradient.
/// Results are sums with positive weights that add up to 1; gradients of scores are differences of
/// such sums.
const RESULT: f32 = 2e-6;
const GRADIENT: f32 = 1e-5;

#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: usize,
    n_kv_heads: usize,
    group: usize,
    n_query: usize,
    n_key: usize,
    d_head: usize,
    causal: bool,
    biased: bool,
}

impl Sizes {
    fn heads(&self) -> HeadCounts {
        HeadCounts {
            n_heads: self.n_kv_heads * self.group,
            n_kv_heads: self.n_kv_heads,
        }
    }

    fn options(&self, bias: Option<&Tensor<1>>) -> AttentionOptions {
        let bias = bias.map(|bias| {
            bias.clone()
                .reshape([self.n_key + self.n_query - 1, self.heads().n_heads])
        });
        AttentionOptions {
            causal: self.causal,
            bias,
            dropout: 0.0,
            lens: None,
        }
    }

    fn bias(&self, seed: u32) -> Option<Vec<f32>> {
        let n = (self.n_key + self.n_query - 1) * self.heads().n_heads;
        self.biased.then(|| normal(&format!("{seed} bias"), n))
    }

    /// Return tolerances for queries, keys and values of at most these magnitudes. The rounding
    /// error of a score is relative to the score, and the softmax turns it into the same relative
    /// error of the weight.
    fn bounds(&self, query_key: [f32; 2], value: f32, expected: &[Vec<f32>]) -> Vec<Bound> {
        let [query, key] = query_key;
        let score = query * key * (self.d_head as f32).sqrt() + 5.0; // 5: of the bias
        let rounding = (score / 16.0).max(1.0);
        let slope = expected[1..]
            .iter()
            .map(|x| largest(x))
            .fold(value.max(query).max(key), f32::max);
        // Equal terms round the same way each time they are added.
        let sum = self.n_key.max(self.n_query) as f32 * f32::EPSILON / 2.0;
        let mut bounds = vec![Bound::All((RESULT + sum) * rounding * value)];
        bounds.extend(
            expected[1..]
                .iter()
                .map(|_| Bound::All((GRADIENT + sum) * rounding * slope)),
        );
        bounds
    }

    /// Check with q, k and v in one tensor.
    fn check_fused(&self, seed: u32, layout: Layout, kind: Kind) {
        let heads = self.heads();
        let shape = [
            self.batch,
            self.n_query,
            (heads.n_heads + 2 * heads.n_kv_heads) * self.d_head,
        ];
        let mut inputs = vec![kind.draw(&format!("{seed} qkv"), layout.len(shape))];
        inputs.extend(self.bias(seed));
        let fast = |x: &[Tensor<1>]| {
            flat(self_attention(
                layout.view(&x[0], shape),
                heads,
                &self.options(x.get(1)),
            ))
        };
        let plain = |x: &[Tensor<1>]| {
            let [q, k, v] = heads.split(layout.view(&x[0], shape));
            flat(merge_heads(reference::attention(
                q,
                k,
                v,
                &self.options(x.get(1)),
            )))
        };
        agree(
            &format!("fused {self:?} {layout:?} {kind:?}"),
            &inputs,
            &fast,
            &plain,
            |_, expected| {
                let size = largest(&inputs[0]);
                self.bounds([size; 2], size, expected)
            },
        );
    }

    /// Check with q, k and v in separate tensors, as in a cache.
    fn check_apart(&self, seed: u32, layouts: [Layout; 3], kinds: [Kind; 3]) {
        let HeadCounts {
            n_heads,
            n_kv_heads,
        } = self.heads();
        let shapes = [
            (n_heads, self.n_query),
            (n_kv_heads, self.n_key),
            (n_kv_heads, self.n_key),
        ]
        .map(|(heads, pos)| [self.batch, heads, pos, self.d_head]);
        let mut inputs: Vec<Vec<f32>> = (0..3)
            .map(|i| kinds[i].draw(&format!("{seed} {i}"), layouts[i].len(shapes[i])))
            .collect();
        inputs.extend(self.bias(seed));
        let parts = |x: &[Tensor<1>]| [0, 1, 2].map(|i| layouts[i].view(&x[i], shapes[i]));
        let fast = |x: &[Tensor<1>]| {
            let [q, k, v] = parts(x).map(Tensor::into_dispatch);
            flat(lift::<3>(Dispatch::attention(
                q,
                k,
                v,
                self.options(x.get(3)).bias.into(),
                self.causal,
                None,
            )))
        };
        let plain = |x: &[Tensor<1>]| {
            let [q, k, v] = parts(x);
            flat(merge_heads(reference::attention(
                q,
                k,
                v,
                &self.options(x.get(3)),
            )))
        };
        agree(
            &format!("apart {self:?} {layouts:?} {kinds:?}"),
            &inputs,
            &fast,
            &plain,
            |_, expected| {
                let [q, k, v] = [0, 1, 2].map(|i| largest(&inputs[i]));
                self.bounds([q, k], v, expected)
            },
        );
    }
}

fn sizes() -> impl Strategy<Value = Sizes> {
    let long = || prop_oneof![1_usize..6, 6_usize..40, 60_usize..70, 126_usize..140];
    (
        1_usize..4,
        1_usize..4,
        1_usize..4,
        long(),
        long(),
        1_usize..40,
        any::<[bool; 2]>(),
    )
        .prop_map(
            |(batch, n_kv_heads, group, a, b, d_head, [causal, biased])| {
                // The queries are the last positions of the keys.
                let (n_query, n_key) = (a.min(b), a.max(b));
                Sizes {
                    batch,
                    n_kv_heads,
                    group,
                    n_query,
                    n_key,
                    d_head,
                    causal,
                    biased,
                }
            },
        )
}

/// Return the kinds whose scores can be compared: values around 1e3 would give scores of 1e6 and
/// more, whose `f32` precision is only a few tenths, here and in the composition.
fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(&KINDS[..5])
}

proptest! {
    #![proptest_config(repeatable(100))]

    #[test]
    fn to_itself(sizes in sizes(), seed: u32, layout in prop::sample::select(&LAYOUTS[..]), kind in kinds()) {
        Sizes { n_key: sizes.n_query, ..sizes }.check_fused(seed, layout, kind);
    }

    #[test]
    fn to_others(
        sizes in sizes(),
        seed: u32,
        layouts in prop::array::uniform3(prop::sample::select(&LAYOUTS[..])),
        kinds in prop::array::uniform3(kinds()),
    ) {
        sizes.check_apart(seed, layouts, kinds);
    }

    #[test]
    fn of_a_single_query(
        sizes in sizes(),
        seed: u32,
        layouts in prop::array::uniform3(prop::sample::select(&LAYOUTS[..])),
        kinds in prop::array::uniform3(kinds()),
    ) {
        Sizes { n_query: 1, ..sizes }.check_apart(seed, layouts, kinds);
    }
}

const ORDINARY: Sizes = Sizes {
    batch: 2,
    n_kv_heads: 2,
    group: 2,
    n_query: 70,
    n_key: 70,
    d_head: 16,
    causal: true,
    biased: true,
};

/// One key takes all the weight of each query: scores of several hundred, thousands above the next.
#[test]
fn saturated() {
    for (n_query, n_key) in [(70, 70), (1, 70), (5, 131)] {
        let sizes = Sizes {
            n_query,
            n_key,
            ..ORDINARY
        };
        for scale in [10.0, 30.0] {
            let [batch, heads, kv_heads] = [sizes.batch, sizes.heads().n_heads, sizes.n_kv_heads];
            let inputs: Vec<Vec<f32>> = [
                (heads, n_query, scale),
                (kv_heads, n_key, scale),
                (kv_heads, n_key, 1.0),
            ]
            .iter()
            .enumerate()
            .map(|(i, (heads, pos, scale))| {
                let mut x = normal(
                    &format!("saturated {i}"),
                    batch * heads * pos * sizes.d_head,
                );
                x.iter_mut().for_each(|x| *x *= scale);
                x
            })
            .collect();
            let parts = |x: &[Tensor<1>]| {
                let view = |i: usize, heads, pos| {
                    Layout::Dense.view(&x[i], [batch, heads, pos, sizes.d_head])
                };
                [
                    view(0, heads, n_query),
                    view(1, kv_heads, n_key),
                    view(2, kv_heads, n_key),
                ]
            };
            let options = AttentionOptions {
                causal: true,
                bias: None,
                dropout: 0.0,
                lens: None,
            };
            let fast = |x: &[Tensor<1>]| {
                let [q, k, v] = parts(x);
                flat(sisun_kernels::attention(q, k, v, &options))
            };
            let plain = |x: &[Tensor<1>]| {
                let [q, k, v] = parts(x);
                flat(reference::attention(q, k, v, &options))
            };
            agree(
                &format!("{sizes:?} times {scale}"),
                &inputs,
                &fast,
                &plain,
                |_, expected| {
                    sizes.bounds(
                        [largest(&inputs[0]), largest(&inputs[1])],
                        largest(&inputs[2]),
                        expected,
                    )
                },
            );
        }
    }
}
