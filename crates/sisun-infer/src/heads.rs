//! Measurements of attention heads.

mod ablation;
mod formation;
mod offsets;
mod repetition;
mod score;
mod spread;
mod values;

pub use ablation::{AblationKind, HeadReplacements};
pub use formation::{Formation, FormingRun, Passing, Proportion, ScoreCurve, StepInterval};
pub use offsets::{OffsetShare, Offsets};
pub use repetition::Repetition;
pub use score::HeadScore;
pub use spread::AttentionSpread;
pub use values::value_weighted;

use crate::attend::CaptureSelection;
use crate::attention_maps::{ActivationMap, Token};
use crate::chance::Chance;
use crate::rollout::Rollout;
use crate::{InferError, LanguageModel};
use burn::tensor::{Int, Tensor, TensorData};
use offsets::duplicates;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;
use sisun_config::randomness;
use sisun_model::{Activation, Capture, Captured, Pass};
use std::collections::BTreeMap;
use values::as_shares;

/// Length of the random sequences that are repeated, if context and vocabulary allow.
const DRAWN: usize = 50;
/// Number of random sequences.
const SEQUENCES: usize = 8;

/// Measurements of one head.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeadStats {
    /// Layer, counted from 0.
    pub layer: usize,
    /// Head within the layer, counted from 0.
    pub head: usize,
    /// Spread of its attention over a text.
    #[serde(flatten)]
    pub spread: AttentionSpread,
    /// Attention to earlier occurrences.
    #[serde(flatten)]
    pub repetition: Repetition,
    /// Rise of the loss in nats per token when the head is ablated, if measured.
    #[serde(rename = "silenced")]
    pub ablation: Option<f64>,
}

impl HeadStats {
    /// Join what was measured of heads separately, by layer and head; without ablation.
    pub fn joined(
        layers: &[usize],
        heads: &[usize],
        spreads: &[Vec<AttentionSpread>],
        repetition: &[Vec<Repetition>],
    ) -> Vec<Vec<Self>> {
        let of_layer = |(l, &layer): (usize, &usize)| {
            let of_head = |(h, &head): (usize, &usize)| Self {
                layer,
                head,
                spread: spreads[l][h],
                repetition: repetition[l][h],
                ablation: None,
            };
            heads.iter().enumerate().map(of_head).collect()
        };
        layers.iter().enumerate().map(of_layer).collect()
    }
}

/// All that is measured of one head.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadMeasures {
    /// The measurements that a page shows as well.
    #[serde(flatten)]
    pub stats: HeadStats,
    /// Attention by offset.
    #[serde(flatten)]
    pub offsets: Offsets,
    /// Weight on all earlier occurrences of the query's token in the text, averaged over the
    /// queries that have one (Wang et al. 2022); `None` if no token occurs twice.
    pub duplicate: Option<f64>,
    /// The same measurements of value-weighted attention.
    pub weighted: WeightedStats,
    /// Rise of the loss on held-out text in nats per token for each kind of ablation, by its name;
    /// empty if not measured.
    pub ablated: BTreeMap<AblationKind, f64>,
}

/// Measurements of `αᵢⱼ·‖f(xⱼ)‖` (Kobayashi et al. 2020), scaled so that each row sums to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct WeightedStats {
    /// Spread over a text.
    #[serde(flatten)]
    pub spread: AttentionSpread,
    /// Share of earlier occurrences.
    #[serde(flatten)]
    pub repetition: Repetition,
}

/// Rise of the loss on held-out text, in nats per token, when a head is ablated, by
/// `(layer, head)`; measured heads only.
pub type LossRises = BTreeMap<(usize, usize), f64>;

/// Measurements of all heads of a model on a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadReport {
    /// Tokens of the text.
    pub tokens: Vec<Token>,
    /// Measurements of each head, layer by layer.
    pub heads: Vec<HeadMeasures>,
    /// Chance levels of the weights.
    pub chance: Chance,
    /// Attention rollout (Abnar and Zuidema 2020), `[query, key]`.
    pub rollout: Vec<Vec<f32>>,
}

