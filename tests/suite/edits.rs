//! Edits: each changes what it names and nothing before it, on every path of the forward pass.

use burn::tensor::{Device, Tensor, TensorData};
use sisun_model::{
    Activation, Capture, Captured, Change, Edit, KvCache, Pass, Target, Transformer,
};
use sisun_tests::compare::{assert_close, values};
use sisun_tests::devices::{cpu, everywhere};
use sisun_tests::models::{POSITIONS, config, small, tokens, varied};

const N: usize = 9;
const HEADS: usize = 3;
const TEXT: [[i64; N]; 2] = [
    [3, 14, 15, 9, 26, 5, 3, 5, 8],
    [27, 18, 28, 18, 28, 4, 5, 9, 0],
];
/// Shapes of models: learned positions, so that there is every activation; shared keys; norms after
/// the sublayers.
const SHAPES: [&str; 4] = [
    "",
    "n_kv_heads = 1\nqk_norm = true",
    "norm_placement = \"post\"",
    "scaled_scores = false",
];
/// Tolerance for equal sums in other orders.
const TOLERANCE: f32 = 2e-5;

fn layer_of(name: Activation, layer: usize) -> usize {
    match name {
        Activation::Embed | Activation::PosEmbed => 0,
        Activation::Logits => 2,
        _ => layer,
    }
}

fn logits(model: &Transformer, edits: &[Edit]) -> Vec<f32> {
    values(model.forward(tokens(&TEXT, &model.device()), Pass::editing(edits)))
}

fn captured(model: &Transformer, name: Activation, edits: &[Edit]) -> (Vec<f32>, Vec<Captured>) {
    let mut capture = Capture::new(&[name], &[0, 1], &[0, 1, 2]);
    let pass = Pass {
        capture: Some(&mut capture),
        ..Pass::editing(edits)
    };
    let logits = values(model.forward(tokens(&TEXT, &model.device()), pass));
    (logits, capture.into_found())
}

fn tensor(captured: &Captured, device: &Device) -> Tensor<4> {
    let data = TensorData::new(captured.values.clone(), captured.shape.clone());
    match captured.shape.len() {
        3 => Tensor::<3>::from_data(data, device).unsqueeze_dim(1),
        _ => Tensor::from_data(data, device),
    }
}

/// Edits that change nothing, of scores and patterns: they materialise both.
fn unchanged(name: Activation) -> Vec<Edit> {
    let of_layer = |layer| Edit::new(name, layer, Change::Scale(1.0));
    match name.is_query_by_key() {
        true => (0..2).map(of_layer).collect(),
        false => Vec::new(),
    }
}

fn own_values(model: &Transformer, name: Activation) -> Vec<Edit> {
    // Of a square these are the values on the path that materialises it.
    let (_, found) = captured(model, name, &unchanged(name));
    assert!(!found.is_empty(), "{name}");
    found
        .iter()
        .map(|one| {
            let values = tensor(one, &model.device());
            Edit::new(name, one.layer, Change::Replace(values))
        })
        .collect()
}

/// An edit of each kind, of one position and head where there are several.
fn every_kind(name: Activation) -> Vec<Edit> {
    let width = match name {
        Activation::Logits => 31,
        Activation::Q | Activation::K | Activation::V | Activation::Z => 8,
        Activation::Scores | Activation::Pattern => 7,
        _ => 24,
    };
    let numbers = |n: usize| (0..n).map(|i| (i % 5) as f32 * 0.3).collect::<Vec<f32>>();
    let values = |positions: usize| {
        let data = TensorData::new(numbers(positions * width), [1, 1, positions, width]);
        Tensor::<4>::from_data(data, &cpu())
    };
    let mut changes = vec![
        (Change::Zero, vec![2, 5]),
        (Change::Set(0.25), vec![6]),
        (Change::Scale(-1.5), vec![0, 1, 2, 6]),
        (Change::Replace(values(3)), vec![2, 4, 6]),
        (Change::Replace(values(1)), vec![3, 4, 6]),
        (Change::Add(values(2)), vec![5, 6]),
    ];
    if name.is_query_by_key() {
        changes.push((
            Change::Key {
                key: 2,
                value: 0.75,
            },
            vec![4, 6],
        ));
    }
    if name == Activation::Pattern {
        for target in [Target::Same, Target::First, Target::Previous] {
            changes.push((Change::Only(target), vec![0, 4, 6]));
        }
    }
    changes
        .into_iter()
        .map(|(change, positions)| {
            let edit = Edit::new(name, layer_of(name, 1), change).at(positions);
            match name {
                Activation::K | Activation::V => edit,
                _ if name.is_per_head() => edit.of_heads(vec![1]),
                _ => edit,
            }
        })
        .collect()
}

