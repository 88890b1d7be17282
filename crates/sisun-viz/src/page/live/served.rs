//! Answering the requests of a page whose model a server computes.
//!
//! A request is one JSON object. An answer is a row of frames, each sent as soon as it is there: two
//! lengths (32 bits, little-endian), a JSON object of the first length, and numbers of the second,
//! in the order that the object names. Layers come first, one by one, and `done` or `failed` last.

use super::bias::bias_by_offset;
use crate::page::encode::WeightCode;
use burn::tensor::{Int, Tensor, TensorData};
use serde::Deserialize;
use serde_json::{Value, json};
use sisun_config::ModelConfig;
use sisun_infer::{AttentionSpread, InferError, LanguageModel, ReadLayer, Reading, Rollout};
use sisun_model::{Activation, Capture, Captured, Change, Edit, Pass, Target};
use std::time::Instant;

/// Most bytes of queries, keys and values that are sent with a text.
const VECTOR_BYTES: usize = 4 << 20;
/// Longest text whose rollout is computed; the time grows with the cube of it.
const ROLLOUT_TOKENS: usize = 256;
/// Activations that the page edits.
const EDITED: [Activation; 6] = [
    Activation::Pattern,
    Activation::Z,
    Activation::ResidPre,
    Activation::AttnOut,
    Activation::MlpOut,
    Activation::ResidPost,
];
/// Largest number of edits.
const MOST_EDITS: usize = 500;
/// The code of the page's patterns.
const CODE: WeightCode = WeightCode { bits: 16 };

/// A model that answers a page.
#[derive(Debug)]
pub struct ServedModel {
    loaded: LanguageModel,
    most_tokens: usize,
    /// The text as it is, the second sentence, and the text with the reader's edits.
    readings: [Reading; 3],
    /// The edits of the third reading.
    edits: Vec<WrittenEdit>,
}

/// A request of the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Request {
    Load,
    Read(ReadRequest),
}

/// A text to compute. An unknown field is something that this program does not know.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadRequest {
    #[serde(rename = "turn")]
    _turn: u64,
    #[serde(rename = "page")]
    _page: u64,
    ids: Vec<u32>,
    /// The second sentence.
    #[serde(default)]
    second: Option<Vec<u32>>,
    /// Edits of the text, made in their order.
    edits: Vec<WrittenEdit>,
    lens: bool,
}

/// An edit as the page writes it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct WrittenEdit {
    activation: String,
    layer: usize,
    /// The head, of an activation that has some.
    head: Option<usize>,
    /// The position, of a pattern the query; all positions if it is absent.
    position: Option<usize>,
    /// The key of a weight that is set.
    key: Option<usize>,
    change: WrittenChange,
}

/// What values become.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum WrittenChange {
    /// The weight of a key.
    Weight(f64),
    /// `zero`; `mean` over the positions of the text; `from` the second sentence; of a pattern
    /// `diagonal`, `first` or `previous`.
    Named(String),
}

impl WrittenEdit {
    /// Return true if its values are those of a text.
    fn takes_values(&self) -> bool {
        matches!(&self.change, WrittenChange::Named(name) if name == "mean" || name == "from")
    }

    fn refused(&self, reason: impl Into<String>) -> RequestError {
        let head = self.head.map_or(String::new(), |head| format!(".{head}"));
        RequestError::Edit {
            edit: format!("{} {}{head}", self.activation, self.layer),
            reason: reason.into(),
        }
    }
}

/// An error of a request.
#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error("the request cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the text has {tokens} tokens, and the page computes {most} at most")]
    Long { tokens: usize, most: usize },
    #[error("{0} edits are more than {MOST_EDITS}")]
    ManyEdits(usize),
    #[error("the edit of {edit} cannot be made: {reason}")]
    Edit { edit: String, reason: String },
    #[error(transparent)]
    Infer(#[from] InferError),
}

impl ServedModel {
    pub(super) fn new(loaded: LanguageModel, most_tokens: usize) -> Self {
        Self {
            loaded,
            most_tokens,
            readings: Default::default(),
            edits: Vec::new(),
        }
    }

