//! Position variants compared with their definitions.

use burn::tensor::Tensor;
use sisun_config::RopeScaling;
use sisun_kernels::attention::scores;
use sisun_kernels::reference::merge_heads;
use sisun_kernels::{AttentionOptions, HeadCounts, RotaryTables, rotate_heads};
use sisun_model::position::{rope, sinusoidal};
use sisun_model::{Pass, Transformer};
use sisun_tests::compare::{assert_close, largest_difference, normal, tensor, values};
use sisun_tests::devices::{cpu, everywhere};
use sisun_tests::models::{POSITIONS, small, tokens, varied};

const PLAIN: AttentionOptions = AttentionOptions {
    causal: false,
    bias: None,
    dropout: 0.0,
    lens: None,
};

/// Rotate the query heads `[batch, head, pos, d_head]` as part of a projection with equal keys and
/// values.
fn rotate_halves(x: Tensor<4>, tables: &RotaryTables) -> Tensor<4> {
    let [_, n_heads, ..] = x.dims();
    let heads = HeadCounts {
        n_heads,
        n_kv_heads: n_heads,
    };
    let [q, k, v] = heads.split(rotate_heads(
        Tensor::cat(vec![merge_heads(x.clone()); 3], 2),
        tables,
        heads,
    ));
    assert_eq!(
        (values(q.clone()), values(v)),
        (values(k), values(x)),
        "keys turn as queries do, values do not"
    );
    q
}

/// Return the scores of 7 queries from `query_start` and 7 keys from `key_start`.
fn rope_scores(query_start: usize, key_start: usize, base: f64, dims: usize) -> Vec<f32> {
    let (device, shape) = (cpu(), [1, 2, 7, 10]);
    let [q, k] = ["q", "k"].map(|name| tensor(&normal(name, 140), shape, &device));
    let turn = |x: Tensor<4>, start| {
        rotate_halves(
            x,
            &rope::tables(
                start..start + 7,
                &rope::Frequencies::new(dims, base, None, 1),
                &device,
            ),
        )
    };
    values(scores(turn(q, query_start), turn(k, key_start), &PLAIN))
}

#[test]
fn rope_scores_depend_on_the_offset_alone() {
    for (base, dims) in [(10_000.0, 10), (500.0, 4)] {
        for offset in [0, 3] {
            let here = rope_scores(offset, 0, base, dims);
            for start in [1, 5, 1000] {
                let there = rope_scores(start + offset, start, base, dims);
                assert_close(
                    &format!("offset {offset} from {start} on"),
                    &there,
                    &here,
                    2e-5,
                );
            }
        }
        let (near, far) = (rope_scores(3, 0, base, dims), rope_scores(4, 0, base, dims));
        assert!(
            largest_difference(&near, &far) > 0.1,
            "scores do not depend on the offset"
        );
    }
}

#[test]
fn rope_turns_pairs_of_halves_and_leaves_the_rest() {
    for (_, device) in everywhere() {
        // Position 2, r = 4: frequencies 1 and 1/√base = 1/10. Dimension 0 pairs with 2, and 1 with
        // 3.
        let x = tensor(&[1.0, 1.0, 0.0, 0.0, 7.0], [1, 1, 1, 5], &device);
        let turned = rotate_halves(
            x,
            &rope::tables(2..3, &rope::Frequencies::new(4, 100.0, None, 1), &device),
        );
        // cos 2, cos 0.2, sin 2, sin 0.2.
        assert_close(
            "turned",
            &values(turned),
            &[-0.416_146_84, 0.980_066_6, 0.909_297_4, 0.198_669_33, 7.0],
            1e-6,
        );
    }
}

#[test]
fn rope_angles_stay_exact_far_out() {
    // r = 4 and base 10,000: cosines and sines of 99,999 and of 999.99. In f32 the second angle
    // already has an error of 3e-5.
    let tables = rope::tables(
        99_999..100_000,
        &rope::Frequencies::new(4, 10_000.0, None, 1),
        &cpu(),
    );
    let found = [values(tables.cos), values(tables.sin)].concat();
    assert_close(
        "far out",
        &found,
        &[-0.509_875_37, 0.570_619_62, 0.860_248_28, 0.821_214_5],
        1e-6,
    );
}

