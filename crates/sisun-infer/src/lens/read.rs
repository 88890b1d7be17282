//! Reading the residual stream through the final norm and the head.

use super::{LensCell, LensOptions, LensToken, LogitLens, NextToken, StreamPart};
use crate::attention_maps::Token;
use crate::residual::{Recording, check_sum};
use crate::top::largest_of;
use crate::unembedding::scale_of;
use crate::{InferError, LanguageModel};
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use sisun_config::{Ffn, Norm};
use sisun_model::{Activation, memory, to_host};

/// Number of logits that are computed together.
const TOGETHER: usize = 1 << 24;

impl LanguageModel {
    /// Apply the final norm and the head to the residual stream after the embedding and after each
    /// layer. A model with norms after the sums has no final norm: there the head alone is applied.
    ///
    /// Of a part of the stream, the running sum is read: what the embeddings, or attention or the
    /// feed-forward networks of the layers so far, have added. It is centred and scaled as the norm
    /// does the whole stream of that layer, so that the logits of the parts add up to those of the
    /// whole stream, less those of the norm's bias.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`]; or if the logits do not fit into memory, or the stream is
    /// not a sum, or the model lacks the part.
    pub fn lens(&self, text: &str, asked: &LensOptions) -> Result<LogitLens, InferError> {
        let config = self.model.config();
        if let Some(part) = asked.part {
            check_sum("a part of the residual stream", config)?;
            if part == StreamPart::Mlp && config.ffn == Ffn::None {
                return Err(InferError::Lacks {
                    what: "mlp",
                    why: "its blocks have no feed-forward network (model.ffn = \"none\")",
                });
            }
        }
        let tokens = self.tokens(text)?;
        self.check_length(tokens.len())?;
        self.check_lens(tokens.len(), asked)?;
        let names = [
            Activation::Embed,
            Activation::PosEmbed,
            Activation::ResidPre,
            Activation::ResidPost,
            Activation::AttnOut,
            Activation::MlpOut,
        ];
        let names = if asked.part.is_some() {
            &names[..]
        } else {
            &names[2..4]
        };
        let recording = self.record(&tokens, names, false);
        let rows = self.lens_rows(&recording, asked.part);
        let (layers, logits) = self.read_rows(rows, &tokens, asked);
        Ok(LogitLens {
            model: self.title(),
            text: text.to_owned(),
            tokens,
            part: asked.part,
            layers,
            vocab: self.rows(),
            logits,
        })
    }

    fn check_lens(&self, n: usize, asked: &LensOptions) -> Result<(), InferError> {
        let config = self.model.config();
        let rows = (n as u128).saturating_mul(config.n_layers as u128 + 1);
        let kept = match asked.logits {
            // The written file needs them once more.
            true => rows.saturating_mul(2 * 4 * self.rows() as u128),
            false => 0,
        };
        let bytes = memory::of_evaluation(config, n).saturating_add(kept);
        memory::check_buffers(config, 1, n, &self.model.device())?;
        let what = || format!("the logits of {n} tokens after each of the layers");
        let remedy = || "give a shorter text".to_owned();
        Ok(memory::check(bytes, &self.model.device(), what, remedy)?)
    }

