//! Maps for tests.
#![allow(dead_code, reason = "each test file takes what it needs")]

pub(crate) mod font;
pub(crate) mod svg;

use sisun_infer::{ActivationMap, AttentionMaps, Token};
use sisun_model::Activation;

/// Create maps of a causal model over tokens with these labels, with ids from 100, each covering
/// one character.
pub(crate) fn maps(labels: &[&str], activations: Vec<ActivationMap>) -> AttentionMaps {
    let tokens = labels
        .iter()
        .enumerate()
        .map(|(i, label)| Token {
            id: 100 + i as u32,
            text: (*label).to_owned(),
            plain: (*label).to_owned(),
            start: i,
            end: i + 1,
        })
        .collect();
    AttentionMaps {
        model: "runs/tiny".into(),
        edits: Vec::new(),
        text: labels.concat(),
        tokens,
        part: sisun_infer::AttentionPart::Only,
        causal: true,
        weighting: sisun_infer::Weighting::Attention,
        activations,
    }
}

/// Create an activation with a row of `width` values for each token.
pub(crate) fn activation(
    activation: Activation,
    layer: usize,
    heads: &[usize],
    width: usize,
    values: Vec<f32>,
) -> ActivationMap {
    let shape = [heads.len(), values.len() / heads.len() / width, width];
    ActivationMap {
        activation,
        layer,
        heads: heads.to_vec(),
        shape,
        values,
    }
}

/// Create irregular causal scores between about ±4; hidden ones are `-inf`.
pub(crate) fn scores(n: usize, heads: usize, seed: usize) -> Vec<f32> {
    (0..heads * n * n)
        .map(|i| {
            let (query, key) = (i / n % n, i % n);
            let spread = ((i * 7919 + seed * 104_729) % 997) as f32 / 997.0;
            if key > query {
                f32::NEG_INFINITY
            } else {
                spread * 8.0 - 4.0
            }
        })
        .collect()
}

/// Return the softmax of [`scores`] over the keys.
pub(crate) fn pattern(n: usize, heads: usize, seed: usize) -> Vec<f32> {
    let mut values = scores(n, heads, seed);
    for row in values.chunks_mut(n) {
        let sum: f32 = row.iter().map(|score| score.exp()).sum();
        row.iter_mut().for_each(|score| *score = score.exp() / sum);
    }
    values
}
