//! Recurrent cells, alone and with attention, and attention to padded sequences.

use super::{Bound, agree, flat, largest};
use crate::repeatable;
use burn::tensor::Tensor;
use proptest::prelude::*;
use sisun_kernels::{
    AdditiveAttention, AttentionOptions, Cell, HeadCounts, Lens, attention, attentive_recurrent,
    cross_attention, recurrent, reference, self_attention,
};
use sisun_tests::compare::{normal, tensor, values};

/// Tolerance of states, and of gradients relative to the largest one. Each step adds the rounding of
/// a product and of the cell's functions, and passes on a part of the error before it.
const RESULT: f32 = 1e-5;
const GRADIENT: f32 = 5e-5;

#[derive(Clone, Copy, Debug)]
struct Sizes {
    cell: Cell,
    batch: usize,
    pos: usize,
    d_hidden: usize,
    reverse: bool,
    n_source: usize,
    d_score: usize,
    d_value: usize,
}

impl Sizes {
    fn width(&self) -> usize {
        self.cell.n_gates() * self.d_hidden
    }

    /// Return the shapes of gates, weight, bias and initial state.
    fn own(&self) -> [Vec<usize>; 4] {
        let (width, state) = (self.width(), self.cell.n_states() * self.d_hidden);
        [
            vec![self.batch, self.pos, width],
            vec![self.d_hidden, width],
            vec![width],
            vec![self.batch, state],
        ]
    }

    /// Return the shapes of keys, values, query, score and context.
    fn attention(&self) -> [Vec<usize>; 5] {
        [
            vec![self.batch, self.n_source, self.d_score],
            vec![self.batch, self.n_source, self.d_value],
            vec![self.d_hidden, self.d_score],
            vec![self.d_score],
            vec![self.d_value, self.width()],
        ]
    }

    fn draw(&self, seed: u32, shapes: impl IntoIterator<Item = Vec<usize>>) -> Vec<Vec<f32>> {
        let of = |(i, shape): (usize, Vec<usize>)| {
            // Matrices as they are drawn for training, so that states neither vanish nor saturate.
            let size = if shape.len() == 2 && i != 3 {
                1.0 / (shape[0] as f32).sqrt()
            } else {
                1.0
            };
            let draws = normal(&format!("{seed} {i}"), shape.iter().product());
            draws.into_iter().map(|x| x * size).collect()
        };
        shapes.into_iter().enumerate().map(of).collect()
    }

    fn lens(&self, seed: u32, pos: usize, least: usize) -> Option<Lens> {
        let len = |row: usize| least + (seed as usize + 3 * row) % (pos + 1 - least);
        (!seed.is_multiple_of(3)).then(|| (0..self.batch).map(len).collect())
    }

    fn bounds(&self, expected: &[Vec<f32>]) -> Vec<Bound> {
        let slope = expected[1..].iter().map(|x| largest(x)).fold(1.0, f32::max);
        let mut bounds = vec![Bound::All(RESULT)];
        bounds.extend(expected[1..].iter().map(|_| Bound::All(GRADIENT * slope)));
        bounds
    }

    fn check_alone(&self, seed: u32) {
        let inputs = self.draw(seed, self.own());
        let lens = self.lens(seed, self.pos, 0);
        let shapes = self.own();
        let shaped = |x: &[Tensor<1>]| {
            (
                shape::<3>(&x[0], &shapes[0]),
                shape::<2>(&x[1], &shapes[1]),
                x[2].clone(),
                shape::<2>(&x[3], &shapes[3]),
            )
        };
        let fast = |x: &[Tensor<1>]| {
            let (gates, weight, bias, initial) = shaped(x);
            let lens = lens.clone();
            flat(recurrent(
                self.cell,
                gates,
                weight,
                bias,
                initial,
                lens,
                self.reverse,
            ))
        };
        let plain = |x: &[Tensor<1>]| {
            let (gates, weight, bias, initial) = shaped(x);
            let lens = lens.as_deref();
            flat(reference::recurrent(
                self.cell,
                gates,
                weight,
                bias,
                initial,
                lens,
                self.reverse,
            ))
        };
        let what = format!("{self:?} of lengths {lens:?}");
        agree(&what, &inputs, &fast, &plain, |_, expected| {
            self.bounds(expected)
        });
    }

