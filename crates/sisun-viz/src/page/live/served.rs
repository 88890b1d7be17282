//! Answering the requests of a page whose model a server computes.
//!
//! A request is one JSON object. An answer is a row of frames, each sent as soon as it is there: two
//! lengths (32 bits, little-endian), a JSON object of the first length, and numbers of the second,
//! in the order that the object names. Layers come first, one by one, and `done` or `failed` last.

use super::{bias_by_offset, means};
use crate::page::encode::WeightCode;
use burn::tensor::{Tensor, TensorData};
use serde::Deserialize;
use serde_json::{Value, json};
use sisun_config::ModelConfig;
use sisun_infer::{AttentionSpread, InferError, LanguageModel, ReadLayer, Reading, Rollout};
use sisun_model::{Activation, Change, Edit};
use std::collections::BTreeMap;
use std::time::Instant;

/// Most bytes of queries, keys and values that are sent with a text.
const VECTOR_BYTES: usize = 4 << 20;
/// Longest text whose rollout is computed; the time grows with the cube of it.
const ROLLOUT_TOKENS: usize = 256;
/// Largest number of weights that are set.
const MOST_CELLS: usize = 4096;
/// The code of the page's patterns.
const CODE: WeightCode = WeightCode { bits: 16 };

/// A model that answers a page.
#[derive(Debug)]
pub struct ServedModel {
    loaded: LanguageModel,
    /// The page's own text, over which heads are averaged.
    text: String,
    most_tokens: usize,
    means: Option<Vec<f32>>,
    /// The text as it is, and with the reader's edits.
    readings: [Reading; 2],
    /// The edits of the second reading.
    edits: WrittenEdits,
}

/// A request of the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Request {
    Load,
    Read(ReadRequest),
}

/// A text to compute. An unknown field is an edit that this program does not know.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadRequest {
    #[serde(rename = "turn")]
    _turn: u64,
    #[serde(rename = "page")]
    _page: u64,
    ids: Vec<u32>,
    edits: WrittenEdits,
    lens: bool,
}

/// The reader's edits.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct WrittenEdits {
    /// Heads by `layer.head`.
    ablated: BTreeMap<String, Ablation>,
    cells: Vec<CellEdit>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Ablation {
    Zero,
    Mean,
}

/// A weight that is set; the rest of its row is scaled.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct CellEdit {
    layer: usize,
    head: usize,
    query: usize,
    key: usize,
    weight: f64,
}

/// An error of a request.
#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error("the request cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the text has {tokens} tokens, and the page computes {most} at most")]
    Long { tokens: usize, most: usize },
    #[error("there is no head {0:?}")]
    NoHead(String),
    #[error("{0} weights are set, more than {MOST_CELLS}")]
    ManyCells(usize),
    #[error(
        "the weight of query {} on key {} of layer {}, head {} cannot be set to {}",
        .0.query, .0.key, .0.layer, .0.head, .0.weight
    )]
    Cell(CellEdit),
    #[error(transparent)]
    Infer(#[from] InferError),
}

impl ServedModel {
    pub(super) fn new(loaded: LanguageModel, text: String, most_tokens: usize) -> Self {
        Self {
            loaded,
            text,
            most_tokens,
            means: None,
            readings: Default::default(),
            edits: WrittenEdits::default(),
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

    /// Compute a text, and with edits a second time. Return the number of tokens computed.
    fn read(
        &mut self,
        request: &ReadRequest,
        send: &mut (dyn FnMut(Vec<u8>) + Send),
    ) -> Result<usize, RequestError> {
        let ReadRequest {
            ids, edits, lens, ..
        } = request;
        if ids.len() > self.most_tokens {
            return Err(RequestError::Long {
                tokens: ids.len(),
                most: self.most_tokens,
            });
        }
        let list = self.edits_of(edits, ids.len())?;
        let mut rows = self.pass(0, ids, &[], *lens, send)?;
        if !list.is_empty() {
            if self.edits != *edits {
                self.readings[1].forget();
            }
            self.edits = edits.clone();
            rows += self.pass(1, ids, &list, *lens, send)?;
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
        let name = ["untouched", "edited"][which];
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

    /// Return the edits of a text of `n` tokens as the model takes them.
    fn edits_of(&mut self, written: &WrittenEdits, n: usize) -> Result<Vec<Edit>, RequestError> {
        let config = self.loaded.model.config();
        let (layers, heads, d_head, causal) = (
            config.n_layers,
            config.n_heads,
            config.d_head(),
            config.causal,
        );
        if written.cells.len() > MOST_CELLS {
            return Err(RequestError::ManyCells(written.cells.len()));
        }
        let mut list = Vec::new();
        for (name, how) in &written.ablated {
            let found = name.split_once('.').and_then(|(layer, head)| {
                Some((layer.parse::<usize>().ok()?, head.parse::<usize>().ok()?))
            });
            let Some((layer, head)) = found.filter(|(l, h)| *l < layers && *h < heads) else {
                return Err(RequestError::NoHead(name.clone()));
            };
            list.push(match how {
                Ablation::Zero => Edit::ablation(layer, head),
                Ablation::Mean => {
                    let from = (layer * heads + head) * d_head;
                    let mean = self.means()?[from..from + d_head].to_vec();
                    let mean = TensorData::new(mean, [1, 1, 1, d_head]);
                    let mean = Tensor::<4>::from_data(mean, &self.loaded.model.device());
                    Edit::new(Activation::Z, layer, Change::Replace(mean)).of_heads(vec![head])
                }
            });
        }
        for cell in &written.cells {
            let CellEdit {
                layer,
                head,
                query,
                key,
                weight,
            } = *cell;
            let there = layer < layers && head < heads && query < n && key < n;
            if !there || (causal && key > query) || !(0.0..=1.0).contains(&weight) {
                return Err(RequestError::Cell(cell.clone()));
            }
            let change = Change::Key { key, value: weight };
            let edit = Edit::new(Activation::Pattern, layer, change);
            list.push(edit.of_heads(vec![head]).at(vec![query]));
        }
        Ok(list)
    }

    /// Return the mean output of each head over the page's own text, `[layer, head, d_head]`.
    fn means(&mut self) -> Result<&[f32], InferError> {
        if self.means.is_none() {
            self.means = Some(means(&self.loaded, &self.text)?);
        }
        Ok(self.means.as_deref().unwrap_or_default())
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
