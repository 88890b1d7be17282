//! Division of work among heads: the alignment of one head everywhere beside that of a head chosen
//! anew for each place of the target.

use super::alignment::{AlignmentScores, AttentionMaps};
use sisun_data::pairs::TokenLink;

/// Scores of every head at every place of the target, on two halves of the pairs.
///
/// Heads are chosen on one half and judged on the other, and the reverse, so that a choice among
/// many heads does not look better by luck: if heads divide the work, a head of its own for each
/// place errs less than the best single head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlaceScores {
    /// `[half][place][head]`, the heads of all layers.
    halves: [Vec<Vec<AlignmentScores>>; 2],
}

impl PlaceScores {
    /// Count the attention of one pair, whose number decides its half. `layers` holds the maps of
    /// each layer, `links` are the true ones, sorted by target token.
    ///
    /// # Panics
    /// If the maps do not have all target tokens of `links`, or fewer weights than they say.
    pub fn add_pair(&mut self, number: usize, layers: &[AttentionMaps<'_>], links: &[TokenLink]) {
        let places = &mut self.halves[number % 2];
        for of_token in links.chunk_by(|a, b| a.target == b.target) {
            let place = of_token[0].target;
            if places.len() <= place {
                places.resize(place + 1, Vec::new());
            }
            let heads = layers
                .iter()
                .flat_map(|maps| (0..maps.heads).map(move |head| maps.row(head, place)));
            for (head, row) in heads.enumerate() {
                if places[place].len() <= head {
                    places[place].push(AlignmentScores::default());
                }
                places[place][head].add_token(row, of_token);
            }
        }
    }

    /// Return the alignment error rate of the best single head; `None` without true links.
    pub fn error_of_one_head(&self) -> Option<f64> {
        self.error(|chosen_on, _| best(&total(chosen_on)))
    }

    /// Return the alignment error rate if each place of the target has its own best head; `None`
    /// without true links.
    pub fn error_of_a_head_for_each_place(&self) -> Option<f64> {
        self.error(|chosen_on, place| {
            let here = chosen_on.get(place).and_then(|heads| best(heads));
            // A place that only the other half has.
            here.or_else(|| best(&total(chosen_on)))
        })
    }

    fn error(
        &self,
        choose: impl Fn(&[Vec<AlignmentScores>], usize) -> Option<usize>,
    ) -> Option<f64> {
        let [first, second] = &self.halves;
        let mut sum = AlignmentScores::default();
        for (chosen_on, judged_on) in [(first, second), (second, first)] {
            for (place, heads) in judged_on
                .iter()
                .enumerate()
                .filter(|(_, heads)| !heads.is_empty())
            {
                sum.add(heads.get(choose(chosen_on, place)?)?);
            }
        }
        sum.alignment_error_rate()
    }
}

/// Return the scores of each head over all places.
fn total(places: &[Vec<AlignmentScores>]) -> Vec<AlignmentScores> {
    let heads = places.iter().map(Vec::len).max().unwrap_or(0);
    let mut total = vec![AlignmentScores::default(); heads];
    for of_place in places {
        for (sum, scores) in total.iter_mut().zip(of_place) {
            sum.add(scores);
        }
    }
    total
}

/// Return the head with the least error, the first of equals.
fn best(heads: &[AlignmentScores]) -> Option<usize> {
    let rated = heads
        .iter()
        .enumerate()
        .filter_map(|(head, scores)| Some((head, scores.alignment_error_rate()?)));
    rated
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(head, _)| head)
}

#[cfg(test)]
mod tests {
    use super::PlaceScores;
    use crate::measures::AttentionMaps;
    use sisun_data::pairs::TokenLink;

    fn scores(weights: &[f32]) -> PlaceScores {
        let links: Vec<TokenLink> = (0..2)
            .map(|at| TokenLink {
                target: at,
                possible: false,
                source: at..at + 1,
            })
            .collect();
        // One head in each of two layers.
        let maps: Vec<AttentionMaps<'_>> = weights
            .chunks_exact(4)
            .map(|weights| AttentionMaps {
                weights,
                heads: 1,
                rows: 2,
                columns: 2,
                source_len: 2,
            })
            .collect();
        let mut scores = PlaceScores::default();
        for number in 0..6 {
            scores.add_pair(number, &maps, &links);
        }
        scores
    }

    #[test]
    fn heads_that_divide_the_work_are_right_together() {
        // The first head is right at place 0, the second at place 1.
        let divided = scores(&[0.9, 0.1, 0.9, 0.1, 0.1, 0.9, 0.1, 0.9]);
        assert_eq!(divided.error_of_one_head(), Some(0.5));
        assert_eq!(divided.error_of_a_head_for_each_place(), Some(0.0));
    }

    #[test]
    fn heads_that_do_the_same_gain_nothing() {
        let same = scores(&[0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1]);
        assert_eq!(same.error_of_one_head(), Some(0.5));
        assert_eq!(same.error_of_a_head_for_each_place(), Some(0.5));
        assert_eq!(PlaceScores::default().error_of_one_head(), None);
    }

    /// A head that is right by luck on one half of the pairs is wrong on the other.
    #[test]
    fn luck_does_not_count() {
        let link = TokenLink {
            target: 0,
            possible: false,
            source: 0..1,
        };
        let (right, wrong) = ([0.9, 0.1], [0.1, 0.9]);
        let mut scores = PlaceScores::default();
        for number in 0..2 {
            let weights = if number == 0 {
                [right, wrong]
            } else {
                [wrong, right]
            };
            let maps = weights.each_ref().map(|weights| AttentionMaps {
                weights,
                heads: 1,
                rows: 1,
                columns: 2,
                source_len: 2,
            });
            scores.add_pair(number, &maps, std::slice::from_ref(&link));
        }
        assert_eq!(scores.error_of_a_head_for_each_place(), Some(1.0));
    }
}