    /// Return the normalised vectors that the head reads, `[layer + 1, pos, d_model]`.
    fn lens_rows(&self, recording: &Recording, part: Option<StreamPart>) -> Vec<f32> {
        let config = self.model.config();
        let stream = |row: usize| {
            let (name, layer) = match row.checked_sub(1) {
                None => (Activation::ResidPre, 0),
                Some(layer) => (Activation::ResidPost, layer),
            };
            recording.get(name, layer).unwrap_or_default()
        };
        let rows = 0..=config.n_layers;
        let Some(part) = part else {
            return rows.flat_map(stream).copied().collect();
        };
        let d = config.d_model;
        let mut sum = vec![0.0f64; stream(0).len()];
        let mut add = |values: Option<&[f32]>| {
            for (sum, value) in sum.iter_mut().zip(values.unwrap_or_default()) {
                *sum += f64::from(*value);
            }
            sum.clone()
        };
        if part == StreamPart::Embed {
            add(recording.get(Activation::Embed, 0));
            add(recording.get(Activation::PosEmbed, 0));
        }
        let gamma = self.gamma();
        let mut all = Vec::new();
        for row in rows {
            let name = match part {
                StreamPart::Embed => None,
                StreamPart::Attn => Some(Activation::AttnOut),
                StreamPart::Mlp => Some(Activation::MlpOut),
            };
            let added = name.zip(row.checked_sub(1));
            let sums = add(added.and_then(|(name, layer)| recording.get(name, layer)));
            for (sum, whole) in sums.chunks_exact(d).zip(stream(row).chunks_exact(d)) {
                let factor = scale_of(whole, config);
                let mean = match config.norm {
                    Norm::Layer => sum.iter().sum::<f64>() / d as f64,
                    Norm::Rms => 0.0,
                };
                let normed = sum.iter().zip(&gamma);
                all.extend(normed.map(|(x, gamma)| ((x - mean) * factor * gamma) as f32));
            }
        }
        all
    }

    /// Return the gains of the final norm, `[d_model]`.
    pub(crate) fn gamma(&self) -> Vec<f64> {
        let norm = self.model.norm_final.as_ref();
        let gains = norm.map(|norm| to_host(norm.weight.val()).1);
        let gains = gains.unwrap_or_else(|| vec![1.0; self.model.config().d_model]);
        gains.into_iter().map(f64::from).collect()
    }

    /// Apply the head to rows, and read the top tokens.
    fn read_rows(
        &self,
        rows: Vec<f32>,
        tokens: &[Token],
        asked: &LensOptions,
    ) -> (Vec<Vec<LensCell>>, Option<Vec<f32>>) {
        let (d, vocab, n) = (self.model.config().d_model, self.rows(), tokens.len());
        let mut cells = Vec::with_capacity(rows.len() / d);
        let mut kept = asked.logits.then(Vec::new);
        let together = (TOGETHER / vocab).max(1);
        for some in rows.chunks(together * d) {
            let count = some.len() / d;
            let x = TensorData::new(some.to_vec(), [1, count, d]);
            let x = Tensor::<3>::from_data(x, &self.model.device());
            let x = if asked.part.is_some() {
                x
            } else {
                self.final_norm(x)
            };
            let logits = to_host(self.head(x)).1;
            let first = cells.len();
            let of_rows = logits.par_chunks_exact(vocab).enumerate();
            let read = |(i, logits): (usize, &[f32])| {
                // Before the first layer, attention and feed-forward networks have added nothing.
                if first + i < n && matches!(asked.part, Some(StreamPart::Attn | StreamPart::Mlp)) {
                    return LensCell {
                        top: Vec::new(),
                        next: None,
                    };
                }
                let next = tokens.get((first + i) % n + 1).map(|token| token.id);
                self.cell(logits, next, asked.top)
            };
            cells.par_extend(of_rows.map(read));
            if let Some(kept) = &mut kept {
                kept.extend(logits);
            }
        }
        let layers = cells.chunks_exact(n).map(<[LensCell]>::to_vec).collect();
        (layers, kept)
    }

    /// Read one row of logits.
    fn cell(&self, logits: &[f32], next: Option<u32>, top: usize) -> LensCell {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits
            .iter()
            .map(|logit| f64::from(logit - largest).exp())
            .sum();
        let probability = |logit: f32| f64::from(logit - largest).exp() / sum;
        let token = |id: usize| LensToken {
            id: id as u32,
            text: self.tokenizer.token_text(id as u32),
            logit: logits[id],
            probability: probability(logits[id]),
        };
        let next = next.map(|id| {
            let logit = logits[id as usize];
            NextToken {
                id,
                probability: probability(logit),
                rank: 1 + logits.iter().filter(|other| **other > logit).count(),
            }
        });
        LensCell {
            top: largest_of(logits, top).into_iter().map(token).collect(),
            next,
        }
    }
}
