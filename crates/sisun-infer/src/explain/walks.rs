//! The stream around every layer and head at once, shortened, for a page.

use super::next::{StreamSource, most_likely, probability};
use super::stream_rows::{STREAM, StreamRows, times, wide};
use crate::attention_maps::Token;
use crate::head_weights::HeadWeights;
use crate::{CaptureSelection, InferError, LanguageModel};
use burn::tensor::{Tensor, TensorData};
use sisun_config::NormPlacement;
use sisun_kernels::MatmulPrecision;
use sisun_model::{Activation, Capture, to_host};
use std::collections::BTreeMap;

/// Largest number of numbers of a vector that are kept.
const SHOWN: usize = 8;
/// Number of terms of a written-out product.
const TERMS: usize = 4;
/// Largest number of multiplications for the probabilities without each head.
const MOST_PRODUCTS: usize = 2_000_000_000;

/// The stream around each selected layer, and each head's part in it, for the first tokens of a
/// text. A vector is shortened to its first numbers and its length.
#[derive(Clone, Debug, PartialEq)]
pub struct Walks {
    /// Number of tokens.
    pub tokens: usize,
    /// Number of numbers kept of a vector of the stream.
    pub shown: usize,
    /// Number of numbers kept of a head's vector.
    pub shown_of_head: usize,
    /// Names of the vectors of [`Walks::start`].
    pub start_names: Vec<&'static str>,
    /// Vectors before the first layer, `[vector, token, shown + 1]`.
    pub start: Vec<f32>,
    /// Names of the vectors of [`Walks::layers`].
    pub layer_names: Vec<&'static str>,
    /// Vectors around each layer, `[layer, vector, token, shown + 1]`.
    pub layers: Vec<f32>,
    /// q, k and v before norm and position, `[layer, head, 3, token, shown_of_head + 1]`.
    pub products: Vec<f32>,
    /// Results z of the heads, `[layer, head, token, d_head]`.
    pub z: Vec<f32>,
    /// Shares, `[layer, head, token, shown + 1]`.
    pub shares: Vec<f32>,
    /// The first numbers of the first columns of W_Q, W_K, W_V and W_O, `[layer, head, 4, 4]`;
    /// 0 where a column is shorter.
    pub terms: Vec<f32>,
    /// The most likely token after each.
    pub next: Vec<String>,
    /// The parts of the model in the order of the stream.
    pub points: Vec<StreamSource>,
    /// The probability of the next token after each part, `[token, point]`.
    pub probabilities: Vec<f32>,
    /// The same after a layer's attention without a head, `[layer, head, token]`; `None` if that
    /// would take too long.
    pub without_head: Option<Vec<f32>>,
}

/// Rows of the first tokens by activation and layer.
type Rows = BTreeMap<(Activation, usize), Vec<f32>>;

impl LanguageModel {
    /// Return the number of float32 numbers that [`LanguageModel::walks`] keeps of each token.
    pub fn walk_size(&self, layers: usize, heads: usize) -> usize {
        let config = self.model.config();
        let (wide, narrow) = (
            SHOWN.min(config.d_model) + 1,
            SHOWN.min(config.d_head()) + 1,
        );
        wide * (3 + 6 * layers) + layers * heads * (3 * narrow + wide + 1) + 2 * config.n_layers + 2
    }

