//! Exact match and alignment on pairs that are held out, by the length of the source.

use crate::results::{Measure, MeasureName};
use crate::track_data::TrackPairs;
use sisun_data::pairs::{PairBatch, PairBuckets, PairTokens};
use sisun_model::{Activation, Capture, Captured};
use sisun_seq2seq::measures::{
    AlignmentScores, AttentionMaps, HeadScores, PlaceScores, length_groups, written_greedily,
};
use sisun_seq2seq::{Seq2Seq, Seq2SeqPass};
use sisun_train::seq2seq::pair_tensors;
use std::sync::Arc;

/// Pairs that are read together.
const BATCH: usize = 64;
/// The reason why a model has no alignment.
const NO_ATTENTION: &str = "no attention to the source";

/// Findings of one pair.
struct OnePair {
    /// Tokens of the source.
    source_len: usize,
    /// True if the whole target is written.
    exact: bool,
    /// Scores of the heads, layer by layer.
    layers: Vec<HeadScores>,
}

/// Return the measures of each group of sources, at the longest source of the group; those of
/// attention only where alignments are known.
pub(crate) fn measure(model: &Seq2Seq, data: &TrackPairs, groups: usize) -> Vec<Measure> {
    let (pairs, by_place) = each_pair(model, data);
    let lengths: Vec<usize> = pairs.iter().map(|pair| pair.source_len).collect();
    let groups = length_groups(&lengths, groups);
    let head = best_head(&pairs);
    let mut measures = Vec::new();
    for group in &groups {
        let inside: Vec<&OnePair> = pairs
            .iter()
            .filter(|pair| group.contains(&pair.source_len))
            .collect();
        let mut add = |name, value: Option<f64>, note: Option<&str>| {
            measures.push(Measure {
                name,
                at: *group.end(),
                value,
                note: note.filter(|_| value.is_none()).map(str::to_owned),
            });
        };
        let exact = inside.iter().filter(|pair| pair.exact).count();
        let exact = exact as f64 / inside.len() as f64;
        add(MeasureName::ExactMatch, Some(exact), None);
        if !data.aligned {
            continue;
        }
        let (of_head, of_mean) = match head {
            Some((layer, head)) => sums(&inside, layer, head),
            None => Default::default(),
        };
        // A model with attention lacks these only in a group without true links.
        let note = match model.cross_attention() {
            Some(_) => "no pair has a true link",
            None => NO_ATTENTION,
        };
        let error = of_head.alignment_error_rate();
        add(MeasureName::AlignmentErrorRate, error, Some(note));
        add(
            MeasureName::AttentionMass,
            of_head.attention_mass(),
            Some(note),
        );
        if has_heads(model) {
            let error = of_mean.alignment_error_rate();
            add(
                MeasureName::AlignmentErrorRateMeanOfHeads,
                error,
                Some(note),
            );
        }
    }
    if let (true, true, Some(last)) = (data.aligned, has_heads(model), groups.last()) {
        for (name, value) in [
            (
                MeasureName::AlignmentErrorRateOneHead,
                by_place.error_of_one_head(),
            ),
            (
                MeasureName::AlignmentErrorRateHeadForEachPlace,
                by_place.error_of_a_head_for_each_place(),
            ),
        ] {
            measures.push(Measure {
                name,
                at: *last.end(),
                value,
                note: value
                    .is_none()
                    .then(|| "no pair has a true link".to_owned()),
            });
        }
    }
    measures
}

/// Return true if the model has several heads of attention to the source.
fn has_heads(model: &Seq2Seq) -> bool {
    model
        .cross_attention()
        .is_some_and(|(layers, heads)| layers * heads > 1)
}

