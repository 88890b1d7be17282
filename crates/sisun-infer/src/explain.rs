//! The attention of one query of one head, step by step: recomputed from the model's own q, k and v
//! and compared with the weights and the result of the model.

mod edited;
mod next;
mod query;
mod rotation;
mod steps;
mod stream;
mod stream_rows;
mod walks;

pub use next::{NextSteps, StreamPoint, StreamSource};
pub use query::Query;
pub use rotation::{Moved, Rotation};
pub use steps::{Inputs, KeySteps, Steps};
pub use stream::{Products, Stream};
pub use walks::Walks;

use crate::attention_maps::Token;
use crate::component::HeadName;
use crate::{CaptureSelection, InferError, LanguageModel};
use serde::{Serialize, Serializer};
use sisun_config::{Ffn, Norm, NormPlacement, Position};
use sisun_model::{Activation, Capture, Captured, to_host};
use stream_rows::{STREAM, StreamRows, wide};

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
    /// The variant of the model's blocks.
    pub form: BlockForm,
    /// The residual stream of the query around the layer.
    pub stream: Stream,
    /// The edits of the model, as they were written; empty without edits.
    pub edits: Vec<String>,
    /// Activations of this layer and head, or of the stream, that edits changed.
    #[serde(serialize_with = "names")]
    pub edited: Vec<Activation>,
}

/// The variant of a model's blocks, as far as the steps depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BlockForm {
    /// Number of layers.
    pub n_layers: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Width of the feed-forward network.
    pub d_ff: usize,
    /// Number of tokens of the vocabulary.
    pub vocab: usize,
    /// Kind of the norms.
    pub norm: Norm,
    /// Place of the norms.
    pub norm_placement: NormPlacement,
    /// Kind of the feed-forward network.
    pub ffn: Ffn,
    /// True if attention and feed-forward network read the same vector.
    pub parallel_residual: bool,
    /// True if each part's result is added to the stream, false if it replaces it.
    pub residual: bool,
    /// True if q and k are normalized.
    pub qk_norm: bool,
    /// True if q, k, v and the output have biases.
    pub attention_bias: bool,
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
        let name = HeadName { layer, head };
        name.check(config)?;
        let tokens = self.tokens(text)?;
        let word = query.among(text, &tokens)?;
        let query = word.end - 1;
        let n = tokens.len();
        self.check_length(n)?;
        let looking = CaptureSelection {
            activations: ATTENTION.to_vec(),
            layers: Some(vec![layer].into()),
            heads: Some(vec![head].into()),
        };
        self.check_room(n, 1, 1, &looking)?;
        let Found { maps, rows } = self.attention_and_stream(&tokens, name, query);
        let [q, k, v, scores, pattern, z] = maps;

        let d_head = config.d_head();
        let scale = config.score_scale();
        let q = row(&q, query);
        let [k, v] = [k, v].map(|rows| (0..n).map(|key| row(&rows, key)).collect::<Vec<_>>());
        let [scores, pattern, model_z] = [scores, pattern, z].map(|rows| row(&rows, query));
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
        let edited = self.edited(name);
        let steps = edited::with_edits(inputs.work(), &edited, &scores, &pattern, &model_z, &v);
        let Steps {
            keys,
            max_score,
            exp_sum,
            z: worked_z,
        } = steps;

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
        let beside = beside(&keys, query);
        let rotation = Rotation::of(config, n, (query, &q), (beside, &k[beside]));
        let stream = self.stream(&rows, layer, head, &model_z, rotation);
        let keys = (tokens
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
            model: self.title(),
            text: text.to_owned(),
            layer,
            head,
            n_heads: config.n_heads,
            kv_head: config.kv_head(head),
            n_kv_heads: config.kv_heads(),
            query_label: tokens[query].text.clone(),
            tokens,
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
            form: self.block_form(),
            stream,
            edits: self.edits.written.clone(),
            edited,
        })
    }

    /// Return the variant of the blocks.
    pub fn block_form(&self) -> BlockForm {
        let config = self.model.config();
        BlockForm {
            n_layers: config.n_layers,
            d_model: config.d_model,
            d_ff: config.ff_width(),
            vocab: self.rows(),
            norm: config.norm,
            norm_placement: config.norm_placement,
            ffn: config.ffn,
            parallel_residual: config.parallel_residual,
            residual: config.residual,
            qk_norm: config.qk_norm,
            attention_bias: config.has_attention_bias(),
        }
    }

    /// Run the model, and keep the attention of one head and the stream of one token.
    fn attention_and_stream(&self, tokens: &[Token], name: HeadName, query: usize) -> Found {
        let names = [&ATTENTION[..], &STREAM].concat();
        let layers: Vec<usize> = (0..self.model.config().n_layers).collect();
        let capture = Capture::new(&names, &layers, &[name.head]).heads_of_layers(&[name.layer]);
        let mut rows = StreamRows::new();
        let mut maps = ATTENTION.map(|_| None);
        self.capture_each(tokens, capture, |found| {
            match ATTENTION.iter().position(|one| *one == found.name) {
                Some(at) => maps[at] = Some(found),
                None => {
                    let row = row_of(&found, query).to_vec();
                    rows.insert((found.name, found.layer), row);
                }
            }
        });
        Found {
            maps: maps.map(|map| map.expect("what was asked for was captured")),
            rows,
        }
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

/// The activations of one head, in the order of the forward pass.
const ATTENTION: [Activation; 6] = [
    Activation::Q,
    Activation::K,
    Activation::V,
    Activation::Scores,
    Activation::Pattern,
    Activation::Z,
];

/// What a pass left of one head and one token.
struct Found {
    /// [`ATTENTION`] of the head.
    maps: [Captured; 6],
    /// The stream of the token.
    rows: StreamRows,
}

/// Return one row of a captured activation of one text, with one head or without a head axis.
fn row_of(found: &Captured, at: usize) -> &[f32] {
    let width = found.shape.last().copied().unwrap_or(0);
    &found.values[at * width..][..width]
}

fn row(found: &Captured, at: usize) -> Vec<f64> {
    wide(row_of(found, at))
}

/// Return the key that is shown beside the query: the visible one with the largest weight that is
/// not the query itself, if there is another.
fn beside(keys: &[KeySteps], query: usize) -> usize {
    let others = (0..keys.len()).filter(|&key| key != query && !keys[key].hidden);
    others
        .max_by(|&a, &b| keys[a].weight.total_cmp(&keys[b].weight))
        .unwrap_or(query)
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

fn names<S: Serializer>(activations: &[Activation], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(activations.iter().map(ToString::to_string))
}