#[test]
fn sinusoidal_table_is_the_papers() {
    for (_, device) in everywhere() {
        // d = 4: frequencies 1 and 1/100. Sines and cosines of 0, of 1 and 0.01, of 2 and 0.02.
        let expected = [
            [0.0, 1.0, 0.0, 1.0],
            [0.841_471, 0.540_302_3, 0.009_999_833, 0.999_95],
            [0.909_297_4, -0.416_146_84, 0.019_998_667, 0.999_8],
        ];
        assert_close(
            "table",
            &values(sinusoidal::table(0..3, 4, &device)),
            &expected.concat(),
            1e-6,
        );
    }
    // The whole table computed differently: each pair rotates by a fixed angle from one position to
    // the next.
    let (n, d) = (211, 22);
    let table = values(sinusoidal::table(0..n, d, &cpu()));
    for pair in 0..d / 2 {
        let turn = (-(2.0 * pair as f64 / d as f64) * 10_000_f64.ln()).exp();
        let (mut sin, mut cos) = (0.0_f64, 1.0_f64);
        for row in table.chunks(d) {
            assert_close(
                &format!("pair {pair}"),
                &row[2 * pair..2 * pair + 2],
                &[sin as f32, cos as f32],
                1e-6,
            );
            (sin, cos) = (
                sin * turn.cos() + cos * turn.sin(),
                cos * turn.cos() - sin * turn.sin(),
            );
        }
    }
    // A later start gives a later part of the same table.
    assert_eq!(
        values(sinusoidal::table(200..211, d, &cpu())),
        table[200 * d..]
    );
}

/// Return the logits of 7 tokens at these positions.
fn logits_at(position: &str, places: Option<Vec<usize>>) -> Vec<f32> {
    let model = varied(&small(position, "context_len = 50"), 3, &cpu());
    let tokens = tokens(&[[1, 5, 9, 2, 6, 0, 30]], &cpu());
    values(model.forward(
        tokens,
        Pass {
            positions: places,
            ..Pass::default()
        },
    ))
}

#[test]
fn tokens_can_stand_anywhere() {
    for position in POSITIONS {
        let in_turn = logits_at(position, None);
        assert_close(
            position,
            &logits_at(position, Some((0..7).collect())),
            &in_turn,
            1e-6,
        );
        let moved = logits_at(position, Some((30..37).collect()));
        let spread = logits_at(position, Some(vec![0, 3, 4, 11, 20, 31, 49]));
        match position {
            // Absolute positions give other logits there.
            "\"learned\"" | "\"sinusoidal\"" => {
                assert!(
                    largest_difference(&moved, &in_turn) > 1e-3,
                    "{position} moved"
                );
                assert!(
                    largest_difference(&spread, &in_turn) > 1e-3,
                    "{position} spread"
                );
            }
            // Rotary positions depend on offsets only: shifting all changes nothing, spreading
            // does.
            rope if rope.contains("rope") => {
                assert_close(rope, &moved, &in_turn, 2e-4);
                assert!(
                    largest_difference(&spread, &in_turn) > 1e-3,
                    "{rope} spread"
                );
            }
            // No positions, or biases that count tokens.
            other => assert_close(other, &spread, &in_turn, 1e-6),
        }
    }
}

#[test]
fn scaled_rope_reads_far_places_as_near_ones() {
    let model = varied(&small("\"rope\"", "context_len = 50"), 3, &cpu());
    let tokens = tokens(&[[1, 5, 9, 2, 6, 0, 30]], &cpu());
    let near = values(model.forward(tokens.clone(), Pass::default()));
    let apart = Pass {
        positions: Some((0..7).map(|i| 4 * i).collect()),
        ..Pass::default()
    };
    let far = |model: &Transformer, pass| values(model.forward(tokens.clone(), pass));
    let divided = model
        .clone()
        .with_rope_scaling(RopeScaling::Linear { factor: 4.0 });
    assert_eq!(
        format!("{:?}", divided.config().position)
            .matches("Linear")
            .count(),
        1
    );
    assert_close("places divided by four", &far(&divided, apart), &near, 1e-4);
    assert!(largest_difference(&far(&divided, Pass::default()), &near) > 1e-3);
}