    /// Answer a request: `send` is called with each frame, also from another thread.
    pub fn answer(&mut self, request: &[u8], send: &mut (dyn FnMut(Vec<u8>) + Send)) {
        let began = Instant::now();
        let answered = serde_json::from_slice(request)
            .map_err(RequestError::from)
            .and_then(|request| match request {
                Request::Load => Ok(self.load(send)),
                Request::Read(request) => self.read(&request, send),
            });
        send(match answered {
            Ok(rows) => frame(
                &json!({
                    "kind": "done",
                    "rows": rows,
                    "milliseconds": 1000.0 * began.elapsed().as_secs_f64(),
                }),
                &[],
            ),
            Err(error) => frame(
                &json!({ "kind": "failed", "message": error.to_string() }),
                &[],
            ),
        });
    }

    fn load(&self, send: &mut (dyn FnMut(Vec<u8>) + Send)) -> usize {
        let bias = bias_by_offset(&self.loaded, self.most_tokens);
        let mut numbers = Vec::new();
        floats(&mut numbers, bias.as_deref().unwrap_or_default());
        let bias = bias.map(|bias| bias.len());
        send(frame(&json!({ "kind": "loaded", "bias": bias }), &numbers));
        0
    }

    /// Compute a text, the second sentence, and the text with edits. Return the number of tokens
    /// computed.
    fn read(
        &mut self,
        request: &ReadRequest,
        send: &mut (dyn FnMut(Vec<u8>) + Send),
    ) -> Result<usize, RequestError> {
        let ReadRequest {
            ids,
            second,
            edits,
            lens,
            ..
        } = request;
        for ids in [Some(ids), second.as_ref()].into_iter().flatten() {
            if ids.len() > self.most_tokens {
                return Err(RequestError::Long {
                    tokens: ids.len(),
                    most: self.most_tokens,
                });
            }
        }
        let plain = self.check_edits(edits, ids, second.as_deref())?;
        let mut rows = self.pass(0, ids, &[], *lens, send)?;
        if let Some(second) = second {
            rows += self.pass(1, second, &[], false, send)?;
        }
        if !edits.is_empty() {
            let list = self.with_values(edits, plain, ids, second.as_deref());
            // Values of a text change with it.
            if self.edits != *edits || edits.iter().any(WrittenEdit::takes_values) {
                self.readings[2].forget();
            }
            self.edits.clone_from(edits);
            rows += self.pass(2, ids, &list, *lens, send)?;
        }
        Ok(rows)
    }

    /// Compute a text once, and send what the page shows of it.
    fn pass(
        &mut self,
        which: usize,
        ids: &[u32],
        edits: &[Edit],
        lens: bool,
        send: &mut (dyn FnMut(Vec<u8>) + Send),
    ) -> Result<usize, RequestError> {
        let (loaded, reading) = (&self.loaded, &mut self.readings[which]);
        let config = loaded.model.config();
        let (n, causal) = (ids.len(), config.causal);
        let name = ["untouched", "second", "edited"][which];
        let kept = vectors_kept(config, n);
        let end = reading.read(loaded, ids, edits, lens, |layer, found| {
            send(layer_frame(name, layer, found, n, causal, kept));
        })?;
        let mut numbers = Vec::new();
        floats(&mut numbers, &end.logits);
        end.lens.iter().for_each(|row| floats(&mut numbers, row));
        let rollout = (n <= ROLLOUT_TOKENS).then(|| rollout(reading.layers(), n, causal));
        codes(&mut numbers, rollout.as_deref().unwrap_or_default());
        send(frame(
            &json!({
                "kind": "end",
                "pass": name,
                "logits": end.logits.len(),
                "lens": end.lens.len(),
                "rollout": rollout.map(|rollout| rollout.len()),
            }),
            &numbers,
        ));
        Ok(end.computed)
    }

