//! Direct logit attribution: what each part of the model adds to a logit (Elhage et al. 2021, "A
//! Mathematical Framework for Transformer Circuits"; Wang et al. 2022, "Interpretability in the
//! Wild").

use crate::answer::AnswerToken;
use crate::attention_maps::Token;
use crate::explain::Query;
use crate::matrix::dot;
use crate::residual::{Recording, check_sum};
use crate::unembedding::scale_of;
use crate::{InferError, LanguageModel};
use burn::tensor::{Int, Tensor, TensorData};
use serde::{Serialize, Serializer};
use sisun_config::{ModelConfig, Norm};
use sisun_model::{Activation, memory, to_host};
use std::fmt;

/// A part of the model that writes into the residual stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contributor {
    /// The token embedding.
    Embed,
    /// The position embedding.
    Positions,
    /// A head: its weighted values times its rows of W_O.
    Head {
        /// Layer, counted from 0.
        layer: usize,
        /// Head, counted from 0.
        head: usize,
    },
    /// The bias of attention's output.
    AttentionBias {
        /// Layer, counted from 0.
        layer: usize,
    },
    /// A feed-forward network, with its biases.
    FeedForward {
        /// Layer, counted from 0.
        layer: usize,
    },
    /// The bias of the final norm.
    FinalNormBias,
}

impl fmt::Display for Contributor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embed => f.write_str("embed"),
            Self::Positions => f.write_str("pos_embed"),
            Self::Head { layer, head } => write!(f, "head {layer}.{head}"),
            Self::AttentionBias { layer } => write!(f, "attn_bias {layer}"),
            Self::FeedForward { layer } => write!(f, "mlp {layer}"),
            Self::FinalNormBias => f.write_str("norm_bias"),
        }
    }
}

impl Serialize for Contributor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Options of an attribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributionOptions {
    /// The answer whose logit is split.
    pub answer: String,
    /// The answer whose logit is subtracted, if any.
    pub against: Option<String>,
    /// The position whose prediction is looked at.
    pub query: Query,
}

/// What each part of a model adds to a logit, or to the difference of two.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// Description of the model.
    pub model: String,
    /// The text.
    pub text: String,
    /// Tokens of the text.
    pub tokens: Vec<Token>,
    /// The token whose logit is split.
    pub answer: AnswerToken,
    /// The token whose logit is subtracted.
    pub against: Option<AnswerToken>,
    /// Index of the position that was asked for.
    pub query: usize,
    /// The parts, in the order of the forward pass.
    pub parts: Vec<Contributor>,
    /// What each part adds, `[part, pos]`.
    pub values: Vec<f64>,
    /// The model's own logit or difference, `[pos]`.
    pub of_model: Vec<f64>,
}

impl Attribution {
    /// Return what a part adds at a position.
    pub fn at(&self, part: usize, position: usize) -> f64 {
        self.values[part * self.tokens.len() + position]
    }

    /// Return the sum of all parts at a position. It is the model's own logit (difference) but for
    /// rounding.
    pub fn sum(&self, position: usize) -> f64 {
        (0..self.parts.len())
            .map(|part| self.at(part, position))
            .sum()
    }

    /// Return the largest difference, over positions, of the sum of the parts from the model's own
    /// logit (difference).
    pub fn error(&self) -> f64 {
        let errors = (0..self.tokens.len()).map(|at| (self.sum(at) - self.of_model[at]).abs());
        errors.fold(0.0, |a, b| if a >= b || a.is_nan() { a } else { b })
    }
}

/// What each part of a model adds to the logit of the token that follows in the text, at every
/// position but the last.
#[derive(Clone, Debug, PartialEq)]
pub struct NextAttribution {
    /// Description of the model.
    pub model: String,
    /// Tokens of the text.
    pub tokens: Vec<Token>,
    /// The parts, in the order of the forward pass.
    pub parts: Vec<Contributor>,
    /// What each part adds, `[part, pos]`, for the `tokens.len() − 1` positions that have a
    /// following token.
    pub values: Vec<f64>,
    /// The model's own logit of the following token, `[pos]`.
    pub of_model: Vec<f64>,
}

impl NextAttribution {
    /// Return the sum of all parts at a position. It is the model's own logit but for rounding.
    pub fn sum(&self, position: usize) -> f64 {
        let positions = self.of_model.len();
        self.values.iter().skip(position).step_by(positions).sum()
    }
}

