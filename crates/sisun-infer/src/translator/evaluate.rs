//! Evaluation of a sequence-to-sequence model on pairs.

use super::Translator;
use crate::InferError;
use sisun_data::pairs::{PairBatch, PairBuckets, PairSet, PairTokens};
use sisun_model::{Activation, Capture, Captured, to_host};
use sisun_seq2seq::measures::{
    AlignmentScores, AttentionMaps, BleuTokens, HeadScores, TextScores, length_groups,
};
use sisun_seq2seq::{PairTensors, Rows, Seq2SeqPass};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Pairs that are read together.
const BATCH: usize = 64;
/// Largest number of groups by length.
const GROUPS: usize = 8;

/// The scores of a model on pairs.
#[derive(Clone, Debug)]
pub struct PairEvaluation {
    /// Scores on all pairs.
    pub all: PairScores,
    /// Scores by the number of source tokens.
    pub by_length: Vec<(RangeInclusive<usize>, PairScores)>,
    /// The division of targets into the words that BLEU compares.
    pub bleu_tokens: BleuTokens,
}

/// The scores of some pairs.
#[derive(Clone, Debug, Default)]
pub struct PairScores {
    /// The targets that the model writes greedily, beside the true ones.
    pub texts: TextScores,
    /// Sum of the cross-entropies of the true targets' tokens, ends included, in nats.
    pub loss_sum: f64,
    /// Number of those tokens.
    pub tokens: u64,
    /// Cross-attention while the true target is read, layer by layer, beside the true alignment.
    /// Empty if the model has no attention.
    pub layers: Vec<HeadScores>,
}

impl PairScores {
    /// Return the mean cross-entropy of the true targets' tokens, in nats.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.tokens as f64
    }

    /// Return layer and head with the lowest alignment error rate, if an alignment is known.
    pub fn best_head(&self) -> Option<(usize, usize)> {
        let rated = self.layers.iter().enumerate().filter_map(|(layer, heads)| {
            let (head, scores) = heads.best()?;
            Some((layer, head, scores.alignment_error_rate()?))
        });
        rated
            .min_by(|(.., a), (.., b)| a.total_cmp(b))
            .map(|(layer, head, _)| (layer, head))
    }

    /// Return the alignment scores of a head.
    pub fn head(&self, layer: usize, head: usize) -> Option<&AlignmentScores> {
        self.layers.get(layer)?.heads.get(head)
    }

    fn add(&mut self, other: &Self) {
        self.texts.add(&other.texts);
        self.loss_sum += other.loss_sum;
        self.tokens += other.tokens;
        self.layers.resize(
            self.layers.len().max(other.layers.len()),
            HeadScores::default(),
        );
        for (layer, more) in self.layers.iter_mut().zip(&other.layers) {
            layer.add(more);
        }
    }
}

impl Translator {
    /// Evaluate the model on all pairs, or on at most `limit`, evenly spaced and always the same.
    ///
    /// # Errors
    /// If a pair is longer than the model reads or writes, or if its scores are not numbers.
    ///
    /// # Panics
    /// If there are no pairs.
    pub fn evaluate(
        &self,
        pairs: &PairSet,
        limit: Option<usize>,
    ) -> Result<PairEvaluation, InferError> {
        let config = self.model.config();
        pairs.check_lengths(config.max_source_len(), config.max_target_len())?;
        let bleu_tokens = words_of(pairs);
        let (begin, end) = (self.tokenizers.begin(), self.tokenizers.end());
        let batches = PairBuckets::new(Arc::clone(&pairs.tokens), BATCH, begin, end);
        let mut each: Vec<(usize, PairScores)> = Vec::new();
        for (indexes, batch) in batches.evaluation_batches(limit) {
            let tokens: Vec<&PairTokens> = indexes.iter().map(|at| &pairs.tokens[*at]).collect();
            let mut scores = self.forced(&batch, &tokens);
            let sources: Vec<&[u32]> = tokens.iter().map(|pair| &*pair.source).collect();
            let written = self.translate_ids(&sources)?;
            for ((scores, written), at) in scores.iter_mut().zip(written).zip(&indexes) {
                let reference = &pairs.corpus.pairs[*at].target;
                scores.texts = TextScores::of(&written.text, reference, bleu_tokens);
            }
            let lengths = tokens.iter().map(|pair| pair.source.len());
            each.extend(lengths.zip(scores));
        }
        let lengths: Vec<usize> = each.iter().map(|(length, _)| *length).collect();
        let sum = |wanted: &dyn Fn(usize) -> bool| {
            let mut sum = PairScores::default();
            let of_group = each.iter().filter(|(length, _)| wanted(*length));
            of_group.for_each(|(_, scores)| sum.add(scores));
            sum
        };
        let groups = length_groups(&lengths, GROUPS).into_iter();
        Ok(PairEvaluation {
            all: sum(&|_| true),
            by_length: groups
                .map(|group| {
                    let scores = sum(&|length| group.contains(&length));
                    (group, scores)
                })
                .collect(),
            bleu_tokens,
        })
    }

