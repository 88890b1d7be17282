//! Capture: the right activations of the right layers and heads, without side effects.

use burn::tensor::{Tensor, TensorData};
use sisun_config::Ffn;
use sisun_model::{Activation, Capture, Captured, Edit, Pass, Transformer};
use sisun_tests::compare::{assert_close, values};
use sisun_tests::devices::{cpu, everywhere};
use sisun_tests::models::{POSITIONS, small, tokens, varied, with_weights};

const N: usize = 11;
const TEXT: [[i64; N]; 2] = [
    [3, 14, 15, 9, 26, 5, 3, 5, 8, 9, 7],
    [27, 18, 28, 18, 28, 4, 5, 9, 0, 4, 5],
];
const ALL: [Activation; 14] = Activation::ALL;

fn capture(
    model: &Transformer,
    names: &[Activation],
    layers: &[usize],
    heads: &[usize],
) -> Vec<Captured> {
    let mut capture = Capture::new(names, layers, heads);
    model.forward(
        tokens(&TEXT, &model.device()),
        Pass::capturing(&mut capture),
    );
    capture.into_found()
}

fn find(found: &[Captured], name: Activation, layer: usize) -> &Captured {
    found
        .iter()
        .find(|c| c.name == name && c.layer == layer)
        .unwrap_or_else(|| panic!("no {name} of layer {layer}"))
}

#[test]
fn capturing_everything_changes_no_bit_of_the_logits() {
    for (name, device) in everywhere() {
        for position in POSITIONS {
            let model = varied(
                &small(position, "n_kv_heads = 1\nqk_norm = true"),
                3,
                &device,
            );
            let text = tokens(&TEXT, &device);
            let mut capture = Capture::new(&ALL, &[0, 1], &[0, 1, 2]);
            let captured = values(model.forward(text.clone(), Pass::capturing(&mut capture)));
            assert_eq!(
                captured,
                values(model.forward(text, Pass::default())),
                "{name}, {position}"
            );
            assert_eq!(
                find(&capture.into_found(), Activation::Logits, 2).values,
                captured
            );
        }
    }
}

#[test]
fn every_activation_has_its_shape() {
    let model = varied(&small("\"rope\"", "n_heads = 6\nn_kv_heads = 2"), 3, &cpu());
    // d_head = 24 / 6; two of six heads, in the requested order.
    let found = capture(&model, &ALL, &[1], &[5, 2]);
    let shape = |name| find(&found, name, 1).shape.clone();
    for name in [
        Activation::ResidPre,
        Activation::AttnOut,
        Activation::ResidMid,
        Activation::MlpOut,
        Activation::ResidPost,
    ] {
        assert_eq!(shape(name), [2, N, 24], "{name}");
    }
    assert_eq!(find(&found, Activation::Embed, 0).shape, [2, N, 24]);
    for name in [Activation::Q, Activation::K, Activation::V, Activation::Z] {
        assert_eq!(shape(name), [2, 2, N, 4], "{name}");
    }
    for name in [Activation::Scores, Activation::Pattern] {
        assert_eq!(shape(name), [2, 2, N, N], "{name}");
    }
    assert_eq!(find(&found, Activation::Logits, 2).shape, [2, N, 31]);
    assert_eq!(
        found.len(),
        ALL.len() - 1,
        "only layer 1 was asked for, and rotary positions are not added"
    );
    for captured in &found {
        assert_eq!(
            captured.values.len(),
            captured.shape.iter().product::<usize>()
        );
    }
    for name in ALL {
        assert_eq!(name.to_string().parse::<Activation>().unwrap(), name);
    }
    assert!(
        "patern"
            .parse::<Activation>()
            .unwrap_err()
            .to_string()
            .contains("pattern")
    );
}

#[test]
fn chosen_heads_are_those_of_a_full_capture() {
    let model = varied(
        &small("\"alibi\"", "n_heads = 6\nn_kv_heads = 2"),
        3,
        &cpu(),
    );
    let (every, chosen) = (
        capture(&model, &ALL, &[0, 1], &[0, 1, 2, 3, 4, 5]),
        capture(&model, &ALL, &[0], &[4, 1]),
    );
    for name in [
        Activation::Q,
        Activation::K,
        Activation::V,
        Activation::Scores,
        Activation::Pattern,
        Activation::Z,
    ] {
        let (every, chosen) = (find(&every, name, 0), find(&chosen, name, 0));
        let (batch, size) = (every.shape[0], every.shape[2..].iter().product::<usize>());
        for b in 0..batch {
            for (i, head) in [4, 1].into_iter().enumerate() {
                let [found, expected] = [(chosen, b * 2 + i), (every, b * 6 + head)]
                    .map(|(captured, at)| captured.values[at * size..(at + 1) * size].to_vec());
                assert_eq!(found, expected, "{name}, head {head}");
            }
        }
    }
    // Heads 0, 1, 2 share the first key head and 3, 4, 5 the second.
    for name in [Activation::K, Activation::V] {
        let captured = find(&every, name, 1);
        let heads: Vec<&[f32]> = captured.values.chunks(N * 4).take(6).collect();
        assert!(
            heads[0] == heads[1]
                && heads[1] == heads[2]
                && heads[3] == heads[4]
                && heads[4] == heads[5],
            "{name}"
        );
        assert_ne!(heads[2], heads[3], "{name}");
    }
}