impl LanguageModel {
    /// Measure each head on a text, without ablation.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`].
    pub fn heads(&self, text: &str) -> Result<HeadReport, InferError> {
        let looking = CaptureSelection {
            activations: vec![Activation::V, Activation::Pattern],
            ..CaptureSelection::default()
        };
        let config = self.model.config();
        let (layers, heads) = looking.of(config)?;
        let ids: Vec<u32> = self.tokens(text)?.iter().map(|token| token.id).collect();
        let n = ids.len();
        self.check_length(n)?;
        self.check_room(n, 2 * heads.len(), 0, &looking)?;
        let mut found: Vec<Vec<OnText>> = Vec::new();
        let mut rollout = Rollout::new(n);
        let mut norms = Vec::new();
        let tokens = self.attend_each(text, &looking, |map| match map.activation {
            // The values of a layer come before its pattern.
            Activation::V => norms = self.value_norms(map.layer, &map.heads, &map.values),
            _ => {
                let patterns: Vec<&[f32]> = map.by_head().map(|(_, pattern)| pattern).collect();
                rollout.add_layer(&patterns);
                found.push(OnText::of_layer(&map, &norms, &ids, config.causal));
            }
        })?;
        let spreads: Vec<Vec<AttentionSpread>> = found
            .iter()
            .map(|layer| layer.iter().map(|head| head.spread).collect())
            .collect();
        let repetition = self.repetitions(&layers, &heads, true);
        let plain = repetition.iter().map(|layer| layer.iter().map(|two| two.0));
        let stats = HeadStats::joined(
            &layers,
            &heads,
            &spreads,
            &plain.map(Iterator::collect).collect::<Vec<_>>(),
        );
        let measures = stats.concat().into_iter();
        let measures = measures.zip(found.concat()).zip(repetition.concat()).map(
            |((stats, on_text), (_, weighted))| HeadMeasures {
                stats,
                offsets: on_text.offsets,
                duplicate: on_text.duplicate.map(|(share, _)| share),
                weighted: WeightedStats {
                    spread: on_text.weighted,
                    repetition: weighted,
                },
                ablated: BTreeMap::new(),
            },
        );
        let duplicate = found.iter().flatten().find_map(|head| head.duplicate);
        let rollout = rollout
            .matrix()
            .chunks_exact(n)
            .map(<[f32]>::to_vec)
            .collect();
        Ok(HeadReport {
            tokens,
            chance: Chance {
                duplicate: duplicate.map(|(_, chance)| chance),
                ..self.chance(n)
            },
            heads: measures.collect(),
            rollout,
        })
    }

    /// Measure these heads, given their spread, by layer and head; without ablation.
    pub fn head_stats(
        &self,
        layers: &[usize],
        heads: &[usize],
        spreads: &[Vec<AttentionSpread>],
    ) -> Vec<Vec<HeadStats>> {
        HeadStats::joined(layers, heads, spreads, &self.repetition(layers, heads))
    }

    /// Return the chance levels on a text of `n` tokens and on repeated random sequences.
    pub fn chance(&self, n: usize) -> Chance {
        let repeated = self
            .repeatable()
            .map(|(ids, drawn)| (self.tokenizer.prefix().len(), drawn.min(ids.len())));
        Chance::of(self.model.config().causal, n, repeated)
    }

    /// Return the tokens to draw random sequences from, and the length of a sequence. Added tokens
    /// and tokens unknown to the model or the tokenizer are excluded. `None` if context or
    /// vocabulary is too small.
    fn repeatable(&self) -> Option<(Vec<i32>, usize)> {
        let (tokenizer, rows) = (&self.tokenizer, self.rows());
        let prefix = tokenizer.prefix();
        let known = tokenizer.vocab_size().min(rows) as u32;
        let ids: Vec<i32> = (0..known)
            .filter(|&id| tokenizer.has_token(id) && !tokenizer.is_added(id))
            .map(|id| id as i32)
            .collect();
        let drawn = DRAWN
            .min(self.model.config().context_len.saturating_sub(prefix.len()) / 2)
            .min(ids.len());
        (drawn >= 2 && prefix.iter().all(|&id| (id as usize) < rows)).then_some((ids, drawn))
    }

    /// Measure the attention of these heads on repeated random sequences, preceded by the prefix of
    /// the tokenizer, by layer and head. The sequences depend only on the vocabulary and the
    /// context length.
    pub fn repetition(&self, layers: &[usize], heads: &[usize]) -> Vec<Vec<Repetition>> {
        let found = self.repetitions(layers, heads, false).into_iter();
        found
            .map(|layer| layer.into_iter().map(|(plain, _)| plain).collect())
            .collect()
    }

