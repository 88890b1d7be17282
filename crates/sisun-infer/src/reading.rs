//! Reading a text that changes, as it is typed: what stands before the first change is kept.

use crate::{InferError, LanguageModel};
use burn::tensor::{Tensor, TensorData};
use sisun_model::{Activation, Capture, Captured, Edit, KvCache, Pass, to_host};
use std::sync::mpsc::sync_channel;

/// A text in a model, with the attention of all heads. Reading another text computes only the
/// tokens from the first different one on, if the model has a causal mask.
#[derive(Debug, Default)]
pub struct Reading {
    tokens: Vec<u32>,
    cache: KvCache,
    layers: Vec<ReadLayer>,
}

/// The attention of one layer on a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadLayer {
    /// Weights of each head: rows of queries one after another, with a causal mask each up to its
    /// own token, otherwise over all tokens.
    pub patterns: Vec<Vec<f32>>,
    /// Queries of each head, `[token, d_head]`.
    pub q: Vec<Vec<f32>>,
    /// Keys of each group of heads, `[token, d_head]`.
    pub k: Vec<Vec<f32>>,
    /// Values of each group of heads, `[token, d_head]`.
    pub v: Vec<Vec<f32>>,
}

/// The result of a reading besides its layers.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadEnd {
    /// Logits of the token after the text, `[vocab]`.
    pub logits: Vec<f32>,
    /// Logits that the final norm and the head make of the last token before each layer and after
    /// the last, `[layer + 1]` rows of `[vocab]`; empty if not asked for.
    pub lens: Vec<Vec<f32>>,
    /// Number of tokens that were computed anew.
    pub computed: usize,
}

impl Reading {
    /// Return the layers of the text.
    pub fn layers(&self) -> &[ReadLayer] {
        &self.layers
    }

    /// Forget the text, so that the next reading computes all of its tokens: it has other edits.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Read a text, and pass each layer to `each` as soon as it is computed, while the model goes
    /// on; `each` runs on another thread. `edits` are those of the model's earlier readings, unless
    /// they have been forgotten.
    ///
    /// # Errors
    /// If the text is empty, has tokens that the model does not have, or is longer than the learned
    /// positions, the sliding window or the memory allow; `each` has then not been called.
    pub fn read(
        &mut self,
        model: &LanguageModel,
        ids: &[u32],
        edits: &[Edit],
        lens: bool,
        mut each: impl FnMut(usize, &ReadLayer) + Send,
    ) -> Result<ReadEnd, InferError> {
        let config = model.model.config();
        if ids.is_empty() {
            return Err(InferError::Empty { what: "text" });
        }
        model.tokenizer.check_rows(ids, model.rows())?;
        model.check_length(ids.len())?;
        model.check_room(
            ids.len(),
            config.n_heads,
            config.n_layers,
            &Default::default(),
        )?;
        let from = self.keep(ids, config.causal);
        self.layers.resize_with(config.n_layers, ReadLayer::default);
        let layers: Vec<usize> = (0..config.n_layers).collect();
        let heads: Vec<usize> = (0..config.n_heads).collect();
        let mut names = vec![
            Activation::Q,
            Activation::K,
            Activation::V,
            Activation::Pattern,
        ];
        if lens {
            names.extend([Activation::ResidPre, Activation::ResidPost]);
        }
        let new = &ids[from..];
        let group = config.n_heads / config.kv_heads();
        let (kept, cache) = (&mut self.layers, &mut self.cache);
        let batch = model.batch_of(new.iter().copied());
        let (logits, stream) = std::thread::scope(|scope| {
            // Capacity 1: the model waits until the activation before has been processed.
            let (to, captured) = sync_channel::<Captured>(1);
            let receiver = scope.spawn(move || {
                let mut stream = Vec::new();
                for found in captured {
                    let layer = found.layer;
                    if let Some(row) = last_row(&found) {
                        stream.push(row);
                    } else if kept[layer].add(found, from, group, config.causal) {
                        each(layer, &kept[layer]);
                    }
                }
                stream
            });
            let mut capture = Capture::new(&names, &layers, &heads).sending(to);
            let pass = Pass {
                cache: config.causal.then_some(cache),
                edits,
                ..Pass::capturing(&mut capture)
            };
            let logits = to_host(model.model.forward_last(batch, pass)).1;
            // The receiver ends when the last sender is gone.
            drop(capture);
            let stream = receiver.join();
            (
                logits,
                stream.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            )
        });
        self.tokens = ids.to_vec();
        Ok(ReadEnd {
            logits,
            lens: model.lens_of_stream(stream),
            computed: new.len(),
        })
    }