    /// Check edits against the model and the texts, and return them as the model takes them, with
    /// zero in place of the values of texts.
    fn check_edits(
        &self,
        edits: &[WrittenEdit],
        ids: &[u32],
        second: Option<&[u32]>,
    ) -> Result<Vec<Edit>, RequestError> {
        let config = self.loaded.model.config();
        if edits.len() > MOST_EDITS {
            return Err(RequestError::ManyEdits(edits.len()));
        }
        let n = ids.len();
        let edit_of = |written: &WrittenEdit| {
            let found = EDITED
                .into_iter()
                .find(|known| known.to_string() == written.activation);
            let Some(activation) = found else {
                return Err(written.refused("there is no such activation"));
            };
            let change = match (&written.change, written.key) {
                (WrittenChange::Weight(value), Some(key)) => Change::Key { key, value: *value },
                (WrittenChange::Named(name), None) => match name.as_str() {
                    "zero" | "mean" | "from" => Change::Zero,
                    "diagonal" => Change::Only(Target::Same),
                    "first" => Change::Only(Target::First),
                    "previous" => Change::Only(Target::Previous),
                    _ => return Err(written.refused("there is no such change")),
                },
                _ => return Err(written.refused("a weight has a key, and nothing else has")),
            };
            if written.takes_values() && activation.is_query_by_key() {
                return Err(written.refused("it has no values at a position"));
            }
            if activation.is_per_head() != written.head.is_some() {
                return Err(written.refused("a head is named where there are heads"));
            }
            let (position, key) = (written.position, written.key);
            let outside = [position, key].into_iter().flatten().any(|at| at >= n);
            let hidden = config.causal && position.zip(key).is_some_and(|(query, key)| key > query);
            if outside || hidden {
                return Err(written.refused("the text has no such position"));
            }
            if matches!(&written.change, WrittenChange::Named(name) if name == "from") {
                let there = second.map_or(0, <[u32]>::len);
                let enough = match position {
                    Some(position) => position < there,
                    None => n == there,
                };
                if !enough {
                    return Err(written.refused("the second text has no such position"));
                }
            }
            let mut edit = Edit::new(activation, written.layer, change);
            edit.heads = written.head.map(|head| vec![head]);
            edit.positions = position.map(|position| vec![position]);
            edit.check(config)
                .map_err(|reason| written.refused(reason))?;
            Ok(edit)
        };
        edits.iter().map(edit_of).collect()
    }

    /// Put the values of texts into the edits that take them.
    fn with_values(
        &self,
        edits: &[WrittenEdit],
        mut list: Vec<Edit>,
        ids: &[u32],
        second: Option<&[u32]>,
    ) -> Vec<Edit> {
        for (written, edit) in edits.iter().zip(&mut list) {
            let WrittenChange::Named(name) = &written.change else {
                continue;
            };
            let head = written.head.unwrap_or(0);
            let (rows, values) = match (name.as_str(), second) {
                ("mean", _) => (1, self.mean_of(edit, head, ids)),
                ("from", Some(second)) => {
                    let values = self.rows_of(edit, head, second);
                    let width = values.len() / second.len();
                    match written.position {
                        Some(at) => (1, values[at * width..][..width].to_vec()),
                        None => (second.len(), values),
                    }
                }
                _ => continue,
            };
            let shape = [1, 1, rows, values.len() / rows];
            let values = TensorData::new(values, shape);
            let values = Tensor::<4>::from_data(values, &self.loaded.model.device());
            edit.change = Change::Replace(values);
        }
        list
    }

    /// Return the mean of an activation over the positions of a text, which is read in windows of
    /// the trained length.
    fn mean_of(&self, edit: &Edit, head: usize, ids: &[u32]) -> Vec<f32> {
        let window = self.loaded.model.config().context_len.max(1);
        let mut sums: Vec<f64> = Vec::new();
        for part in ids.chunks(window) {
            let rows = self.rows_of(edit, head, part);
            let width = rows.len() / part.len();
            sums.resize(width, 0.0);
            for (i, value) in rows.iter().enumerate() {
                sums[i % width] += f64::from(*value);
            }
        }
        let mean = sums.iter().map(|sum| (sum / ids.len() as f64) as f32);
        mean.collect()
    }

