//! Attention to earlier occurrences in random sequences that are repeated.

use serde::Serialize;

/// Attention of one head to earlier occurrences in random sequences that are repeated, averaged
/// over the second occurrence. `None` if context or vocabulary is too small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Repetition {
    /// Weight on the first occurrence of the same token.
    pub same: Option<f64>,
    /// Weight on the token after the first occurrence: prefix matching, the mark of an induction
    /// head (Olsson et al. 2022, "In-context Learning and Induction Heads").
    pub induction: Option<f64>,
}

impl Repetition {
    /// Measure patterns over sequences of `before` tokens followed by `drawn` tokens twice.
    ///
    /// # Shapes
    /// - each pattern: `[query, key]`, both of the length of the sequence
    pub(crate) fn of<'a>(
        patterns: impl Iterator<Item = &'a [f32]>,
        before: usize,
        drawn: usize,
    ) -> Self {
        let (mut same, mut induction, mut queries) = (0.0, 0.0, 0);
        let length = before + 2 * drawn;
        for pattern in patterns {
            for query in before + drawn..length {
                let row = &pattern[query * length..][..length];
                same += f64::from(row[query - drawn]);
                induction += f64::from(row[query - drawn + 1]);
                queries += 1;
            }
        }
        let mean = |sum: f64| (queries > 0).then(|| sum / f64::from(queries));
        Self {
            same: mean(same),
            induction: mean(induction),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Repetition;

    #[test]
    fn the_token_after_the_same_token_is_induction() {
        // Two tokens, repeated once. The third query attends to the second token, the fourth half
        // to itself, half to the third.
        #[rustfmt::skip]
        let pattern = [
            1.0, 0.0, 0.0, 0.0,
            0.0, 1.0, 0.0, 0.0,
            0.2, 0.8, 0.0, 0.0,
            0.0, 0.0, 0.5, 0.5,
        ];
        let found = Repetition::of([&pattern[..]].into_iter(), 0, 2);
        assert_eq!(found.same, Some(f64::from(0.2f32) / 2.0));
        assert_eq!(found.induction, Some((f64::from(0.8f32) + 0.5) / 2.0));
        assert_eq!(
            Repetition::of(std::iter::empty(), 0, 2),
            Repetition::default()
        );
    }

    #[test]
    fn what_comes_before_the_tokens_that_come_twice_is_passed_over() {
        // One token, then two tokens repeated once. The fourth query attends to the second token,
        // the fifth to the fourth.
        let mut pattern = [0.0; 25];
        (pattern[3 * 5 + 1], pattern[4 * 5 + 3]) = (1.0, 1.0);
        let found = Repetition::of([&pattern[..]].into_iter(), 1, 2);
        assert_eq!((found.same, found.induction), (Some(0.5), Some(0.5)));
    }
}
