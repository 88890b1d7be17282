//! The attention of one target token to the source, worked through.

use super::{BEGIN, END, Translator};
use crate::{Index, InferError, Query, Token};
use serde::Serialize;
use sisun_config::{Context, Seq2SeqConfig};
use sisun_model::{Activation, Capture, Captured, to_host};
use sisun_seq2seq::{PairTensors, Rows, Seq2SeqPass};

/// The attention of one target token to the source, with the numbers of each step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairExplanation {
    /// Name and step of the model.
    pub model: String,
    /// The source.
    pub source: String,
    /// The target.
    pub target: String,
    /// Tokens of the target, its end included.
    pub target_tokens: Vec<Token>,
    /// Index of the target token that is being written.
    pub written: usize,
    /// Label of the token that the decoder has read last.
    pub before: String,
    /// Layer, counted from 0.
    pub layer: usize,
    /// Head, counted from 0.
    pub head: usize,
    /// The way in which scores are computed.
    pub scoring: Scoring,
    /// The query.
    pub q: Vec<f64>,
    /// `v` of additive scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_vector: Option<Vec<f64>>,
    /// The tokens of the source.
    pub keys: Vec<PairKey>,
    /// The attention output, `Σ weight · value`.
    pub output: Vec<f64>,
    /// Largest difference of these weights from those that the model computed.
    pub difference: f64,
}

/// A way of computing scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scoring {
    /// `q · k` (Luong et al. 2015).
    Dot,
    /// `q · k` with `q = W·s` (Luong et al. 2015).
    General,
    /// `v · tanh(q + k)` with `q = W·s` and `k = U·h` (Bahdanau et al. 2015).
    Additive,
    /// `q · k / √d_head` (Vaswani et al. 2017).
    Scaled,
}

/// A token of the source, with its part in the attention.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairKey {
    /// Label of the token.
    pub label: String,
    /// Its key.
    pub k: Vec<f64>,
    /// Its value.
    pub v: Vec<f64>,
    /// Its score.
    pub score: f64,
    /// Its weight: the softmax of the scores.
    pub weight: f64,
}

impl PairExplanation {
    /// Return the keys by weight, the largest first.
    pub fn heaviest(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.keys.len()).collect();
        order.sort_by(|a, b| self.keys[*b].weight.total_cmp(&self.keys[*a].weight));
        order
    }
}

impl Translator {
    /// Work the attention of one target token to the source through: scores, softmax and weighted
    /// sum, from the queries, keys and values of the model. `layer` defaults to the last, `query` to
    /// the first token.
    ///
    /// # Errors
    /// As [`Translator::attend`]; or if there is no such layer, head or token.
    pub fn explain(
        &self,
        source: &str,
        target: &str,
        layer: Option<usize>,
        head: usize,
        query: Option<&Query>,
    ) -> Result<PairExplanation, InferError> {
        self.check_attention()?;
        let sources = self.source_tokens(source)?;
        let mut targets = self.target_tokens(target)?;
        let (layers, heads) = self.model.cross_attention().unwrap_or((1, 1));
        let layer = layer.map_or(Index::FromEnd(1), Index::FromStart);
        let layer = layer.among("layer", layers)?;
        let head = Index::FromStart(head).among("head", heads)?;
        let length = target.chars().count();
        targets.push(Token {
            id: self.tokenizers.end(),
            text: END.to_owned(),
            plain: END.to_owned(),
            start: length,
            end: length,
        });
        let first = Query::Number(0);
        let written = query.unwrap_or(&first).among(target, &targets)?.end - 1;
        let found = self.cross_attention(&sources, &targets, layer, head);
        let row = |name, row: usize| {
            let captured = found.iter().find(|one| one.name == name);
            captured.map_or_else(Vec::new, |one| row_of(one, row))
        };
        let q = row(Activation::Q, written);
        let (scoring, score_vector) = self.scoring();
        let mut keys: Vec<PairKey> = sources
            .iter()
            .enumerate()
            .map(|(at, token)| {
                let k = row(Activation::K, at);
                PairKey {
                    label: token.text.clone(),
                    score: score(scoring, &q, &k, score_vector.as_deref()),
                    v: row(Activation::V, at),
                    k,
                    weight: 0.0,
                }
            })
            .collect();
        let largest = keys.iter().map(|key| key.score).fold(f64::MIN, f64::max);
        let sum: f64 = keys.iter().map(|key| (key.score - largest).exp()).sum();
        for key in &mut keys {
            key.weight = (key.score - largest).exp() / sum;
        }
        let width = keys.first().map_or(0, |key| key.v.len());
        let output = (0..width)
            .map(|i| keys.iter().map(|key| key.weight * key.v[i]).sum())
            .collect();
        let own = row(Activation::Pattern, written);
        let differences = keys
            .iter()
            .zip(&own)
            .map(|(key, own)| (key.weight - own).abs());
        Ok(PairExplanation {
            model: self.title(),
            source: source.to_owned(),
            target: target.to_owned(),
            before: match written {
                0 => BEGIN.to_owned(),
                at => targets[at - 1].text.clone(),
            },
            target_tokens: targets,
            written,
            layer,
            head,
            scoring,
            difference: differences.fold(0.0, f64::max),
            q,
            score_vector,
            keys,
            output,
        })
    }