#[test]
fn an_activation_that_gets_its_own_value_changes_no_bit() {
    for (device_name, device) in everywhere() {
        for lines in SHAPES {
            let model = varied(&small("\"learned\"", lines), 3, &device);
            let plain = logits(&model, &[]);
            for name in Activation::ALL {
                let edits = own_values(&model, name);
                let what = format!("{device_name}, {lines:?}, {name}");
                // The path that materialises the pattern sums in another order.
                let expected = logits(&model, &unchanged(name));
                assert_close(&what, &expected, &plain, TOLERANCE);
                assert!(name.is_query_by_key() || expected == plain, "{what}");
                assert!(logits(&model, &edits) == expected, "{what}");
                assert!(captured(&model, name, &edits).0 == expected, "{what}");
            }
        }
    }
}

#[test]
fn capturing_an_edited_pass_changes_no_bit_and_shows_what_the_model_used() {
    for lines in SHAPES {
        let model = varied(&small("\"learned\"", lines), 3, &cpu());
        for name in Activation::ALL {
            let before = captured(&model, name, &[]).1;
            for edit in every_kind(name) {
                let what = format!("{lines:?}, {name} {:?}", edit.change);
                edit.check(model.config()).unwrap();
                let edits = [edit];
                let plain = logits(&model, &edits);
                let (logits, after) = captured(&model, name, &edits);
                assert!(logits == plain, "{what}");
                assert!(logits != self::logits(&model, &[]), "{what}");
                for (before, after) in before.iter().zip(&after) {
                    check_values(&edits[0], before, after, &what);
                }
            }
        }
    }
}