impl LanguageModel {
    /// Split the logit of a token (less that of another) into what each part of the model adds, at
    /// every position.
    ///
    /// The residual stream is a sum, and the head is linear. The final norm is linear once its
    /// scale is fixed: the scale of this very run is used, so a part `y` adds
    /// `((y − mean(y)) · s ⊙ γ) · w`, with `s = 1/√(variance + ε)` of the whole stream, `w` the
    /// head's weights of the token (or their difference), and no mean in RMS norm. The norm's bias
    /// adds `β · w`.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`], [`LanguageModel::answer`] and [`Query`]; with norms after
    /// the sums or without residual connections; or if both answers begin with the same token.
    pub fn attribute(
        &self,
        text: &str,
        asked: &AttributionOptions,
    ) -> Result<Attribution, InferError> {
        let config = self.model.config();
        check_sum("direct logit attribution", config)?;
        let tokens = self.tokens(text)?;
        self.check_length(tokens.len())?;
        let answer = self.answer(text, &asked.answer)?;
        let against = asked.against.as_ref();
        let against = against
            .map(|against| self.answer(text, against))
            .transpose()?;
        if against.as_ref().is_some_and(|other| other.id == answer.id) {
            return Err(InferError::SameAnswer { token: answer.text });
        }
        let query = asked.query.among(text, &tokens)?.end - 1;
        let recording = self.recorded_sum(&tokens)?;
        let against_id = against.as_ref().map(|other| other.id);
        let mut w = self.head_column(answer.id);
        if let Some(against) = against_id {
            let other = self.head_column(against);
            w.iter_mut().zip(other).for_each(|(w, other)| *w -= other);
        }
        let (parts, values) = self.contributions(&recording, &[w]);
        Ok(Attribution {
            model: self.title(),
            text: text.to_owned(),
            of_model: logits(&recording.logits, answer.id, against_id),
            tokens,
            answer,
            against,
            query,
            parts,
            values,
        })
    }

    /// Split, at every position but the last, the logit of the token that follows into what each
    /// part of the model adds, as [`LanguageModel::attribute`] does for one token.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`]; or with norms after the sums or without residual
    /// connections.
    pub fn attribute_next(&self, text: &str) -> Result<NextAttribution, InferError> {
        check_sum("direct logit attribution", self.model.config())?;
        let tokens = self.tokens(text)?;
        self.check_length(tokens.len())?;
        let recording = self.recorded_sum(&tokens)?;
        let following: Vec<u32> = tokens.iter().skip(1).map(|token| token.id).collect();
        let mut found = NextAttribution {
            model: self.title(),
            parts: Vec::new(),
            values: Vec::new(),
            of_model: Vec::new(),
            tokens,
        };
        if !following.is_empty() {
            let w: Vec<Vec<f64>> = following.iter().map(|&id| self.head_column(id)).collect();
            (found.parts, found.values) = self.contributions(&recording, &w);
            found.of_model = own_logits(&recording.logits, &following);
        }
        Ok(found)
    }

    /// Run the model and record what is added to the residual stream, its sum, and all logits.
    fn recorded_sum(&self, tokens: &[Token]) -> Result<Recording, InferError> {
        let config = self.model.config();
        memory::check_buffers(config, 1, tokens.len(), &self.model.device())?;
        memory::check(
            memory::of_evaluation(config, tokens.len()),
            &self.model.device(),
            || format!("the logits of {} tokens", tokens.len()),
            || "give a shorter text".to_owned(),
        )?;
        Ok(self.record(
            tokens,
            &[
                Activation::Embed,
                Activation::PosEmbed,
                Activation::Z,
                Activation::MlpOut,
                Activation::ResidPost,
            ],
            true,
        ))
    }

