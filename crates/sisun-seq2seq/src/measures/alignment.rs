//! Attention beside the true alignment.
//!
//! Attention always looks somewhere, so only target tokens with a true link are judged: the others
//! (the hyphens of a date, the end) have no right place to look. A true link is one from a target
//! token to a *span* of source tokens, and the attention's link goes from the token to the span in
//! which its largest weight lies. Where every span is one token, this is the error rate of Och and
//! Ney as it is; where `March` is five tokens, looking at any of them is right, and all five need
//! not be looked at.

use sisun_data::pairs::TokenLink;
use std::collections::BTreeSet;

/// Return the alignment error rate, `1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|)`, of the links A beside
/// the sure links S and the possible ones P, which contain the sure ones (Och and Ney 2003, §3.1).
/// Each is a pair (target, source). `None` if A and S are empty.
pub fn alignment_error_rate(
    links: &[(usize, usize)],
    sure: &[(usize, usize)],
    possible: &[(usize, usize)],
) -> Option<f64> {
    let links: BTreeSet<_> = links.iter().collect();
    let sure: BTreeSet<_> = sure.iter().collect();
    let allowed: BTreeSet<_> = sure.iter().copied().chain(possible).collect();
    let hits = links.intersection(&sure).count() + links.intersection(&allowed).count();
    let all = links.len() + sure.len();
    (all > 0).then(|| 1.0 - hits as f64 / all as f64)
}

/// Attention weights of a pair, for each head. Row `t` of a map is the attention with which target
/// token `t`, from 0, is written.
#[derive(Clone, Copy, Debug)]
pub struct AttentionMaps<'a> {
    /// The weights, `[heads, rows, columns]`, row-major.
    pub weights: &'a [f32],
    /// The number of heads.
    pub heads: usize,
    /// The number of target rows, padding included.
    pub rows: usize,
    /// The number of source columns, padding included.
    pub columns: usize,
    /// The number of source tokens: columns from here on are padding.
    pub source_len: usize,
}

impl AttentionMaps<'_> {
    pub(super) fn row(&self, head: usize, target: usize) -> &[f32] {
        let start = (head * self.rows + target) * self.columns;
        &self.weights[start..start + self.source_len]
    }
}

/// What is counted in the attention of one head. Counts of several pairs add up to those of all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AlignmentScores {
    /// Target tokens with a true link, each of which has one link by the attention: |A|.
    pub links: u64,
    /// True sure links: |S|.
    pub sure: u64,
    /// Links of the attention that are sure: |A ∩ S|.
    pub sure_hits: u64,
    /// Links of the attention that are sure or possible: |A ∩ P|.
    pub possible_hits: u64,
    /// Target tokens with a sure link.
    pub tokens: u64,
    /// The sum over those of the weight on source tokens of their sure links.
    pub mass: f64,
    /// The sum over those of the weight that would lie there if all source tokens had the same.
    pub even_mass: f64,
}

impl AlignmentScores {
    /// Count one target token: the weights on the source tokens, and its true links.
    pub fn add_token(&mut self, weights: &[f32], links: &[TokenLink]) {
        let Some(peak) = largest(weights).filter(|_| !links.is_empty()) else {
            return;
        };
        let hit = |possible: bool| {
            let mut of_kind = links.iter().filter(|link| link.possible == possible);
            of_kind.any(|link| link.source.contains(&peak))
        };
        let sure: BTreeSet<(usize, usize)> = links
            .iter()
            .filter(|link| !link.possible)
            .map(|link| (link.source.start, link.source.end))
            .collect();
        self.links += 1;
        self.sure += sure.len() as u64;
        self.sure_hits += u64::from(hit(false));
        self.possible_hits += u64::from(hit(false) || hit(true));
        if sure.is_empty() {
            return;
        }
        let inside: BTreeSet<usize> = sure.iter().flat_map(|&(start, end)| start..end).collect();
        let weight_at = |at: &usize| weights.get(*at).map(|weight| f64::from(*weight));
        self.tokens += 1;
        self.mass += inside.iter().filter_map(weight_at).sum::<f64>();
        self.even_mass += inside.len() as f64 / weights.len() as f64;
    }

