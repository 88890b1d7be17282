//! The most likely next token, along the residual stream.

use super::stream_rows::{StreamRows, difference, sum, wide};
use crate::LanguageModel;
use burn::tensor::{Tensor, TensorData};
use serde::{Serialize, Serializer};
use sisun_config::NormPlacement;
use sisun_model::{Activation, to_host};
use std::fmt;

/// The most likely token after the query, under the logit lens along the stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NextSteps {
    /// Token id.
    pub id: u32,
    /// Its text, as it is.
    pub text: String,
    /// Its probability at each point of the stream, the last of which is the model's own.
    pub points: Vec<StreamPoint>,
    /// Its probability after the layer's attention if the head's share is left out.
    pub without_head: f64,
}

impl NextSteps {
    /// Return the text of the token for display.
    pub fn label(&self) -> String {
        sisun_data::make_visible(&self.text)
    }
}

/// A point of the stream: after one part of the model has added its result.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StreamPoint {
    /// The part.
    pub part: StreamSource,
    /// Probability of the token if the stream ended here: final norm, head and softmax applied.
    pub probability: f64,
}

/// A part of the model that changes the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamSource {
    /// The token embedding.
    Embedding,
    /// The added position.
    Position,
    /// The attention of a layer.
    Attention(usize),
    /// The feed-forward network of a layer.
    FeedForward(usize),
}

impl fmt::Display for StreamSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedding => write!(f, "{}", Activation::Embed),
            Self::Position => write!(f, "{}", Activation::PosEmbed),
            Self::Attention(layer) => write!(f, "{} {layer}", Activation::AttnOut),
            Self::FeedForward(layer) => write!(f, "{} {layer}", Activation::MlpOut),
        }
    }
}

impl Serialize for StreamSource {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl LanguageModel {
    /// Return the points of the stream in the order of the forward pass, with the stream at each.
    pub(crate) fn points(&self, rows: &StreamRows) -> Vec<(StreamSource, Vec<f64>)> {
        let row = |name, layer: usize| rows.get(&(name, layer)).map(|row| wide(row));
        let mut points = Vec::new();
        if let Some(embedding) = row(Activation::Embed, 0) {
            points.push((StreamSource::Embedding, embedding));
        }
        if let (Some(_), Some(sum)) = (row(Activation::PosEmbed, 0), row(Activation::ResidPre, 0)) {
            points.push((StreamSource::Position, sum));
        }
        for layer in 0..self.model.config().n_layers {
            points.push((
                StreamSource::Attention(layer),
                self.after_attention(rows, layer),
            ));
            if let (Some(_), Some(after)) = (
                row(Activation::MlpOut, layer),
                row(Activation::ResidPost, layer),
            ) {
                points.push((StreamSource::FeedForward(layer), after));
            }
        }
        points
    }

    /// Return the stream after a layer's attention without the share of a head.
    pub(crate) fn without_share(&self, rows: &StreamRows, layer: usize, share: &[f64]) -> Vec<f64> {
        let config = self.model.config();
        let row = |name| rows.get(&(name, layer)).map(|row| wide(row));
        if config.norm_placement == NormPlacement::Pre {
            return difference(&self.after_attention(rows, layer), share);
        }
        let added = difference(&row(Activation::AttnOut).unwrap_or_default(), share);
        let stream = match config.residual {
            true => sum(&row(Activation::ResidPre).unwrap_or_default(), &added),
            false => added,
        };
        self.through(&stream, |x| self.model.blocks[layer].norm_attn.forward(x))
    }

    /// Apply the final norm and the head to vectors of the stream, and return for each the logits,
    /// `[vocab]`.
    pub(crate) fn read_out(&self, streams: &[Vec<f64>]) -> Vec<Vec<f32>> {
        let d_model = self.model.config().d_model;
        let values: Vec<f32> = streams.iter().flatten().map(|&x| x as f32).collect();
        let data = TensorData::new(values, [1, streams.len(), d_model]);
        let x = Tensor::<3>::from_data(data, &self.model.device());
        let logits = to_host(self.head(self.final_norm(x))).1;
        logits
            .chunks_exact(self.rows())
            .map(<[f32]>::to_vec)
            .collect()
    }

    pub(crate) fn next_steps(&self, rows: &StreamRows, layer: usize, share: &[f64]) -> NextSteps {
        let (parts, mut streams): (Vec<_>, Vec<_>) = self.points(rows).into_iter().unzip();
        streams.push(self.without_share(rows, layer, share));
        let logits = self.read_out(&streams);
        let id = logits
            .iter()
            .rev()
            .nth(1)
            .map_or(0, |last| most_likely(last));
        let probabilities: Vec<f64> = logits.iter().map(|row| probability(row, id)).collect();
        NextSteps {
            id: id as u32,
            text: self.tokenizer.token_text(id as u32),
            points: parts
                .into_iter()
                .zip(&probabilities)
                .map(|(part, &probability)| StreamPoint { part, probability })
                .collect(),
            without_head: probabilities.last().copied().unwrap_or(f64::NAN),
        }
    }
}

/// Return the index of the largest logit.
pub(crate) fn most_likely(logits: &[f32]) -> usize {
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(id, _)| id)
}

/// Return the softmax of logits at one token.
pub(crate) fn probability(logits: &[f32], id: usize) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exp = |logit: f32| f64::from(logit - most).exp();
    exp(logits[id]) / logits.iter().map(|&logit| exp(logit)).sum::<f64>()
}
