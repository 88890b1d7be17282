//! Attention for one query, in textbook order and float64.

use serde::Serialize;

/// Inputs of the attention of one query of one head.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The query, `[d_head]`.
    pub q: &'a [f64],
    /// The keys, `[key, d_head]`.
    pub k: &'a [Vec<f64>],
    /// The values, `[key, d_value]`; in a model `d_value` is `d_head`.
    pub v: &'a [Vec<f64>],
    /// Factor on `q·k`: `1/√d_head`, or 1 if the model does not scale.
    pub scale: f64,
    /// Bias added to each scaled score, `[key]`.
    pub bias: Option<&'a [f64]>,
    /// Mask of hidden keys, `[key]`.
    pub hidden: &'a [bool],
}

/// Intermediate results of one key.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KeySteps {
    /// `q·k`.
    pub dot: f64,
    /// `q·k · scale`.
    pub scaled: f64,
    /// Bias for the key's position; `None` without a bias.
    pub bias: Option<f64>,
    /// True if the key is hidden from the query.
    pub hidden: bool,
    /// Input of the softmax: `scaled + bias`, or `−∞` (in JSON `null`) if hidden.
    pub score: f64,
    /// `exp(score − max)`.
    pub exp: f64,
    /// `exp / Σ exp`.
    pub weight: f64,
}

/// Results of all steps for one query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Steps {
    /// Intermediate results of each key.
    pub keys: Vec<KeySteps>,
    /// Maximum score. The softmax subtracts it, which changes no weight and keeps `exp` from
    /// overflowing.
    pub max_score: f64,
    /// `Σ exp(score − max)`.
    pub exp_sum: f64,
    /// `Σ weight·v`, `[d_value]`.
    pub z: Vec<f64>,
}

impl Inputs<'_> {
    /// Compute `softmax(q·Kᵀ·scale + bias)·V` without the hidden keys (Vaswani et al. 2017,
    /// equation 1, for one row of Q).
    ///
    /// # Panics
    /// If lengths disagree or every key is hidden.
    pub fn work(&self) -> Steps {
        let Self {
            q,
            k,
            v,
            scale,
            bias,
            hidden,
        } = *self;
        assert!(
            k.len() == v.len() && k.len() == hidden.len(),
            "{} keys, {} values",
            k.len(),
            v.len()
        );
        assert!(
            bias.is_none_or(|bias| bias.len() == k.len()),
            "a bias for each of {} keys",
            k.len()
        );
        assert!(
            k.iter().all(|row| row.len() == q.len()),
            "keys of {} numbers",
            q.len()
        );
        let width = v.first().map_or(0, Vec::len);
        assert!(
            v.iter().all(|row| row.len() == width),
            "values of {width} numbers"
        );
        assert!(hidden.contains(&false), "a query sees itself at least");
        let mut keys: Vec<KeySteps> = (0..k.len())
            .map(|key| {
                let dot = q.iter().zip(&k[key]).map(|(q, k)| q * k).sum();
                let (scaled, bias, hidden) = (dot * scale, bias.map(|bias| bias[key]), hidden[key]);
                let score = if hidden {
                    f64::NEG_INFINITY
                } else {
                    scaled + bias.unwrap_or(0.0)
                };
                KeySteps {
                    dot,
                    scaled,
                    bias,
                    hidden,
                    score,
                    exp: 0.0,
                    weight: 0.0,
                }
            })
            .collect();
        let max_score = keys
            .iter()
            .map(|key| key.score)
            .fold(f64::NEG_INFINITY, f64::max);
        for key in &mut keys {
            key.exp = (key.score - max_score).exp();
        }
        let exp_sum = keys.iter().map(|key| key.exp).sum();
        for key in &mut keys {
            key.weight = key.exp / exp_sum;
        }
        let z = (0..width)
            .map(|d| keys.iter().zip(v).map(|(key, v)| key.weight * v[d]).sum())
            .collect();
        Steps {
            keys,
            max_score,
            exp_sum,
            z,
        }
    }
}