/// Scores, pattern and z of every head equal those recomputed from q, k and v in plain loops.
#[test]
fn scores_pattern_and_z_follow_from_q_k_and_v() {
    for causal in [true, false] {
        let config = small(
            "\"rope\"",
            &format!("n_heads = 6\nn_kv_heads = 2\ncausal = {causal}"),
        );
        let (n_heads, d_head) = (6, 4);
        let model = varied(&config, 3, &cpu());
        let found = capture(&model, &ALL, &[1], &[0, 1, 2, 3, 4, 5]);
        let of = |name| {
            find(&found, name, 1)
                .values
                .chunks(N * d_head)
                .collect::<Vec<_>>()
        };
        let [q, k, v, z] = [Activation::Q, Activation::K, Activation::V, Activation::Z].map(of);
        let square = |name| {
            find(&found, name, 1)
                .values
                .chunks(N * N)
                .collect::<Vec<_>>()
        };
        let [scores, pattern] = [Activation::Scores, Activation::Pattern].map(square);
        for head in 0..2 * n_heads {
            for query in 0..N {
                let row =
                    |m: &[f32], i: usize, width: usize| m[i * width..(i + 1) * width].to_vec();
                let expected: Vec<f32> = (0..N)
                    .map(|key| {
                        let dot: f32 = (0..d_head)
                            .map(|d| q[head][query * d_head + d] * k[head][key * d_head + d])
                            .sum();
                        if causal && key > query {
                            f32::NEG_INFINITY
                        } else {
                            dot / (d_head as f32).sqrt()
                        }
                    })
                    .collect();
                assert_close("scores", &row(scores[head], query, N), &expected, 1e-5);
                let top = expected.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let sum: f32 = expected.iter().map(|score| (score - top).exp()).sum();
                let expected: Vec<f32> = expected
                    .iter()
                    .map(|score| (score - top).exp() / sum)
                    .collect();
                let weights = row(pattern[head], query, N);
                assert_close("pattern", &weights, &expected, 1e-6);
                assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
                assert!(!causal || weights[query + 1..].iter().all(|weight| *weight == 0.0));
                let expected: Vec<f32> = (0..d_head)
                    .map(|d| {
                        (0..N)
                            .map(|key| weights[key] * v[head][key * d_head + d])
                            .sum()
                    })
                    .collect();
                assert_close("z", &row(z[head], query, d_head), &expected, 1e-5);
            }
        }
    }
}

/// In a pre-norm model, the residual stream is the sum of all outputs added to it.
#[test]
fn the_residual_stream_adds_up() {
    let model = varied(&small("\"sinusoidal\"", ""), 3, &cpu());
    let found = capture(&model, &ALL, &[0, 1], &[0]);
    for layer in 0..2 {
        let of = |name| &find(&found, name, layer).values;
        for (sum, parts) in [
            (
                Activation::ResidMid,
                [Activation::ResidPre, Activation::AttnOut],
            ),
            (
                Activation::ResidPost,
                [Activation::ResidMid, Activation::MlpOut],
            ),
        ] {
            assert_eq!(of(sum), &added(parts.map(of)), "{sum} of layer {layer}");
        }
    }
    assert_eq!(
        find(&found, Activation::ResidPost, 0).values,
        find(&found, Activation::ResidPre, 1).values
    );
}