/// Read every pair once, with its true target.
fn each_pair(model: &Seq2Seq, data: &TrackPairs) -> (Vec<OnePair>, PlaceScores) {
    let tokenizers = &data.pairs.tokenizers;
    let held_out = &data.pairs.validation.tokens;
    let buckets = PairBuckets::new(
        Arc::clone(held_out),
        BATCH,
        tokenizers.begin(),
        tokenizers.end(),
    );
    let (mut all, mut by_place) = (Vec::new(), PlaceScores::default());
    for (indexes, batch) in buckets.evaluation_batches(None) {
        let (written, patterns) = read(model, &batch, data.aligned);
        for (row, (at, exact)) in indexes.into_iter().zip(written).enumerate() {
            let pair = &held_out[at];
            let maps: Vec<AttentionMaps<'_>> = patterns
                .iter()
                .map(|pattern| maps(pattern, row, pair))
                .collect();
            let links = pair.links.as_deref().unwrap_or_default();
            let scores = |maps: &AttentionMaps<'_>| {
                let mut scores = HeadScores::default();
                scores.add_pair(maps, links);
                scores
            };
            by_place.add_pair(at, &maps, links);
            all.push(OnePair {
                source_len: pair.source.len(),
                exact,
                layers: maps.iter().map(scores).collect(),
            });
        }
    }
    (all, by_place)
}

/// Return, for each row, true if its target is written greedily, and the patterns of attention to
/// the source, layer by layer, if they are wanted and there are any.
fn read(model: &Seq2Seq, batch: &PairBatch, patterns: bool) -> (Vec<bool>, Vec<Captured>) {
    let (layers, heads) = model
        .cross_attention()
        .filter(|_| patterns)
        .unwrap_or((0, 0));
    let (layers, heads): (Vec<usize>, Vec<usize>) = ((0..layers).collect(), (0..heads).collect());
    let mut capture = Capture::new(&[Activation::Pattern], &layers, &heads);
    let mut pass = Seq2SeqPass {
        cross_capture: (!layers.is_empty()).then_some(&mut capture),
        ..Seq2SeqPass::default()
    };
    let logits = model.forward(&pair_tensors(batch, &model.device()), &mut pass);
    let written = written_greedily(logits, &batch.targets, &batch.target_lens);
    (written, capture.into_found())
}

/// Return the maps of one row of a layer's patterns, `[row, head, target, source]`.
fn maps<'p>(pattern: &'p Captured, row: usize, pair: &PairTokens) -> AttentionMaps<'p> {
    let [_, heads, rows, columns] = pattern.shape[..] else {
        unreachable!("a pattern has four axes")
    };
    let size = heads * rows * columns;
    AttentionMaps {
        weights: &pattern.values[row * size..(row + 1) * size],
        heads,
        rows,
        columns,
        source_len: pair.source.len(),
    }
}

/// Return layer and head with the lowest alignment error rate on all pairs, the first of equals.
fn best_head(pairs: &[OnePair]) -> Option<(usize, usize)> {
    let layers = pairs.iter().map(|pair| pair.layers.len()).max()?;
    let rated = (0..layers).filter_map(|layer| {
        let mut sum = HeadScores::default();
        pairs
            .iter()
            .filter_map(|pair| pair.layers.get(layer))
            .for_each(|scores| sum.add(scores));
        let (head, scores) = sum.best()?;
        Some((layer, head, scores.alignment_error_rate()?))
    });
    rated
        .min_by(|(.., a), (.., b)| a.total_cmp(b))
        .map(|(layer, head, _)| (layer, head))
}

/// Return the sums over pairs of the scores of a head, and of the mean of its layer's heads.
fn sums(pairs: &[&OnePair], layer: usize, head: usize) -> (AlignmentScores, AlignmentScores) {
    let (mut of_head, mut of_mean) = <(AlignmentScores, AlignmentScores)>::default();
    for scores in pairs.iter().filter_map(|pair| pair.layers.get(layer)) {
        if let Some(scores) = scores.heads.get(head) {
            of_head.add(scores);
        }
        of_mean.add(&scores.mean);
    }
    (of_head, of_mean)
}