    /// Capture queries, keys, values and patterns of the attention to the source.
    fn cross_attention(
        &self,
        sources: &[Token],
        targets: &[Token],
        layer: usize,
        head: usize,
    ) -> Vec<Captured> {
        let ids = |tokens: &[Token]| -> Vec<u32> { tokens.iter().map(|token| token.id).collect() };
        let (source, targets) = (ids(sources), ids(targets));
        let read = targets.iter().take(targets.len() - 1).copied();
        let inputs: Vec<u32> = std::iter::once(self.tokenizers.begin())
            .chain(read)
            .collect();
        let names = [
            Activation::Q,
            Activation::K,
            Activation::V,
            Activation::Pattern,
        ];
        let mut capture = Capture::new(&names, &[layer], &[head]);
        let mut pass = Seq2SeqPass {
            cross_capture: Some(&mut capture),
            ..Seq2SeqPass::default()
        };
        let batch = PairTensors::new(
            Rows {
                tokens: &source,
                lens: &[source.len()],
            },
            &inputs,
            Rows {
                tokens: &targets,
                lens: &[targets.len()],
            },
            &self.model.device(),
        );
        self.model.forward(&batch, &mut pass);
        capture.into_found()
    }

    /// Return the way in which the model computes scores, and `v` of additive ones.
    fn scoring(&self) -> (Scoring, Option<Vec<f64>>) {
        let Seq2SeqConfig::Recurrent(config) = self.model.config() else {
            return (Scoring::Scaled, None);
        };
        match config.context {
            Context::Additive => {
                let mut weights = self.model.flat();
                let vector = weights.remove("net.Recurrent.decoder.score");
                let vector = vector.map(|flat| to_host(flat.values).1);
                let vector = vector.map(|values| values.into_iter().map(f64::from).collect());
                (Scoring::Additive, vector)
            }
            Context::General => (Scoring::General, None),
            _ => (Scoring::Dot, None),
        }
    }
}

/// Return a row of a captured activation, `[1, 1, position, width]`.
fn row_of(found: &Captured, row: usize) -> Vec<f64> {
    let width = found.shape[3];
    let values = &found.values[row * width..(row + 1) * width];
    values.iter().copied().map(f64::from).collect()
}

fn score(scoring: Scoring, q: &[f64], k: &[f64], vector: Option<&[f64]>) -> f64 {
    let dot = || q.iter().zip(k).map(|(q, k)| q * k).sum::<f64>();
    match scoring {
        Scoring::Dot | Scoring::General => dot(),
        Scoring::Scaled => dot() / (q.len() as f64).sqrt(),
        Scoring::Additive => {
            let terms = q.iter().zip(k).zip(vector.unwrap_or_default());
            terms.map(|((q, k), v)| v * (q + k).tanh()).sum()
        }
    }
}