    /// Return the scores of each row while the decoder reads the true targets.
    fn forced(&self, batch: &PairBatch, tokens: &[&PairTokens]) -> Vec<PairScores> {
        let source = Rows {
            tokens: &batch.source,
            lens: &batch.source_lens,
        };
        let targets = Rows {
            tokens: &batch.targets,
            lens: &batch.target_lens,
        };
        let tensors = PairTensors::new(source, &batch.inputs, targets, &self.model.device());
        let (layers, heads) = self.model.cross_attention().unwrap_or((0, 0));
        let (layers, heads): (Vec<usize>, Vec<usize>) =
            ((0..layers).collect(), (0..heads).collect());
        let mut capture = Capture::new(&[Activation::Pattern], &layers, &heads);
        let mut pass = Seq2SeqPass {
            cross_capture: (!layers.is_empty()).then_some(&mut capture),
            ..Seq2SeqPass::default()
        };
        let (shape, logits) = to_host(self.model.forward(&tensors, &mut pass));
        let patterns = capture.into_found();
        let of_row = batch.target_len * shape[2];
        let rows = logits.chunks_exact(of_row).zip(tokens).enumerate();
        rows.map(|(row, (logits, pair))| {
            let (losses, tokens) = self.losses(logits, shape[2], &pair.target);
            PairScores {
                texts: TextScores::default(),
                loss_sum: losses,
                tokens,
                layers: patterns
                    .iter()
                    .map(|pattern| alignment(pattern, row, pair))
                    .collect(),
            }
        })
        .collect()
    }

    /// Return the sum of the cross-entropies of a target's tokens, its end included, and their
    /// number.
    pub(super) fn losses(&self, logits: &[f32], vocab: usize, target: &[u32]) -> (f64, u64) {
        let end = [self.tokenizers.end()];
        let targets = target.iter().chain(&end);
        let rows = logits.chunks_exact(vocab).zip(targets);
        let sum = rows.map(|(row, target)| {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = row.iter().map(|x| f64::from(x - largest).exp()).sum();
            sum.ln() + f64::from(largest - row[*target as usize])
        });
        (sum.sum(), target.len() as u64 + 1)
    }
}

/// Return the alignment scores of a row of one layer's patterns, `[row, head, target, source]`.
fn alignment(pattern: &Captured, row: usize, pair: &PairTokens) -> HeadScores {
    let mut scores = HeadScores::default();
    let Some(links) = &pair.links else {
        return scores;
    };
    let [_, heads, rows, columns] = pattern.shape[..] else {
        unreachable!("a pattern has four axes")
    };
    let size = heads * rows * columns;
    let maps = AttentionMaps {
        weights: &pattern.values[row * size..(row + 1) * size],
        heads,
        rows,
        columns,
        source_len: pair.source.len(),
    };
    scores.add_pair(&maps, links);
    scores
}

/// Return the words by which targets are compared: characters, unless most of them have spaces.
fn words_of(pairs: &PairSet) -> BleuTokens {
    let all = &pairs.corpus.pairs;
    let spaced = all.iter().filter(|pair| pair.target.contains(' ')).count();
    match 2 * spaced > all.len() {
        true => BleuTokens::Words,
        false => BleuTokens::Characters,
    }
}