    /// Return the parts, and what each adds, `[part, pos]`, to the product with the head's weights
    /// `w`: one vector for all positions, or one for each of the first positions, which are then
    /// the positions of the result.
    fn contributions(&self, recording: &Recording, w: &[Vec<f64>]) -> (Vec<Contributor>, Vec<f64>) {
        let config = self.model.config();
        let gamma = self.gamma();
        let directions = w.iter().map(|w| direction(w, &gamma, config));
        let directions: Vec<Vec<f64>> = directions.collect();
        let stream = recording.get(Activation::ResidPost, config.n_layers - 1);
        let scales: Vec<f64> = stream
            .unwrap_or_default()
            .chunks_exact(config.d_model)
            .map(|x| scale_of(x, config))
            .collect();
        let n = scales.len();
        let positions = if w.len() == 1 { n } else { w.len() };
        let own = |at: usize| if w.len() == 1 { 0 } else { at };
        let (mut parts, mut values) = (Vec::new(), Vec::new());
        let mut add = |part, found: Option<&[f32]>, directions: &[Vec<f64>]| {
            let Some(found) = found else { return };
            parts.push(part);
            let rows = found.chunks_exact(directions[0].len()).zip(&scales);
            let adds =
                |(at, (y, scale)): (usize, (&[f32], &f64))| dot(y, &directions[own(at)]) * scale;
            values.extend(rows.take(positions).enumerate().map(adds));
        };
        let of = |name, layer| recording.get(name, layer);
        add(Contributor::Embed, of(Activation::Embed, 0), &directions);
        add(
            Contributor::Positions,
            of(Activation::PosEmbed, 0),
            &directions,
        );
        let d_head = config.d_head();
        for layer in 0..config.n_layers {
            let o = &self.model.blocks[layer].attn.o;
            let weights = to_host(o.weight.val()).1;
            let z = of(Activation::Z, layer).unwrap_or_default();
            for head in 0..config.n_heads {
                let through_head = |direction: &Vec<f64>| {
                    let rows = weights.chunks_exact(config.d_model);
                    let rows = rows.skip(head * d_head).take(d_head);
                    rows.map(|row| dot(row, direction)).collect()
                };
                let directions: Vec<Vec<f64>> = directions.iter().map(through_head).collect();
                let z = &z[head * n * d_head..][..n * d_head];
                add(Contributor::Head { layer, head }, Some(z), &directions);
            }
            if let Some(bias) = &o.bias {
                let bias = to_host(bias.val()).1.repeat(n);
                add(
                    Contributor::AttentionBias { layer },
                    Some(&bias),
                    &directions,
                );
            }
            let mlp = of(Activation::MlpOut, layer);
            add(Contributor::FeedForward { layer }, mlp, &directions);
        }
        let norm = self.model.norm_final.as_ref();
        if let Some(bias) = norm.and_then(|norm| norm.bias.as_ref()) {
            parts.push(Contributor::FinalNormBias);
            let bias = to_host(bias.val()).1;
            values.extend((0..positions).map(|at| dot(&bias, &w[own(at)])));
        }
        (parts, values)
    }
}

/// Return the vector whose product with a part, times the norm's scale, is what the part adds: the
/// gains times the head's weights, and in layer norm less their mean, which subtracts the mean of
/// the part.
fn direction(w: &[f64], gamma: &[f64], config: &ModelConfig) -> Vec<f64> {
    let mut direction: Vec<f64> = w.iter().zip(gamma).map(|(w, gamma)| w * gamma).collect();
    if config.norm == Norm::Layer {
        let mean = direction.iter().sum::<f64>() / direction.len() as f64;
        direction.iter_mut().for_each(|x| *x -= mean);
    }
    direction
}

/// Return the model's own logit, or difference of two, at each position.
fn logits(recorded: &Tensor<3>, answer: u32, against: Option<u32>) -> Vec<f64> {
    let ids: Vec<i64> = [answer].into_iter().chain(against).map(i64::from).collect();
    let n = ids.len();
    let device = recorded.device();
    let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [n]), &device);
    let (_, values) = to_host(recorded.clone().select(2, ids));
    let difference = |row: &[f32]| {
        let other = row.get(1).copied().unwrap_or_default();
        f64::from(row[0]) - f64::from(other)
    };
    values.chunks_exact(n).map(difference).collect()
}

/// Return the model's own logit of one token at each of the first positions.
fn own_logits(recorded: &Tensor<3>, ids: &[u32]) -> Vec<f64> {
    let [_, n, vocab] = recorded.dims();
    let device = recorded.device();
    // Position `at` of the flattened logits begins at `at · vocab`.
    let places: Vec<i64> = ids
        .iter()
        .enumerate()
        .map(|(at, &id)| (at * vocab) as i64 + i64::from(id))
        .collect();
    let count = places.len();
    let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &device);
    let flat: Tensor<1> = recorded.clone().reshape([n * vocab]);
    let (_, values) = to_host(flat.select(0, places));
    values.into_iter().map(f64::from).collect()
}
