//! The attention of one query of one head, step by step: recomputed from the model's own q, k and v
//! and compared with the weights and the result of the model.

mod query;
mod steps;

pub use query::Query;
pub use steps::{Inputs, KeySteps, Steps};

use crate::attention_maps::{ActivationMap, Token};
use crate::{CaptureSelection, InferError, LanguageModel};
use serde::{Serialize, Serializer};
use sisun_config::Position;
use sisun_model::Activation;
use sisun_model::to_host;

/// A step-by-step computation of one head's attention for one query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Description of the model.
    pub model: String,
    /// Original text.
    pub text: String,
    /// Layer, counted from 0.
    pub layer: usize,
    /// Query head, counted from 0.
    pub head: usize,
    /// Number of query heads per layer.
    pub n_heads: usize,
    /// Key–value head used by the query head, counted from 0.
    pub kv_head: usize,
    /// Number of key–value heads per layer: less than `n_heads` for grouped-query attention.
    pub n_kv_heads: usize,
    /// Tokens of the text.
    pub tokens: Vec<Token>,
    /// Index of the query token.
    pub query: usize,
    /// Label of the query token.
    pub query_label: String,
    /// Indices of the tokens that make up the requested word; the last one is the query.
    pub query_word: Vec<usize>,
    /// Length of q, of each k and of each v.
    pub d_head: usize,
    /// Factor on `q·k`: `1/√d_head`, or 1 if the model does not scale.
    pub scale: f64,
    /// True if keys after the query are hidden.
    pub causal: bool,
    /// The position variant; written as its name.
    #[serde(serialize_with = "name_of_position")]
    pub position: Position,
    /// The query, after position and norm, `[d_head]`.
    pub q: Vec<f64>,
    /// Every key, in the order of the tokens.
    pub keys: Vec<Key>,
    /// The largest score.
    pub max_score: f64,
    /// `Σ exp(score − max)`.
    pub exp_sum: f64,
    /// `Σ weight·v`, `[d_head]`.
    pub z: Vec<f64>,
    /// z as computed by the model, `[d_head]`.
    pub model_z: Vec<f64>,
    /// Differences between this computation and the model.
    pub differences: Differences,
}

/// One key with its intermediate results.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Key {
    /// Label of the token.
    pub label: String,
    /// The key, after position encoding and norm, `[d_head]`.
    pub k: Vec<f64>,
    /// Intermediate results from `q·k` to the weight.
    #[serde(flatten)]
    pub steps: KeySteps,
    /// Weight as computed by the model.
    pub pattern: f64,
    /// The value, `[d_head]`.
    pub v: Vec<f64>,
}

/// The largest absolute differences between this computation in float64 and the model in float32.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Differences {
    /// Difference of the scores, over the keys that are not hidden.
    pub score: f64,
    /// Difference of the weights.
    pub pattern: f64,
    /// Difference of z.
    pub z: f64,
}

impl Explanation {
    /// Return the visible keys by descending weight.
    pub fn heaviest(&self) -> Vec<usize> {
        let mut keys: Vec<usize> = (0..self.keys.len())
            .filter(|&key| !self.keys[key].steps.hidden)
            .collect();
        keys.sort_by(|&a, &b| {
            self.keys[b]
                .steps
                .weight
                .total_cmp(&self.keys[a].steps.weight)
        });
        keys
    }
}

impl LanguageModel {
    /// Explain the attention of one query of one head; the default layer is the last.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`], or if the query matches no token of the text or is
    /// ambiguous.
    pub fn explain(
        &self,
        text: &str,
        layer: Option<usize>,
        head: usize,
        query: &Query,
    ) -> Result<Explanation, InferError> {
        let config = self.model.config();
        let layer = layer.unwrap_or(config.n_layers - 1);
        let activations = [
            Activation::Q,
            Activation::K,
            Activation::V,
            Activation::Scores,
            Activation::Pattern,
            Activation::Z,
        ];
        let looking = CaptureSelection {
            activations: activations.to_vec(),
            layers: Some(vec![layer].into()),
            heads: Some(vec![head].into()),
        };
        let found = self.attend(text, &looking)?;
        let word = query.among(&found.text, &found.tokens)?;
        let query = word.end - 1;
        let n = found.tokens.len();
        let [q, k, v, scores, pattern, z] = activations.map(|activation| {
            found
                .of(activation)
                .next()
                .expect("what was asked for was captured")
        });

        let d_head = config.d_head();
        let scale = config.score_scale();
        let q = row(q, query);
        let [k, v] = [k, v].map(|rows| (0..n).map(|key| row(rows, key)).collect::<Vec<_>>());
        let bias = self.bias(head, query, n);
        let hidden: Vec<bool> = (0..n).map(|key| config.causal && key > query).collect();
        let inputs = Inputs {
            q: &q,
            k: &k,
            v: &v,
            scale,
            bias: bias.as_deref(),
            hidden: &hidden,
        };
        let Steps {
            keys,
            max_score,
            exp_sum,
            z: worked_z,
        } = inputs.work();

        let [scores, pattern, model_z] = [scores, pattern, z].map(|rows| row(rows, query));
        let seen = || (0..n).filter(|&key| !hidden[key]);
        let differences = Differences {
            score: largest(seen().map(|key| keys[key].score - scores[key])),
            pattern: largest((0..n).map(|key| keys[key].weight - pattern[key])),
            z: largest(
                worked_z
                    .iter()
                    .zip(&model_z)
                    .map(|(worked, model)| worked - model),
            ),
        };
        let keys = (found
            .tokens
            .iter()
            .zip(keys)
            .zip(pattern)
            .zip(k.into_iter().zip(v)))
        .map(|(((token, steps), pattern), (k, v))| Key {
            label: token.text.clone(),
            k,
            steps,
            pattern,
            v,
        })
        .collect();
        Ok(Explanation {
            model: found.model,
            text: found.text,
            layer,
            head,
            n_heads: config.n_heads,
            kv_head: config.kv_head(head),
            n_kv_heads: config.kv_heads(),
            query_label: found.tokens[query].text.clone(),
            tokens: found.tokens,
            query_word: word.collect(),
            query,
            d_head,
            scale,
            causal: config.causal,
            position: config.position,
            q,
            keys,
            max_score,
            exp_sum,
            z: worked_z,
            model_z,
            differences,
        })
    }

    /// Return the score bias of the position variant for one query, `[key]`.
    fn bias(&self, head: usize, query: usize, n: usize) -> Option<Vec<f64>> {
        let (shape, by_offset) = to_host(self.model.score_bias(n)?);
        let of_head = &by_offset[head * shape[1]..][..shape[1]];
        // The first offset `query − key` is −(n − 1).
        Some(
            (0..n)
                .map(|key| f64::from(of_head[query + n - 1 - key]))
                .collect(),
        )
    }
}

/// Return one row of the only captured head.
fn row(activation: &ActivationMap, at: usize) -> Vec<f64> {
    let width = activation.shape[2];
    activation.values[at * width..][..width]
        .iter()
        .map(|&x| f64::from(x))
        .collect()
}

/// Return the largest absolute value, or NaN if there is a NaN.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values
        .map(f64::abs)
        .fold(0.0, |a, b| if a >= b || a.is_nan() { a } else { b })
}

fn name_of_position<S: Serializer>(position: &Position, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(position.name())
}
