//! Patterns by words or characters: keys of a unit are summed and its queries averaged, so that each
//! row still sums to 1 (Clark et al. 2019, "What Does BERT Look At?", §4.1).

use sisun_infer::{ActivationMap, AttentionMaps, AttentionPart, Token};
use sisun_model::Activation;

use crate::units::{Unit, Units};

/// Return the patterns of the only attention of a model by units; `None` if each token is a unit.
pub(super) fn gathered(maps: &AttentionMaps, unit: Unit) -> Option<AttentionMaps> {
    if maps.part != AttentionPart::Only {
        return None;
    }
    let units = Units::of(unit, &maps.text, &maps.tokens)?;
    let activations = maps.of(Activation::Pattern).map(|map| {
        let patterns = map.by_head().map(|(_, pattern)| pattern);
        let n = units.text.len();
        ActivationMap {
            shape: [map.heads.len(), n, n],
            values: patterns
                .flat_map(|pattern| gather(pattern, &units))
                .collect(),
            activation: map.activation,
            layer: map.layer,
            heads: map.heads.clone(),
        }
    });
    let activations = activations.collect();
    let tokens = units.text.iter().enumerate().map(|(number, label)| {
        let members = || {
            let all = units.of.iter().zip(&maps.tokens);
            all.filter(|(of, _)| **of == number).map(|(_, token)| token)
        };
        Token {
            id: 0,
            plain: label.clone(),
            text: label.clone(),
            start: members().map(|token| token.start).min().unwrap_or(0),
            end: members().map(|token| token.end).max().unwrap_or(0),
        }
    });
    Some(AttentionMaps {
        model: maps.model.clone(),
        edits: maps.edits.clone(),
        text: maps.text.clone(),
        tokens: tokens.collect(),
        part: AttentionPart::Only,
        causal: maps.causal,
        weighting: maps.weighting,
        activations,
    })
}

/// # Shapes
/// - pattern: `[query, key]` by tokens
/// - result: `[query, key]` by units
fn gather(pattern: &[f32], units: &Units) -> Vec<f32> {
    let n = units.text.len();
    let mut sums = vec![0.0f64; n * n];
    let mut members = vec![0.0f64; n];
    for (row, &query) in pattern.chunks_exact(units.of.len()).zip(&units.of) {
        members[query] += 1.0;
        for (&weight, &key) in row.iter().zip(&units.of) {
            sums[query * n + key] += f64::from(weight);
        }
    }
    let mean = |(at, sum): (usize, f64)| (sum / members[at / n]) as f32;
    sums.into_iter().enumerate().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_summed_and_queries_averaged() {
        let units = Units {
            of: vec![0, 0, 1],
            text: vec!["ab".to_owned(), "c".to_owned()],
        };
        let pattern = [1.0, 0.0, 0.0, 0.25, 0.75, 0.0, 0.5, 0.125, 0.375];
        assert_eq!(gather(&pattern, &units), [1.0, 0.0, 0.625, 0.375]);
    }
}