    /// Keep what the text shares with the one before, and return the number of tokens kept: not its
    /// last one, whose logits are asked for.
    fn keep(&mut self, ids: &[u32], causal: bool) -> usize {
        let same = self.tokens.iter().zip(ids).take_while(|(a, b)| a == b);
        let shared = match causal {
            true => same.count().min(ids.len() - 1),
            false => 0,
        };
        if shared == 0 {
            self.forget();
            return 0;
        }
        self.cache = self.cache.first(shared);
        for layer in &mut self.layers {
            layer.truncate(shared, self.tokens.len());
        }
        // Until the pass has ended: a panic leaves layers that do not belong together.
        self.tokens.clear();
        shared
    }
}

impl ReadLayer {
    /// Keep the first `kept` of `n` tokens, under a causal mask.
    fn truncate(&mut self, kept: usize, n: usize) {
        for pattern in &mut self.patterns {
            pattern.truncate(kept * (kept + 1) / 2);
        }
        for rows in [&mut self.q, &mut self.k, &mut self.v]
            .into_iter()
            .flatten()
        {
            rows.truncate(rows.len() / n * kept);
        }
    }

    /// Add an activation of the tokens from `from` on. Return true after the pattern, which comes
    /// last.
    fn add(&mut self, found: Captured, from: usize, group: usize, causal: bool) -> bool {
        // There is one text: the batch axis, the first, has length 1.
        let [_, heads, rows, width] = found.shape[..] else {
            unreachable!("{} has four axes", found.name)
        };
        let of_head = |head: usize| &found.values[head * rows * width..][..rows * width];
        let append = |to: &mut Vec<Vec<f32>>, step: usize, skipped: usize| {
            to.resize_with(heads / step, Vec::new);
            for (i, to) in to.iter_mut().enumerate() {
                to.extend_from_slice(&of_head(i * step)[skipped * width..]);
            }
        };
        match found.name {
            Activation::Q => append(&mut self.q, 1, 0),
            // Keys and values are captured of all tokens, and for each head those of its group.
            Activation::K => append(&mut self.k, group, from),
            Activation::V => append(&mut self.v, group, from),
            Activation::Pattern => {
                self.patterns.resize_with(heads, Vec::new);
                for (head, to) in self.patterns.iter_mut().enumerate() {
                    for (i, row) in of_head(head).chunks_exact(width).enumerate() {
                        let visible = if causal { from + i + 1 } else { width };
                        to.extend_from_slice(&row[..visible]);
                    }
                }
                return true;
            }
            other => unreachable!("{other} was not asked for"),
        }
        false
    }
}

/// Return the last row of the residual stream before the first layer or after a layer; `None` of
/// another activation.
fn last_row(found: &Captured) -> Option<Vec<f32>> {
    let width = *found.shape.last()?;
    match found.name {
        // The others are the stream after the layer before.
        Activation::ResidPre if found.layer > 0 => Some(Vec::new()),
        Activation::ResidPre | Activation::ResidPost => {
            Some(found.values[found.values.len() - width..].to_vec())
        }
        _ => None,
    }
}

impl LanguageModel {
    /// Apply the final norm and the head to rows of the residual stream; empty ones are left out.
    fn lens_of_stream(&self, stream: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
        let (d, vocab) = (self.model.config().d_model, self.rows());
        let rows: Vec<f32> = stream.concat();
        if rows.is_empty() {
            return Vec::new();
        }
        let shape = [1, rows.len() / d, d];
        let x = Tensor::<3>::from_data(TensorData::new(rows, shape), &self.model.device());
        let logits = to_host(self.head(self.final_norm(x))).1;
        logits.chunks_exact(vocab).map(<[f32]>::to_vec).collect()
    }
}