    /// Add the counts of other tokens.
    pub fn add(&mut self, other: &Self) {
        self.links += other.links;
        self.sure += other.sure;
        self.sure_hits += other.sure_hits;
        self.possible_hits += other.possible_hits;
        self.tokens += other.tokens;
        self.mass += other.mass;
        self.even_mass += other.even_mass;
    }

    /// Return the [`alignment_error_rate`]; `None` without true links.
    pub fn alignment_error_rate(&self) -> Option<f64> {
        let (hits, all) = (self.sure_hits + self.possible_hits, self.links + self.sure);
        (all > 0).then(|| 1.0 - hits as f64 / all as f64)
    }

    /// Return the mean weight on the source tokens of a token's sure links, from 0 to 1; `None`
    /// without any.
    pub fn attention_mass(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.mass / self.tokens as f64)
    }

    /// Return the [attention mass](Self::attention_mass) of an attention that looks evenly at all
    /// of the source; `None` without sure links.
    pub fn even_attention_mass(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.even_mass / self.tokens as f64)
    }

    /// Return the share of target tokens with a sure link whose largest weight lies on it; `None`
    /// without any.
    pub fn pointing_accuracy(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.sure_hits as f64 / self.tokens as f64)
    }
}

/// Return the index of the largest weight, the first if several are.
fn largest(weights: &[f32]) -> Option<usize> {
    let mut found: Option<(usize, f32)> = None;
    for (at, &weight) in weights.iter().enumerate() {
        if found.is_none_or(|(_, most)| weight > most) {
            found = Some((at, weight));
        }
    }
    found.map(|(at, _)| at)
}

/// The scores of each head, and of the mean of their weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeadScores {
    /// The scores of each head.
    pub heads: Vec<AlignmentScores>,
    /// The scores of the mean of all heads' weights.
    pub mean: AlignmentScores,
}

impl HeadScores {
    /// Count the attention of one pair. `links` are its true ones, sorted by target token.
    ///
    /// # Panics
    /// If the maps do not have all target tokens of `links`, or fewer weights than they say.
    pub fn add_pair(&mut self, maps: &AttentionMaps<'_>, links: &[TokenLink]) {
        self.heads
            .resize(maps.heads.max(self.heads.len()), AlignmentScores::default());
        let mut mean = vec![0.0; maps.source_len];
        for of_token in links.chunk_by(|a, b| a.target == b.target) {
            let target = of_token[0].target;
            mean.fill(0.0);
            for (head, scores) in self.heads.iter_mut().enumerate().take(maps.heads) {
                let row = maps.row(head, target);
                scores.add_token(row, of_token);
                for (sum, weight) in mean.iter_mut().zip(row) {
                    *sum += weight / maps.heads as f32;
                }
            }
            self.mean.add_token(&mean, of_token);
        }
    }

    /// Add the counts of other pairs.
    pub fn add(&mut self, other: &Self) {
        self.heads.resize(
            other.heads.len().max(self.heads.len()),
            AlignmentScores::default(),
        );
        for (head, more) in self.heads.iter_mut().zip(&other.heads) {
            head.add(more);
        }
        self.mean.add(&other.mean);
    }

    /// Return the head with the least alignment error rate, and its scores.
    pub fn best(&self) -> Option<(usize, &AlignmentScores)> {
        let rated = |scores: &AlignmentScores| scores.alignment_error_rate();
        let heads = self.heads.iter().enumerate();
        heads
            .filter_map(|(head, scores)| Some((head, scores, rated(scores)?)))
            .min_by(|(_, _, a), (_, _, b)| a.total_cmp(b))
            .map(|(head, scores, _)| (head, scores))
    }
}

#[cfg(test)]
mod tests {
    use super::{AlignmentScores, AttentionMaps, HeadScores, alignment_error_rate};
    use sisun_data::pairs::TokenLink;
    use std::ops::Range;

    fn link(target: usize, source: Range<usize>, possible: bool) -> TokenLink {
        TokenLink {
            target,
            possible,
            source,
        }
    }