    /// Measure as [`LanguageModel::repetition`] does, the weights themselves and, if asked for,
    /// value-weighted attention.
    fn repetitions(
        &self,
        layers: &[usize],
        heads: &[usize],
        by_value: bool,
    ) -> Vec<Vec<(Repetition, Repetition)>> {
        let Some((mut ids, drawn)) = self.repeatable() else {
            return vec![vec![<(Repetition, Repetition)>::default(); heads.len()]; layers.len()];
        };
        let prefix: Vec<i32> = self
            .tokenizer
            .prefix()
            .iter()
            .map(|&id| id as i32)
            .collect();
        let mut tokens = Vec::new();
        for sequence in 0..SEQUENCES as u64 {
            // Sampled without replacement, so that each token has a unique earlier occurrence.
            let (chosen, _) = ids.partial_shuffle(
                &mut randomness::stream(0, "repeated tokens", sequence),
                drawn,
            );
            tokens.extend_from_slice(&prefix);
            tokens.extend_from_slice(chosen);
            tokens.extend_from_slice(chosen);
        }
        let length = prefix.len() + 2 * drawn;
        let tokens = TensorData::new(tokens, [SEQUENCES, length]);
        let names: &[Activation] = match by_value {
            true => &[Activation::V, Activation::Pattern],
            false => &[Activation::Pattern],
        };
        let mut capture = Capture::new(names, layers, heads);
        let tokens = Tensor::<2, Int>::from_data(tokens, &self.model.device());
        let pass = Pass {
            edits: &self.edits.list,
            ..Pass::capturing(&mut capture)
        };
        self.model.forward_last(tokens, pass);
        let found = capture.into_found();
        let of = |name| found.iter().filter(move |captured| captured.name == name);
        let mut values = of(Activation::V);
        let of_layer = |captured: &Captured| {
            let (count, before) = (heads.len(), prefix.len());
            // The heads of each sequence, one sequence after another.
            let patterns: Vec<&[f32]> = captured.values.chunks_exact(length * length).collect();
            let norms = values.next().map(|values| {
                let all: Vec<usize> = (0..SEQUENCES).flat_map(|_| heads.to_vec()).collect();
                self.value_norms(captured.layer, &all, &values.values)
            });
            let of_head = |head: usize| {
                let each = (0..SEQUENCES).map(|sequence| sequence * count + head);
                let plain = Repetition::of(each.clone().map(|at| patterns[at]), before, drawn);
                let weighted = norms.as_ref().map(|norms| {
                    let weighted: Vec<Vec<f32>> = each
                        .map(|at| as_shares(value_weighted(patterns[at], &norms[at]), length))
                        .collect();
                    Repetition::of(weighted.iter().map(Vec::as_slice), before, drawn)
                });
                (plain, weighted.unwrap_or_default())
            };
            (0..count).map(of_head).collect()
        };
        of(Activation::Pattern).map(of_layer).collect()
    }
}

/// Measurements of one head on a text.
#[derive(Clone, Debug)]
struct OnText {
    spread: AttentionSpread,
    offsets: Offsets,
    /// Weight on earlier occurrences, and what uniform attention has there.
    duplicate: Option<(f64, f64)>,
    weighted: AttentionSpread,
}

impl OnText {
    /// Measure the heads of a layer, given the norm of what each key contributes.
    fn of_layer(map: &ActivationMap, norms: &[Vec<f32>], ids: &[u32], causal: bool) -> Vec<Self> {
        let n = ids.len();
        let patterns: Vec<&[f32]> = map.by_head().map(|(_, pattern)| pattern).collect();
        let of_head = |(pattern, norms): (&&[f32], &Vec<f32>)| Self {
            spread: AttentionSpread::of(pattern, n),
            offsets: Offsets::of(pattern, n, causal),
            duplicate: duplicates(pattern, ids, causal),
            weighted: AttentionSpread::of(&as_shares(value_weighted(pattern, norms), n), n),
        };
        patterns.par_iter().zip(norms).map(of_head).collect()
    }
}