    /// Follow the first `tokens` tokens of a text through the model: the stream around each selected
    /// layer, and each selected head's part in it.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`].
    pub fn walks(
        &self,
        text: &str,
        looking: &CaptureSelection,
        tokens: usize,
    ) -> Result<Walks, InferError> {
        let config = self.model.config();
        let (layers, heads) = looking.of(config)?;
        let all = self.tokens(text)?;
        self.check_length(all.len())?;
        let tokens = tokens.min(all.len());
        let rows = self.first_rows(&all, tokens, &layers, &heads);
        let (d, d_head) = (config.d_model, config.d_head());
        let shown = SHOWN.min(d);
        let short = |rows: &[f32], width: usize| -> Vec<f32> {
            rows.chunks_exact(width).flat_map(shortened).collect()
        };
        let get = |name, layer: usize| rows.get(&(name, layer)).map(|rows| short(rows, d));
        let (mut start_names, mut start) = (Vec::new(), Vec::new());
        for (name, activation) in [
            ("embedding", Activation::Embed),
            ("position", Activation::PosEmbed),
            ("positioned", Activation::ResidPre),
        ] {
            if let Some(found) = get(activation, 0) {
                start_names.push(name);
                start.extend(found);
            }
        }
        let streams: Vec<StreamRows> = (0..tokens).map(|at| row_of(&rows, at, d)).collect();
        let mut found = Walks {
            tokens,
            shown,
            shown_of_head: SHOWN.min(d_head),
            start_names,
            start,
            layer_names: Vec::new(),
            layers: Vec::new(),
            products: Vec::new(),
            z: Vec::new(),
            shares: Vec::new(),
            terms: Vec::new(),
            next: Vec::new(),
            points: Vec::new(),
            probabilities: Vec::new(),
            without_head: None,
        };
        let ids = self.follow(&mut found, &streams);
        let cost = tokens * layers.len() * heads.len() * d;
        let mut without = (cost.saturating_mul(self.rows()) <= MOST_PRODUCTS).then(Vec::new);
        for &layer in &layers {
            let block = &self.model.blocks[layer];
            let before = rows.get(&(Activation::ResidPre, layer)).cloned();
            let before = before.unwrap_or_default();
            let x = Tensor::<3>::from_data(
                TensorData::new(before.clone(), [1, tokens, d]),
                &self.model.device(),
            );
            let normed = match config.norm_placement {
                NormPlacement::Pre => block.norm_attn.forward(x),
                NormPlacement::Post => x,
            };
            let precision = match self.model.is_bf16() {
                true => MatmulPrecision::Bf16,
                false => MatmulPrecision::Float32,
            };
            let qkv = to_host(block.attn.qkv.forward(normed.clone(), precision)).1;
            let mid: Vec<f32> = (streams.iter())
                .flat_map(|stream| self.after_attention(stream, layer))
                .map(|x| x as f32)
                .collect();
            let normed =
                (config.norm_placement == NormPlacement::Pre).then(|| short(&to_host(normed).1, d));
            found.layer_names.clear();
            for (name, vectors) in [
                ("before", Some(short(&before, d))),
                ("normed", normed),
                ("attention", get(Activation::AttnOut, layer)),
                ("mid", Some(short(&mid, d))),
                ("ffn", get(Activation::MlpOut, layer)),
                ("after", get(Activation::ResidPost, layer)),
            ] {
                if let Some(vectors) = vectors {
                    found.layer_names.push(name);
                    found.layers.extend(vectors);
                }
            }
            let weights = HeadWeights::of(&self.model, layer);
            let z = rows
                .get(&(Activation::Z, layer))
                .cloned()
                .unwrap_or_default();
            found.z.extend(&z);
            for (place, &head) in heads.iter().enumerate() {
                self.add_products(&mut found, &qkv, head);
                let o = weights.o(head);
                let z = &z[place * tokens * d_head..][..tokens * d_head];
                let shares: Vec<Vec<f64>> = z
                    .chunks_exact(d_head)
                    .map(|z| times(&wide(z), &o.values, d))
                    .collect();
                for share in &shares {
                    let share: Vec<f32> = share.iter().map(|&x| x as f32).collect();
                    found.shares.extend(shortened(&share));
                }
                let matrices = [
                    (weights.q(head), d_head),
                    (weights.k(head), d_head),
                    (weights.v(head), d_head),
                    (o, d),
                ];
                for (matrix, columns) in matrices {
                    let column = matrix.values.iter().copied().step_by(columns);
                    found.terms.extend(column.chain([0.0; TERMS]).take(TERMS));
                }
                if let Some(without) = &mut without {
                    let left: Vec<Vec<f64>> = (streams.iter().zip(&shares))
                        .map(|(stream, share)| self.without_share(stream, layer, share))
                        .collect();
                    let logits = self.read_out(&left);
                    let told = logits.iter().zip(&ids);
                    without.extend(told.map(|(row, &id)| probability(row, id) as f32));
                }
            }
        }
        found.without_head = without;
        Ok(found)
    }

    /// Run the model, and keep the first tokens of the stream and of the selected heads' results.
    fn first_rows(&self, all: &[Token], tokens: usize, layers: &[usize], heads: &[usize]) -> Rows {
        let names = [&STREAM[..], &[Activation::Z]].concat();
        let every: Vec<usize> = (0..self.model.config().n_layers).collect();
        let capture = Capture::new(&names, &every, heads).heads_of_layers(layers);
        let mut rows = Rows::new();
        self.capture_each(all, capture, |found| {
            let width = found.shape.last().copied().unwrap_or(1);
            let of_head = found.values.chunks_exact(all.len() * width);
            let first = of_head.flat_map(|rows| &rows[..tokens * width]).copied();
            rows.insert((found.name, found.layer), first.collect());
        });
        rows
    }

    /// Add the next token of each, and its probability along the stream. Return the tokens' ids.
    fn follow(&self, found: &mut Walks, streams: &[StreamRows]) -> Vec<usize> {
        let mut ids = Vec::new();
        for stream in streams {
            let (points, vectors): (Vec<_>, Vec<_>) = self.points(stream).into_iter().unzip();
            let logits = self.read_out(&vectors);
            let id = logits.last().map_or(0, |last| most_likely(last));
            found.next.push(sisun_data::make_visible(
                &self.tokenizer.token_text(id as u32),
            ));
            let probabilities = logits.iter().map(|row| probability(row, id) as f32);
            found.probabilities.extend(probabilities);
            found.points = points;
            ids.push(id);
        }
        ids
    }

    /// Add a head's q, k and v of each token.
    fn add_products(&self, found: &mut Walks, qkv: &[f32], head: usize) {
        let config = self.model.config();
        let d_head = config.d_head();
        let kv = config.n_heads + config.kv_head(head);
        let width = (config.n_heads + 2 * config.kv_heads()) * d_head;
        for place in [head, kv, kv + config.kv_heads()] {
            for row in qkv.chunks_exact(width) {
                let part = &row[place * d_head..][..d_head];
                found.products.extend(shortened(part));
            }
        }
    }
}

/// Return the first numbers of a vector, and its length.
fn shortened(row: &[f32]) -> Vec<f32> {
    let squares: f64 = row.iter().map(|&x| f64::from(x).powi(2)).sum();
    let first = row.iter().take(SHOWN).copied();
    first.chain([squares.sqrt() as f32]).collect()
}

/// Return the rows of the stream of one token.
fn row_of(rows: &Rows, at: usize, width: usize) -> StreamRows {
    let stream = rows.iter().filter(|((name, _), _)| STREAM.contains(name));
    stream
        .map(|(key, rows)| (*key, rows[at * width..][..width].to_vec()))
        .collect()
}