    fn check_attending(&self, seed: u32) {
        let shapes: Vec<Vec<usize>> = self.own().into_iter().chain(self.attention()).collect();
        let inputs = self.draw(seed, shapes.clone());
        let lens = self.lens(seed, self.n_source, 1);
        let reading = |x: &[Tensor<1>]| AdditiveAttention {
            keys: shape(&x[4], &shapes[4]),
            values: shape(&x[5], &shapes[5]),
            query: shape(&x[6], &shapes[6]),
            score: x[7].clone(),
            context: shape(&x[8], &shapes[8]),
            lens: lens.clone(),
        };
        let fast = |x: &[Tensor<1>]| {
            let (states, contexts) = attentive_recurrent(
                self.cell,
                shape(&x[0], &shapes[0]),
                shape(&x[1], &shapes[1]),
                x[2].clone(),
                shape(&x[3], &shapes[3]),
                &reading(x),
            );
            flat(Tensor::cat(vec![states, contexts], 2))
        };
        let plain = |x: &[Tensor<1>]| {
            flat(reference::attentive_recurrent(
                self.cell,
                shape(&x[0], &shapes[0]),
                shape(&x[1], &shapes[1]),
                x[2].clone(),
                shape(&x[3], &shapes[3]),
                reading(x),
            ))
        };
        let what = format!("{self:?} attending to lengths {lens:?}");
        agree(&what, &inputs, &fast, &plain, |_, expected| {
            self.bounds(expected)
        });
    }
}

fn shape<const D: usize>(x: &Tensor<1>, shape: &[usize]) -> Tensor<D> {
    x.clone().reshape(<[usize; D]>::try_from(shape).unwrap())
}

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![Just(Cell::Gru), Just(Cell::Lstm)]
}

proptest! {
    #![proptest_config(repeatable(60))]

    #[test]
    fn every_shape(
        cell in cell(),
        (batch, pos, d_hidden) in (1_usize..7, 1_usize..9, 1_usize..40),
        (n_source, d_score, d_value) in (1_usize..12, 1_usize..40, 1_usize..40),
        reverse in any::<bool>(),
        seed in any::<u32>(),
    ) {
        let sizes = Sizes { cell, batch, pos, d_hidden, reverse, n_source, d_score, d_value };
        sizes.check_alone(seed);
        sizes.check_attending(seed);
    }
}

#[test]
fn sizes_of_whole_vectors_on_several_threads() {
    for cell in [Cell::Gru, Cell::Lstm] {
        let sizes = Sizes {
            cell,
            batch: 37,
            pos: 17,
            d_hidden: 64,
            reverse: cell == Cell::Lstm,
            n_source: 19,
            d_score: 64,
            d_value: 48,
        };
        sizes.check_alone(1);
        sizes.check_attending(2);
    }
}