    #[test]
    fn error_rates_known_by_hand() {
        let sure = [(0, 0), (1, 1)];
        let possible = [(2, 1), (2, 2)];
        assert_eq!(alignment_error_rate(&sure, &sure, &possible), Some(0.0));
        // Sure links found, and a possible one: 1 - (2 + 3) / (3 + 2).
        assert_eq!(
            alignment_error_rate(&[(0, 0), (1, 1), (2, 2)], &sure, &possible),
            Some(0.0)
        );
        // One sure link missed, one link wrong: 1 - (1 + 2) / (3 + 2).
        let found = alignment_error_rate(&[(0, 0), (1, 2), (2, 1)], &sure, &possible);
        assert!(found.is_some_and(|rate| (rate - 0.4).abs() < 1e-12));
        assert_eq!(alignment_error_rate(&[], &sure, &possible), Some(1.0));
        assert_eq!(alignment_error_rate(&[], &[], &possible), None);
    }

    /// With spans of one token the scores are the error rate of the links that attention makes.
    #[test]
    fn scores_of_single_tokens_are_those_of_their_links() {
        let weights = [
            0.7, 0.2, 0.1, //
            0.1, 0.2, 0.7, //
            0.3, 0.4, 0.3, //
        ];
        let links = [
            link(0, 0..1, false),
            link(1, 1..2, false),
            link(2, 1..2, true),
            link(2, 2..3, true),
        ];
        let mut scores = HeadScores::default();
        let maps = AttentionMaps {
            weights: &weights,
            heads: 1,
            rows: 3,
            columns: 3,
            source_len: 3,
        };
        scores.add_pair(&maps, &links);
        let expected = alignment_error_rate(
            &[(0, 0), (1, 2), (2, 1)],
            &[(0, 0), (1, 1)],
            &[(2, 1), (2, 2)],
        );
        assert_eq!(scores.heads[0].alignment_error_rate(), expected);
        assert_eq!(scores.heads[0], scores.mean);
        let of = scores.heads[0];
        assert!(
            of.attention_mass()
                .is_some_and(|mass| (mass - 0.45).abs() < 1e-6)
        );
        assert!(
            of.even_attention_mass()
                .is_some_and(|mass| (mass - 1.0 / 3.0).abs() < 1e-12)
        );
        assert_eq!(of.pointing_accuracy(), Some(0.5));
    }

    #[test]
    fn a_span_is_found_by_any_of_its_tokens() {
        let mut scores = AlignmentScores::default();
        scores.add_token(&[0.1, 0.2, 0.4, 0.3], &[link(0, 1..4, false)]);
        assert_eq!(scores.alignment_error_rate(), Some(0.0));
        assert!(
            scores
                .attention_mass()
                .is_some_and(|mass| (mass - 0.9).abs() < 1e-6)
        );
        // Of two sure spans attention can point at one: 1 - (1 + 1) / (1 + 2).
        let mut scores = AlignmentScores::default();
        scores.add_token(&[0.6, 0.4], &[link(0, 0..1, false), link(0, 1..2, false)]);
        assert!(
            scores
                .alignment_error_rate()
                .is_some_and(|rate| (rate - 1.0 / 3.0).abs() < 1e-12)
        );
    }

    #[test]
    fn padding_does_not_count_and_heads_are_apart() {
        // Two heads over two targets, padded to three columns with weights that must not be seen.
        let weights = [
            1.0, 0.0, 9.0, 0.0, 1.0, 9.0, //
            0.0, 1.0, 9.0, 0.75, 0.25, 9.0, //
        ];
        let maps = AttentionMaps {
            weights: &weights,
            heads: 2,
            rows: 2,
            columns: 3,
            source_len: 2,
        };
        let links = [link(0, 0..1, false), link(1, 1..2, false)];
        let mut scores = HeadScores::default();
        scores.add_pair(&maps, &links);
        let rates: Vec<_> = scores
            .heads
            .iter()
            .map(AlignmentScores::alignment_error_rate)
            .collect();
        assert_eq!(rates, [Some(0.0), Some(1.0)]);
        assert_eq!(scores.best().map(|(head, _)| head), Some(0));
        // The means are ½ ½ and ⅜ ⅝; of equal weights the first counts.
        assert_eq!(scores.mean.alignment_error_rate(), Some(0.0));
        let mut twice = scores.clone();
        twice.add(&scores);
        assert_eq!(twice.heads[1].links, 4);
        assert_eq!(twice.mean.attention_mass(), scores.mean.attention_mass());
    }
}
