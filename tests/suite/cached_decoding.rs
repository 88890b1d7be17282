//! Reading tokens in pieces with a cache gives the result of one forward pass over all tokens.

use burn::tensor::{Device, Tensor};
use sisun_model::{KvCache, Pass, Transformer};
use sisun_tests::compare::{assert_close, values};
use sisun_tests::devices::{cpu, everywhere, wgpu};
use sisun_tests::models::{POSITIONS, small, tokens, varied};

const N: usize = 17;
const TEXT: [[i64; N]; 2] = [
    [3, 14, 15, 9, 26, 5, 3, 5, 8, 9, 7, 9, 30, 2, 3, 8, 4],
    [27, 18, 28, 18, 28, 4, 5, 9, 0, 4, 5, 2, 3, 5, 30, 6, 0],
];
/// One token at a time, pieces of different lengths, and a prompt followed by single tokens.
const PIECES: [&[usize]; 3] = [&[1; N], &[3, 1, 7, 2, 4], &[13, 1, 1, 1, 1]];
/// Tolerance for equal sums in other orders.
const TOLERANCE: f32 = 2e-5;

fn check(model: &Transformer, what: &str) {
    let text = tokens(&TEXT, &model.device());
    let whole = model.forward(text.clone(), Pass::default());
    for pieces in PIECES {
        let (mut cache, mut parts) = (KvCache::new(), Vec::new());
        assert!(cache.is_empty());
        for &n in pieces {
            let piece = text.clone().narrow(1, cache.len(), n);
            let last = model.forward_last(piece.clone(), Pass::cached(&mut cache.clone()));
            let logits = model.forward(piece, Pass::cached(&mut cache));
            let [batch, _, vocab] = logits.dims();
            assert_eq!(last.dims(), [batch, vocab]);
            let expected = logits.clone().narrow(1, n - 1, 1);
            assert_close(
                &format!("{what}: last logits"),
                &values(last),
                &values(expected),
                TOLERANCE,
            );
            parts.push(logits);
        }
        assert_eq!(cache.len(), N);
        let what = format!("{what}, in pieces of {pieces:?}");
        assert_close(
            &what,
            &values(Tensor::cat(parts, 1)),
            &values(whole.clone()),
            TOLERANCE,
        );
    }
}

fn every_position(name: &str, device: &Device, shapes: &[&str]) {
    for position in POSITIONS {
        for lines in shapes {
            let model = varied(&small(position, lines), 2, device);
            check(&model, &format!("{name}, {position} {lines:?}"));
        }
    }
}

#[test]
fn cached_decoding_equals_the_full_forward() {
    let shapes = [
        "",
        "n_kv_heads = 1\nnorm_placement = \"post\"",
        "n_heads = 4\nn_kv_heads = 2\nqk_norm = true",
    ];
    for (name, device) in everywhere() {
        every_position(&name, &device, &shapes);
    }
}

#[test]
fn cached_decoding_equals_the_full_forward_on_wgpu() {
    let Some((name, device)) = wgpu("cached decoding") else {
        return;
    };
    let model = varied(&small("\"rope\"", "n_kv_heads = 1"), 2, &device);
    check(&model, &name);
}

/// Learned positions end with their table; all others continue, with or without a cache.
#[test]
fn positions_past_the_context() {
    for position in POSITIONS {
        let config = small(position, "n_kv_heads = 1");
        let longer = sisun_config::ModelConfig {
            context_len: 5,
            ..config
        };
        let model = varied(&longer, 2, &cpu());
        assert!(model.check_length(5).is_ok());
        if position.contains("learned") {
            let message = model.check_length(6).unwrap_err().to_string();
            assert!(
                message.starts_with("6 tokens are more than the 5 learned positions"),
                "{message}"
            );
        } else {
            assert!(model.check_length(N).is_ok(), "{position}");
            check(&model, position);
        }
    }
}
