//! One query of one head, worked through: each step of attention from the model's own q, k and v,
//! beside the weights and the result that the model itself found.

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

/// How one head's attention of one query comes about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Where the model came from, for people to read.
    pub model: String,
    /// The text as it was given.
    pub text: String,
    /// The layer, counted from 0.
    pub layer: usize,
    /// The query head, counted from 0.
    pub head: usize,
    /// How many query heads a layer has.
    pub n_heads: usize,
    /// The key/value head that it reads, counted from 0.
    pub kv_head: usize,
    /// How many key/value heads a layer has: fewer than `n_heads` where queries are grouped.
    pub n_kv_heads: usize,
    /// The tokens of the text.
    pub tokens: Vec<Token>,
    /// Number of the token that looks.
    pub query: usize,
    /// Its label.
    pub query_label: String,
    /// The tokens that make up the word that was asked for, of which the query is the last.
    pub query_word: Vec<usize>,
    /// Length of q, of each k and of each v.
    pub d_head: usize,
    /// What `q·k` is multiplied by: `1/√d_head`, or 1 where the model does not scale.
    pub scale: f64,
    /// Whether keys after the query are hidden.
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
    /// The z that the model found, `[d_head]`.
    pub model_z: Vec<f64>,
    /// How far the working is from the model.
    pub differences: Differences,
}

/// One token as a key: what enters, what becomes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Key {
    /// Its label.
    pub label: String,
    /// The key, after position and norm, `[d_head]`.
    pub k: Vec<f64>,
    /// From `q·k` to the weight.
    #[serde(flatten)]
    pub steps: KeySteps,
    /// The weight that the model found.
    pub pattern: f64,
    /// The value, `[d_head]`.
    pub v: Vec<f64>,
}

/// The largest absolute differences between the working, in float64, and the model's own numbers,
/// in float32.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Differences {
    /// Of scores, over the keys that are not hidden.
    pub score: f64,
    /// Of weights.
    pub pattern: f64,
    /// Of z.
    pub z: f64,
}

impl Explanation {
    /// The keys that are not hidden, those with the largest weights first.
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
    /// Works one query of one head through; without a layer that of the last.
    ///
    /// # Errors
    /// Those of [`LanguageModel::attend`], and a query that is none of the text's tokens or could
    /// be several.
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
            layers: Some(vec![layer]),
            heads: Some(vec![head]),
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

    /// What the position variant adds to the scores of one query, `[key]`.
    fn bias(&self, head: usize, query: usize, n: usize) -> Option<Vec<f64>> {
        let (shape, by_offset) = to_host(self.model.score_bias(n)?);
        let of_head = &by_offset[head * shape[1]..][..shape[1]];
        // The offsets `query − key` begin at −(n − 1).
        Some(
            (0..n)
                .map(|key| f64::from(of_head[query + n - 1 - key]))
                .collect(),
        )
    }
}

/// One row of the one head that was captured.
fn row(activation: &ActivationMap, at: usize) -> Vec<f64> {
    let width = activation.shape[2];
    activation.values[at * width..][..width]
        .iter()
        .map(|&x| f64::from(x))
        .collect()
}

/// The largest absolute value, or NaN where there is one.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values
        .map(f64::abs)
        .fold(0.0, |a, b| if a >= b || a.is_nan() { a } else { b })
}

fn name_of_position<S: Serializer>(position: &Position, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(position.name())
}