/// Compare an edited activation with what its edit says, value by value.
fn check_values(edit: &Edit, before: &Captured, after: &Captured, what: &str) {
    let shape = &before.shape;
    let (heads, width) = match shape[..] {
        [_, heads, _, width] => (heads, width),
        _ => (1, shape[2]),
    };
    let positions = edit.positions.clone().unwrap();
    let is_square = edit.activation.is_query_by_key();
    for row in 0..2 * heads * N {
        let (head, position) = (row / N % heads, row % N);
        let old = &before.values[row * width..(row + 1) * width];
        let new = &after.values[row * width..(row + 1) * width];
        let listed = positions.iter().position(|at| *at == position);
        let of_head = edit.heads.as_ref().is_none_or(|of| of.contains(&head));
        let Some(listed) = listed.filter(|_| of_head && before.layer == edit.layer) else {
            assert_eq!(old, new, "{what}: head {head}, position {position}");
            continue;
        };
        let seen = if is_square { position + 1 } else { width };
        for (i, (old_value, new)) in old.iter().zip(new).enumerate() {
            let number = |values: &Tensor<4>| {
                let [_, _, n, width] = values.dims();
                let at = if n == 1 { 0 } else { listed };
                let of_row = self::values(values.clone());
                if i < width {
                    of_row[at * width + i]
                } else {
                    0.0
                }
            };
            let expected = match &edit.change {
                _ if i >= seen => *old_value,
                Change::Zero => 0.0,
                Change::Set(value) => *value as f32,
                Change::Scale(factor) => old_value * *factor as f32,
                Change::Replace(values) => number(values),
                Change::Add(values) => old_value + number(values),
                Change::Key { key, value } if i == *key => *value as f32,
                Change::Key { .. } if edit.activation == Activation::Scores => *old_value,
                Change::Key { key, value } => old_value * (1.0 - *value as f32) / (1.0 - old[*key]),
                Change::Only(target) => {
                    let key = match target {
                        Target::Same => position,
                        Target::First => 0,
                        Target::Previous => position.saturating_sub(1),
                    };
                    f32::from(u8::from(i == key))
                }
            };
            let close = *new == expected || (new - expected).abs() < 1e-5;
            assert!(
                close,
                "{what}: head {head}, {position}, {i}: {new} for {expected}"
            );
        }
        if let (Change::Key { .. }, Activation::Pattern) = (&edit.change, edit.activation) {
            assert!((new.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{what}");
        }
    }
}

#[test]
fn a_cache_gives_what_one_pass_gives() {
    for lines in SHAPES {
        let model = varied(&small("\"learned\"", lines), 3, &cpu());
        for name in Activation::ALL {
            for edit in every_kind(name) {
                let edits = [edit];
                let text = tokens(&TEXT, &cpu());
                let (mut cache, mut parts) = (KvCache::new(), Vec::new());
                for n in [3, 1, 2, 3] {
                    let piece = text.clone().narrow(1, cache.len(), n);
                    let pass = Pass {
                        edits: &edits,
                        ..Pass::cached(&mut cache)
                    };
                    parts.push(model.forward(piece, pass));
                }
                let what = format!("{lines:?}, {name} {:?}", edits[0].change);
                let found = values(Tensor::cat(parts, 1));
                assert_close(&what, &found, &logits(&model, &edits), TOLERANCE);
                // The logits of the last token alone are edited as well.
                let last = values(
                    model
                        .forward_last(tokens(&TEXT, &cpu()).narrow(1, 0, 7), Pass::editing(&edits)),
                );
                let of_seventh: Vec<f32> = (0..2)
                    .flat_map(|row| found[(row * N + 6) * 31..(row * N + 7) * 31].to_vec())
                    .collect();
                assert_close(&what, &last, &of_seventh, TOLERANCE);
            }
        }
    }
}

#[test]
fn nothing_before_an_edited_position_changes() {
    for position in POSITIONS {
        let model = varied(&small(position, ""), 3, &cpu());
        let names = Activation::ALL;
        for name in names
            .into_iter()
            .filter(|name| name.lacking(model.config()).is_none())
        {
            let layer = layer_of(name, 0);
            // Both passes take the path of the edited one.
            let edited = |factor| {
                let edit = Edit::new(name, layer, Change::Scale(factor)).at(vec![4]);
                logits(&model, &[edit])
            };
            let (plain, found) = (edited(1.0), edited(0.0));
            for row in 0..2 {
                let (first, last) = (row * N * 31, (row * N + 4) * 31);
                assert!(
                    found[first..last] == plain[first..last],
                    "{position}, {name}"
                );
            }
            assert!(found != plain, "{position}, {name}");
        }
    }
}

#[test]
fn hidden_keys_stay_hidden() {
    let model = varied(&small("\"rope\"", ""), 3, &cpu());
    for (name, change) in [
        (Activation::Scores, Change::Set(7.0)),
        (Activation::Scores, Change::Scale(-1.0)),
        (Activation::Pattern, Change::Set(0.1)),
    ] {
        let uniform = matches!((name, &change), (Activation::Scores, Change::Set(_)));
        let edits = [Edit::new(name, 0, change)];
        let (_, found) = captured(&model, Activation::Pattern, &edits);
        for (row, weights) in found[0].values.chunks_exact(N).enumerate() {
            let query = row % N;
            assert!(weights[query + 1..].iter().all(|weight| *weight == 0.0));
            let even = 1.0 / (query + 1) as f32;
            assert!(!uniform || weights[..=query].iter().all(|w| (w - even).abs() < 1e-6));
        }
    }
}

#[test]
fn edits_are_made_in_their_order_and_of_their_rows() {
    let model = varied(&small("\"rope\"", ""), 3, &cpu());
    let edit = |change| Edit::new(Activation::ResidMid, 1, change);
    let set_then_scaled = [edit(Change::Set(3.0)), edit(Change::Scale(2.0))];
    let (_, found) = captured(&model, Activation::ResidMid, &set_then_scaled);
    assert!(found[1].values.iter().all(|value| *value == 6.0));
    let scaled_then_set = [
        edit(Change::Scale(2.0)),
        edit(Change::Set(3.0)).of_rows(1..2),
    ];
    let (_, found) = captured(&model, Activation::ResidMid, &scaled_then_set);
    let (first, second) = found[1].values.split_at(N * 24);
    assert!(second.iter().all(|value| *value == 3.0));
    assert!(first.iter().all(|value| *value != 3.0));
}

#[test]
fn rows_that_join_before_a_layer_are_runs_of_their_own() {
    for lines in SHAPES {
        let model = varied(&small("\"learned\"", lines), 3, &cpu());
        let text = || tokens(&TEXT, &cpu()).narrow(0, 0, 1);
        let edit = |name, layer, row: usize| {
            Edit::new(name, layer, Change::Zero)
                .at(vec![4])
                .of_rows(row..row + 1)
        };
        let edits = [
            edit(Activation::ResidPre, 0, 1),
            edit(Activation::Z, 1, 2),
            edit(Activation::MlpOut, 1, 3),
        ];
        let together = Pass {
            forks: &[0, 1, 1],
            ..Pass::editing(&edits)
        };
        let found = values(model.forward(text(), together));
        let cached = {
            let mut cache = KvCache::new();
            let head = text().narrow(1, 0, 3);
            model.forward(head, Pass::cached(&mut cache));
            let mut cache = cache.fixed(3);
            let pass = Pass {
                cache: Some(&mut cache),
                forks: &[0, 1, 1],
                ..Pass::editing(&edits)
            };
            values(model.forward(text().narrow(1, 3, N - 3), pass))
        };
        for row in 0..4 {
            let alone: Vec<Edit> = edits
                .iter()
                .filter(|edit| edit.rows == Some(row..row + 1))
                .map(|edit| Edit {
                    rows: None,
                    ..edit.clone()
                })
                .collect();
            let expected = values(model.forward(text(), Pass::editing(&alone)));
            let what = format!("{lines:?}, row {row}");
            let size = N * 31;
            assert_close(&what, &found[row * size..][..size], &expected, TOLERANCE);
            let rest = (N - 3) * 31;
            assert_close(
                &what,
                &cached[row * rest..][..rest],
                &expected[3 * 31..],
                TOLERANCE,
            );
        }
    }
}

#[test]
fn edits_count_for_weights_in_bfloat16() {
    let model = varied(&small("\"rope\"", ""), 3, &cpu()).in_bf16();
    let plain = logits(&model, &[]);
    for name in [Activation::ResidMid, Activation::Z, Activation::Q] {
        assert!(logits(&model, &own_values(&model, name)) == plain, "{name}");
    }
    let edits = [Edit::ablation(1, 2)];
    let (ablated, found) = captured(&model, Activation::Z, &edits);
    assert!(ablated != plain && ablated == logits(&model, &edits));
    let of_head = |row: usize| &found[1].values[(row * HEADS + 2) * N * 8..][..N * 8];
    assert!((0..2).all(|row| of_head(row).iter().all(|z| *z == 0.0)));
}

#[test]
fn shared_keys_and_values_are_edited_once() {
    let model = varied(&small("\"rope\"", "n_heads = 4\nn_kv_heads = 2"), 3, &cpu());
    let edits = [Edit::new(Activation::V, 0, Change::Zero).of_heads(vec![2, 3])];
    edits[0].check(model.config()).unwrap();
    let mut capture = Capture::new(&[Activation::V, Activation::Z], &[0], &[0, 1, 2, 3]);
    let pass = Pass {
        capture: Some(&mut capture),
        ..Pass::editing(&edits)
    };
    model.forward(tokens(&TEXT, &cpu()), pass);
    for found in capture.into_found() {
        for (row, values) in found.values.chunks_exact(6).enumerate() {
            let head = row / N % 4;
            assert_eq!(values.iter().all(|v| *v == 0.0), head > 1, "{}", found.name);
        }
    }
}

#[test]
fn edits_that_a_model_cannot_make_are_refused() {
    let model = small("\"rope\"", "n_heads = 4\nn_kv_heads = 2");
    let without = config(
        "vocab_size = 31\nd_model = 24\nn_layers = 2\nn_heads = 3\ncontext_len = 23\nffn = \"none\"\nposition = \"rope\"",
    );
    let parallel = config(
        "vocab_size = 31\nd_model = 24\nn_layers = 2\nn_heads = 3\ncontext_len = 23\nparallel_residual = true\nposition = \"rope\"",
    );
    let new = |name| Edit::new(name, 1, Change::Zero);
    let key = |value| Change::Key { key: 0, value };
    for (config, edit, said) in [
        (
            &model,
            Edit::new(Activation::Z, 2, Change::Zero),
            "the model has layers 0 to 1",
        ),
        (&model, Edit::ablation(1, 4), "the model has heads 0 to 3"),
        (
            &model,
            new(Activation::MlpOut).of_heads(vec![0]),
            "mlp_out has no heads",
        ),
        (
            &model,
            new(Activation::K).of_heads(vec![2]),
            "name all of them, 2-3",
        ),
        (
            &model,
            Edit::new(Activation::PosEmbed, 0, Change::Zero),
            "there is no pos_embed",
        ),
        (&without, new(Activation::MlpOut), "no feed-forward"),
        (&without, new(Activation::ResidMid), "no feed-forward"),
        (&parallel, new(Activation::ResidMid), "parallel"),
        (
            &model,
            Edit::new(Activation::Pattern, 1, key(1.5)),
            "from 0 to 1",
        ),
        (
            &model,
            Edit::new(Activation::Z, 1, key(0.5)),
            "z has no keys",
        ),
        (
            &model,
            Edit::new(Activation::Scores, 1, Change::Only(Target::Same)),
            "only a pattern",
        ),
        (
            &model,
            Edit::new(
                Activation::Z,
                1,
                Change::Replace(Tensor::zeros([1, 4, 2, 5], &cpu())),
            ),
            "do not fit z",
        ),
    ] {
        let problem = edit.check(config).unwrap_err();
        assert!(problem.contains(said), "{problem}");
    }
}

#[test]
fn an_edit_follows_a_window_that_moves() {
    let values = Tensor::<4>::from_data(
        TensorData::new((0..6).map(|i| i as f32).collect(), [1, 1, 3, 2]),
        &cpu(),
    );
    let edit = Edit::new(Activation::ResidPre, 0, Change::Replace(values)).at(vec![1, 4, 6]);
    let moved = edit.without_first(3).unwrap();
    assert_eq!(moved.positions, Some(vec![1, 3]));
    let Change::Replace(values) = moved.change else {
        panic!("still a replacement");
    };
    assert_eq!(self::values(values), [2.0, 3.0, 4.0, 5.0]);
    assert!(edit.without_first(7).is_none());
    let key = Edit::new(Activation::Pattern, 0, Change::Key { key: 2, value: 0.5 }).at(vec![5]);
    assert!(key.without_first(3).is_none());
    assert!(Edit::ablation(0, 1).without_first(9).is_some());
}