    /// Return the activation that an edit changes, of one head, in a pass over a text without edits.
    ///
    /// # Shapes
    /// - result: `[pos, width]`
    fn rows_of(&self, edit: &Edit, head: usize, ids: &[u32]) -> Vec<f32> {
        let model = &self.loaded.model;
        let mut capture = Capture::new(&[edit.activation], &[edit.layer], &[head]);
        let ids: Vec<i32> = ids.iter().map(|id| *id as i32).collect();
        let shape = [1, ids.len()];
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &model.device());
        model.forward_last(ids, Pass::capturing(&mut capture));
        let mut found = capture.into_found().into_iter();
        found
            .next()
            .map(|Captured { values, .. }| values)
            .expect("an activation that the check accepted is captured")
    }
}

/// Return the number of tokens whose queries, keys and values are sent.
fn vectors_kept(config: &ModelConfig, n: usize) -> usize {
    let width = (config.n_heads + 2 * config.kv_heads()) * config.d_head();
    (VECTOR_BYTES / (4 * width * config.n_layers)).min(n)
}

fn layer_frame(
    pass: &str,
    layer: usize,
    found: &ReadLayer,
    n: usize,
    causal: bool,
    kept: usize,
) -> Vec<u8> {
    let mut numbers = Vec::new();
    let mut counts = [0; 3];
    for (count, vectors) in counts.iter_mut().zip([&found.q, &found.k, &found.v]) {
        for rows in vectors {
            let of_kept = &rows[..rows.len() / n * kept];
            *count += of_kept.len();
            floats(&mut numbers, of_kept);
        }
    }
    let mut weights = 0;
    let mut spreads = Vec::new();
    for pattern in &found.patterns {
        weights += pattern.len();
        codes(&mut numbers, pattern);
        spreads.push(AttentionSpread::of(&square(pattern, n, causal), n));
    }
    let header = json!({
        "kind": "layer",
        "pass": pass,
        "layer": layer,
        "tokens": kept,
        "vectors": counts,
        "weights": weights,
        "spreads": spreads,
    });
    frame(&header, &numbers)
}

/// Return a pattern with a row of `n` weights for each query.
fn square(pattern: &[f32], n: usize, causal: bool) -> Vec<f32> {
    if !causal {
        return pattern.to_vec();
    }
    let mut square = vec![0.0; n * n];
    let mut rest = pattern;
    for (query, row) in square.chunks_exact_mut(n).enumerate() {
        let (own, after) = rest.split_at(query + 1);
        row[..own.len()].copy_from_slice(own);
        rest = after;
    }
    square
}

/// Return the attention rollout, with rows as long as those of patterns.
fn rollout(layers: &[ReadLayer], n: usize, causal: bool) -> Vec<f32> {
    let mut rollout = Rollout::new(n);
    for layer in layers {
        let of_heads = layer.patterns.iter();
        let squares: Vec<Vec<f32>> = of_heads.map(|pattern| square(pattern, n, causal)).collect();
        rollout.add_layer(&squares.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    let rows = rollout.matrix().chunks_exact(n).enumerate();
    rows.flat_map(|(query, row)| &row[..if causal { query + 1 } else { n }])
        .copied()
        .collect()
}

fn floats(to: &mut Vec<u8>, values: &[f32]) {
    to.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn codes(to: &mut Vec<u8>, weights: &[f32]) {
    to.extend(weights.iter().flat_map(|&p| CODE.code(p).to_le_bytes()));
}

fn frame(header: &Value, numbers: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    let mut frame = Vec::with_capacity(8 + header.len() + numbers.len());
    // What is sent is far below 4 GB: patterns and vectors are bounded.
    frame.extend((header.len() as u32).to_le_bytes());
    frame.extend((numbers.len() as u32).to_le_bytes());
    frame.extend(header.as_bytes());
    frame.extend(numbers);
    frame
}
