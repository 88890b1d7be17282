//! Causality: a token is independent of later ones and, without positions and mask, of the order.

use burn::tensor::Tensor;
use sisun_model::{Pass, Transformer};
use sisun_tests::compare::{assert_close, largest_difference, values};
use sisun_tests::devices::{cpu, everywhere};
use sisun_tests::models::{POSITIONS, small, tokens, varied};

const N: usize = 13;
const TEXT: [[i64; N]; 2] = [
    [3, 14, 15, 9, 26, 5, 3, 5, 8, 9, 7, 9, 30],
    [27, 18, 28, 18, 28, 4, 5, 9, 0, 4, 5, 2, 3],
];

/// Return the logits of each position of the first sequence.
fn by_position(logits: Tensor<3>) -> Vec<Vec<f32>> {
    let [_, _, vocab] = logits.dims();
    values(logits.narrow(0, 0, 1))
        .chunks(vocab)
        .map(<[f32]>::to_vec)
        .collect()
}

fn logits(model: &Transformer, text: &[[i64; N]]) -> Vec<Vec<f32>> {
    by_position(model.forward(tokens(text, &model.device()), Pass::default()))
}

#[test]
fn a_later_token_changes_no_earlier_logit_and_every_later_one() {
    let shapes = [
        "",
        "norm_placement = \"post\"",
        "norm_placement = \"post\"\nnorm = \"rms\"\nn_kv_heads = 1",
        "residual = false\nqk_norm = true",
    ];
    for (name, device) in everywhere() {
        for position in POSITIONS {
            for lines in shapes {
                let model = varied(&small(position, lines), 1, &device);
                let before = logits(&model, &TEXT);
                for at in [1, 6, N - 1] {
                    let mut changed = TEXT;
                    changed[0][at] = (changed[0][at] + 11) % 31;
                    let after = logits(&model, &changed);
                    for i in 0..N {
                        let difference = largest_difference(&before[i], &after[i]);
                        let what = format!(
                            "{name}, {position} {lines:?}: token {at}, logits {i}: {difference:e}"
                        );
                        if i < at {
                            assert_eq!(difference, 0.0, "{what}");
                        } else {
                            assert!(difference > 1e-5, "{what}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn without_the_mask_a_later_token_changes_earlier_logits() {
    for position in POSITIONS {
        let model = varied(&small(position, "causal = false"), 1, &cpu());
        let mut changed = TEXT;
        changed[0][N - 1] = 1;
        let (before, after) = (logits(&model, &TEXT), logits(&model, &changed));
        assert!(
            largest_difference(&before[0], &after[0]) > 1e-4,
            "{position}"
        );
    }
}

#[test]
fn one_sequence_of_a_batch_knows_nothing_of_the_other() {
    for position in POSITIONS {
        let model = varied(&small(position, "n_kv_heads = 1"), 1, &cpu());
        // Both sequences use the same products, so rounding may depend on the division of rows into
        // blocks.
        let (together, alone) = (logits(&model, &TEXT), logits(&model, &TEXT[..1]));
        assert_close(position, &together.concat(), &alone.concat(), 1e-5);
    }
}

#[test]
fn a_model_without_positions_and_mask_is_blind_to_order() {
    // Position i of the shuffled text holds the token from position ORDER[i].
    const ORDER: [usize; N] = [5, 0, 12, 3, 11, 1, 7, 10, 2, 9, 4, 8, 6];
    let shuffled = [ORDER.map(|from| TEXT[0][from])];
    let difference = |position: &str, lines: &str| {
        let model = varied(&small(position, lines), 1, &cpu());
        let (before, after) = (logits(&model, &TEXT[..1]), logits(&model, &shuffled));
        let expected = ORDER.map(|from| before[from].clone());
        largest_difference(&after.concat(), &expected.concat())
    };
    let blind = difference("\"none\"", "causal = false");
    assert!(blind < 2e-5, "{blind:e}");
    assert!(
        difference("\"none\"", "causal = true") > 0.1,
        "the causal mask alone tells order"
    );
    for position in &POSITIONS[1..] {
        let seen = difference(position, "causal = false");
        assert!(seen > 0.1, "{position} does not see order: {seen:e}");
    }
}