fn added([a, b]: [&Vec<f32>; 2]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// The input of the first block is the sum of both embeddings, if positions are added at all.
#[test]
fn the_stream_begins_with_the_embeddings() {
    for (position, is_added) in [
        ("\"learned\"", true),
        ("\"sinusoidal\"", true),
        ("\"rope\"", false),
        ("\"alibi\"", false),
        ("\"none\"", false),
    ] {
        let model = varied(&small(position, ""), 3, &cpu());
        // Activations of the whole model are captured once, regardless of the layers.
        let found = capture(&model, &ALL, &[1], &[0]);
        let embed = &find(&found, Activation::Embed, 0).values;
        let table = values(model.embed.weight.val());
        let expected: Vec<f32> = TEXT
            .as_flattened()
            .iter()
            .flat_map(|&id| table[id as usize * 24..][..24].to_vec())
            .collect();
        assert_eq!(*embed, expected, "{position}");
        let first = capture(&model, &[Activation::ResidPre], &[0], &[0]);
        let before = &find(&first, Activation::ResidPre, 0).values;
        let positions: Vec<&Captured> = found
            .iter()
            .filter(|captured| captured.name == Activation::PosEmbed)
            .collect();
        if is_added {
            let [positions] = positions[..] else {
                panic!("{position}: {} of them", positions.len());
            };
            assert_eq!(positions.shape, [2, N, 24], "{position}");
            let (one, other) = positions.values.split_at(N * 24);
            assert_eq!(one, other, "{position}: the same for both texts");
            assert_ne!(one[..24], one[24..48], "{position}: places differ");
            assert_eq!(*before, added([embed, &positions.values]), "{position}");
        } else {
            assert!(positions.is_empty(), "{position}");
            assert_eq!(before, embed, "{position}");
        }
    }
}

/// The residual stream between the sublayers exists only if one follows the other.
#[test]
fn the_middle_of_a_block_is_there_where_it_has_one() {
    let mut attention_only = small("\"rope\"", "");
    (attention_only.ffn, attention_only.d_ff) = (Ffn::None, None);
    for (config, is_there) in [
        (small("\"rope\"", ""), true),
        (small("\"rope\"", "norm_placement = \"post\""), true),
        (small("\"rope\"", "parallel_residual = true"), false),
        (attention_only, false),
    ] {
        let model = varied(&config, 3, &cpu());
        let found = capture(&model, &[Activation::ResidMid], &[0, 1], &[0]);
        assert_eq!(found.len(), if is_there { 2 } else { 0 }, "{config:?}");
    }
}

/// It is captured after the norm, as the input of the feed-forward network.
#[test]
fn the_middle_of_a_post_norm_block_is_normed() {
    let model = varied(&small("\"rope\"", "norm_placement = \"post\""), 3, &cpu());
    let found = capture(&model, &ALL, &[1], &[0]);
    let of = |name| &find(&found, name, 1).values;
    let sum = added([Activation::ResidPre, Activation::AttnOut].map(of));
    let sum = Tensor::<3>::from_data(TensorData::new(sum, [2, N, 24]), &cpu());
    let expected = values(model.blocks[1].norm_attn.forward(sum));
    assert_close("resid_mid", of(Activation::ResidMid), &expected, 1e-6);
}

#[test]
fn what_is_sent_away_is_what_is_kept() {
    let model = varied(&small("\"alibi\"", "n_kv_heads = 1"), 3, &cpu());
    let kept = capture(&model, &ALL, &[0, 1], &[2, 0]);
    let (to, from) = std::sync::mpsc::sync_channel(1);
    let sent: Vec<Captured> = std::thread::scope(|scope| {
        let receiver = scope.spawn(|| from.into_iter().collect());
        let mut capture = Capture::new(&ALL, &[0, 1], &[2, 0]).sending(to);
        model.forward(tokens(&TEXT, &cpu()), Pass::capturing(&mut capture));
        drop(capture);
        receiver.join().unwrap()
    });
    assert_eq!(sent.len(), kept.len());
    for (sent, kept) in sent.iter().zip(&kept) {
        assert_eq!(
            (sent.name, sent.layer, &sent.shape),
            (kept.name, kept.layer, &kept.shape)
        );
        assert_eq!(sent.values, kept.values, "{}", kept.name);
    }
    // The receiver is gone: the pass continues.
    let (to, _) = std::sync::mpsc::sync_channel(1);
    model.forward(
        tokens(&TEXT, &cpu()),
        Pass::capturing(&mut Capture::new(&ALL, &[0], &[0]).sending(to)),
    );
}

#[test]
fn ablating_a_head_equals_zeroing_its_rows_of_o() {
    for (name, device) in everywhere() {
        for more in ["", "n_kv_heads = 1\nscaled_scores = false"] {
            let config = small("\"rope\"", more);
            let model = varied(&config, 3, &device);
            let ablated = [(1, 2), (0, 0), (1, 0)];
            let edits = ablated.map(|(layer, head)| Edit::ablation(layer, head));
            let mut weights = model.to_host();
            let d_head = config.d_head();
            for (layer, head) in ablated {
                let (shape, o) = weights
                    .get_mut(&format!("blocks.{layer}.attn.o.weight"))
                    .unwrap();
                o[head * d_head * shape[1]..(head + 1) * d_head * shape[1]].fill(0.0);
            }
            let text = tokens(&TEXT, &device);
            let expected = values(
                with_weights(&config, &weights, &device).forward(text.clone(), Pass::default()),
            );
            let found = values(model.forward(text.clone(), Pass::editing(&edits)));
            assert_close(&name, &found, &expected, 1e-5);
            assert_ne!(found, values(model.forward(text.clone(), Pass::default())));
            // The captured `z` is the one that the model used.
            for head in 0..config.n_heads {
                let mut capture = Capture::new(&[Activation::Z], &[1], &[head]);
                let pass = Pass {
                    capture: Some(&mut capture),
                    ..Pass::editing(&edits)
                };
                assert_close(
                    &name,
                    &values(model.forward(text.clone(), pass)),
                    &expected,
                    1e-5,
                );
                let zero = capture.into_found()[0].values.iter().all(|z| *z == 0.0);
                assert_eq!(zero, ablated.contains(&(1, head)), "{name} {head}");
            }
        }
    }
}
