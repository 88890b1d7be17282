//! Check that decoding with a cache and capturing compute the same as the plain forward pass.

use crate::logits::{Difference, batch_of, values};
use crate::{Check, ModelUnderTest};
use anyhow::Result;
use burn::tensor::Tensor;
use sisun_model::{Activation, Capture, Captured, KvCache, Pass, Transformer};

/// Name of the check of cached decoding.
pub(crate) const CACHED: &str = "decoding with the cache";
pub(crate) const CAPTURED: &str = "captured attention";

/// Tolerance as a fraction of the largest logit: the same sums in another order.
pub(crate) const TOLERANCE: f32 = 1e-4;
/// Tolerance of the sum of a row of weights, which should be 1.
const ROW_SUM: f32 = 1e-5;

/// Compare decoding token by token through the cache with one pass over all tokens.
pub(crate) fn cached(subject: &ModelUnderTest<'_>) -> Result<Check> {
    let model = &subject.loaded.model;
    if !model.config().causal {
        let why = "model.causal = false: without a mask every token looks at those after it, so nothing of it can be kept, and \
                   sampling reads all again for each token";
        return Ok(Check::not_checked(CACHED, why.to_owned()));
    }
    if !model.config().keys_stay(subject.ids.len()) {
        let why = "RoPE's frequencies change with the length (scaling = \"dynamic\"), so keys cannot be kept beyond the original \
                   context, and sampling reads all again for each token";
        return Ok(Check::not_checked(CACHED, why.to_owned()));
    }
    let (plain, device) = (plain(model, &subject.ids), model.device());
    let mut cache = KvCache::new();
    let each: Vec<Tensor<3>> = subject
        .ids
        .iter()
        .map(|id| model.forward(batch_of(&[*id], &device), Pass::cached(&mut cache)))
        .collect();
    let found = Difference::between(&values(Tensor::cat(each, 1)), &plain);
    Ok(judged(
        CACHED,
        subject,
        "token by token and all at once",
        found,
    ))
}

/// Compare a pass that captures all patterns with a plain pass, and check each pattern: rows that
/// sum to 1, and zeros after the query if the model is causal.
pub(crate) fn captured(subject: &ModelUnderTest<'_>) -> Result<Check> {
    let model = &subject.loaded.model;
    let config = model.config();
    let (layers, heads): (Vec<usize>, Vec<usize>) = (
        (0..config.n_layers).collect(),
        (0..config.n_heads).collect(),
    );
    let mut capture = Capture::new(&[Activation::Pattern], &layers, &heads);
    let logits = values(model.forward(
        batch_of(&subject.ids, &model.device()),
        Pass::capturing(&mut capture),
    ));
    let patterns = capture.into_found();
    if patterns.len() != config.n_layers {
        return Ok(Check::differs(
            CAPTURED,
            format!("{} patterns of {} layers", patterns.len(), config.n_layers),
        ));
    }
    if let Some(problem) = patterns
        .iter()
        .find_map(|pattern| malformed(pattern, config.causal))
    {
        return Ok(Check::differs(CAPTURED, problem));
    }
    let found = Difference::between(&logits, &plain(model, &subject.ids));
    Ok(judged(
        CAPTURED,
        subject,
        "logits with and without capturing",
        found,
    ))
}

fn plain(model: &Transformer, ids: &[u32]) -> Vec<f32> {
    values(model.forward(batch_of(ids, &model.device()), Pass::default()))
}

fn judged(
    name: &'static str,
    subject: &ModelUnderTest<'_>,
    what: &str,
    found: Difference,
) -> Check {
    let (n, from) = (subject.ids.len(), subject.ids_from);
    Check::of(
        name,
        found.within(TOLERANCE),
        format!("{what}, {n} {from}: {}", found.tell(TOLERANCE)),
    )
}

/// Describe the problem with a pattern `[1, head, query, key]`, if there is one.
pub(crate) fn malformed(pattern: &Captured, causal: bool) -> Option<String> {
    let [1, heads, n, keys] = pattern.shape[..] else {
        return Some(format!("a pattern of shape {:?}", pattern.shape));
    };
    let rows = pattern.values.chunks_exact(keys);
    let place = |row: usize| {
        format!(
            "layer {}, head {}, query {}",
            pattern.layer,
            row / n,
            row % n
        )
    };
    let wrong = |(row, weights): (usize, &[f32])| {
        let sum: f32 = weights.iter().sum();
        if (sum - 1.0).abs() > ROW_SUM || sum.is_nan() {
            return Some(format!("{}: the weights sum to {sum}", place(row)));
        }
        let ahead = || weights[row % n + 1..].iter().any(|weight| *weight != 0.0);
        (causal && ahead()).then(|| format!("{}: weight on a key after the query", place(row)))
    };
    match rows.len() == heads * n {
        true => rows.enumerate().find_map(wrong),
        false => Some(format!(
            "layer {}: {} rows for {heads} heads of {n} queries",
            pattern.layer,
            rows.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Activation, Captured, malformed};

    fn pattern(values: [f32; 8]) -> Captured {
        Captured {
            name: Activation::Pattern,
            layer: 3,
            shape: vec![1, 2, 2, 2],
            values: values.to_vec(),
        }
    }

    #[test]
    fn a_pattern_has_rows_of_weights_and_nothing_ahead() {
        assert_eq!(
            malformed(&pattern([1.0, 0.0, 0.25, 0.75, 1.0, 0.0, 0.5, 0.5]), true),
            None
        );
        let sum = malformed(&pattern([1.0, 0.0, 0.25, 0.75, 1.0, 0.0, 0.5, 0.51]), true)
            .unwrap_or_default();
        assert!(
            sum.starts_with("layer 3, head 1, query 1: the weights sum to 1.01"),
            "{sum}"
        );
        let ahead = pattern([1.0, 0.0, 0.25, 0.75, 0.5, 0.5, 0.5, 0.5]);
        assert_eq!(
            malformed(&ahead, true).as_deref(),
            Some("layer 3, head 1, query 0: weight on a key after the query")
        );
        assert_eq!(malformed(&ahead, false), None);
        assert!(
            malformed(
                &pattern([f32::NAN, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]),
                false
            )
            .is_some()
        );
    }
}