/// With hidden keys, each sequence gives what it gives without them, to the bit.
#[test]
fn attention_to_a_padded_sequence_is_attention_to_the_sequence() {
    let device = burn::tensor::Device::flex();
    let heads = HeadCounts {
        n_heads: 4,
        n_kv_heads: 2,
    };
    let (n_query, n_key, d_head) = (5, 200, 12);
    let lens: Lens = [200, 1, 64, 65, 130].into();
    let batch = lens.len();
    let q = tensor(
        &normal("q", batch * n_query * 48),
        [batch, n_query, 48],
        &device,
    );
    let kv = tensor(
        &normal("kv", batch * n_key * 48),
        [batch, n_key, 48],
        &device,
    );
    let options = |lens: Option<Lens>| AttentionOptions {
        causal: false,
        bias: None,
        dropout: 0.0,
        lens,
    };
    let together = cross_attention(q.clone(), kv.clone(), heads, &options(Some(lens.clone())));
    for (row, len) in lens.iter().enumerate() {
        let of = |x: &Tensor<3>| x.clone().narrow(0, row, 1);
        let alone = cross_attention(of(&q), of(&kv).narrow(1, 0, *len), heads, &options(None));
        assert_eq!(
            values(alone.clone()),
            values(together.clone().narrow(0, row, 1)),
            "row {row}"
        );
        let [q, k, v] = heads.split_apart(of(&q), of(&kv).narrow(1, 0, *len));
        let apart = attention(q, k, v, &options(None)).swap_dims(1, 2);
        assert_eq!(
            values(apart.reshape([1, n_query, 48])),
            values(alone),
            "row {row}"
        );
    }
    let qkv = tensor(
        &normal("qkv", batch * n_key * 96),
        [batch, n_key, 96],
        &device,
    );
    let together = self_attention(qkv.clone(), heads, &options(Some(lens.clone())));
    for (row, len) in lens.iter().enumerate().filter(|(_, len)| **len > 1) {
        let alone = self_attention(
            qkv.clone().narrow(0, row, 1).narrow(1, 0, *len),
            heads,
            &options(None),
        );
        let part = together.clone().narrow(0, row, 1).narrow(1, 0, *len);
        assert_eq!(values(alone), values(part), "row {row}");
    }
    assert_eq!(d_head * heads.n_heads, 48);
}

/// The fast versions with padding agree with the composition, gradients included.
#[test]
fn attention_with_lengths_agrees_with_the_composition() {
    let heads = HeadCounts {
        n_heads: 4,
        n_kv_heads: 2,
    };
    let lens: Lens = [70, 3, 65].into();
    for causal in [false, true] {
        for biased in [false, true] {
            let mut inputs = vec![normal("qkv", 3 * 70 * 64)];
            if biased {
                inputs.push(normal("bias", 139 * 4));
            }
            let options = |x: &[Tensor<1>]| AttentionOptions {
                causal,
                bias: x.get(1).map(|bias| bias.clone().reshape([139, 4])),
                dropout: 0.0,
                lens: Some(lens.clone()),
            };
            let fast = |x: &[Tensor<1>]| {
                flat(self_attention(
                    x[0].clone().reshape([3, 70, 64]),
                    heads,
                    &options(x),
                ))
            };
            let plain = |x: &[Tensor<1>]| {
                let [q, k, v] = heads.split(x[0].clone().reshape([3, 70, 64]));
                flat(reference::merge_heads(reference::attention(
                    q,
                    k,
                    v,
                    &options(x),
                )))
            };
            agree("lengths", &inputs, &fast, &plain, |_, expected| {
                let slope = expected[1..].iter().map(|x| largest(x)).fold(1.0, f32::max);
                let mut bounds = vec![Bound::All(1e-5)];
                bounds.extend(expected[1..].iter().map(|_| Bound::All(3e-5 * slope)));
                bounds
            });
        }
    }
    let inputs = [normal("q", 3 * 9 * 32), normal("kv", 3 * 70 * 32)];
    let options = AttentionOptions {
        causal: false,
        bias: None,
        dropout: 0.0,
        lens: Some(lens),
    };
    let shaped = |x: &[Tensor<1>]| {
        (
            x[0].clone().reshape([3, 9, 32]),
            x[1].clone().reshape([3, 70, 32]),
        )
    };
    let fast = |x: &[Tensor<1>]| {
        let (q, kv) = shaped(x);
        flat(cross_attention(q, kv, heads, &options))
    };
    let plain = |x: &[Tensor<1>]| {
        let (q, kv) = shaped(x);
        let [q, k, v] = heads.split_apart(q, kv);
        flat(reference::merge_heads(reference::attention(
            q, k, v, &options,
        )))
    };
    agree("cross-attention", &inputs, &fast, &plain, |_, expected| {
        let slope = expected[1..].iter().map(|x| largest(x)).fold(1.0, f32::max);
        vec![
            Bound::All(1e-5),
            Bound::All(3e-5 * slope),
            Bound::All(3e-5 * slope),
        ]
    });
}
