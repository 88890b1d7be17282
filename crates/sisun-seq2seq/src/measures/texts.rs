//! A model's texts beside the true ones.

use super::bleu::{Bleu, BleuCounts};
use super::bleu_tokens::BleuTokens;
use super::edit_distance::edit_distance;

/// What is counted in some texts. Counts of several groups of texts add up to those of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextScores {
    /// The number of texts.
    pub texts: u64,
    /// Those that are right to the character.
    pub exact: u64,
    /// Characters to insert, delete or replace in the others.
    pub edits: u64,
    /// Characters of the true texts.
    pub characters: u64,
    /// The counts of BLEU.
    pub bleu: BleuCounts,
}

impl TextScores {
    /// Count one text of the model beside the true one.
    pub fn of(written: &str, reference: &str, tokens: BleuTokens) -> Self {
        Self {
            texts: 1,
            exact: u64::from(written == reference),
            edits: edit_distance(written, reference) as u64,
            characters: reference.chars().count() as u64,
            bleu: BleuCounts::of(written, reference, tokens),
        }
    }

    /// Add the counts of other texts.
    pub fn add(&mut self, other: &Self) {
        self.texts += other.texts;
        self.exact += other.exact;
        self.edits += other.edits;
        self.characters += other.characters;
        self.bleu.add(&other.bleu);
    }

    /// Return the share of texts that are right to the character; `None` of no text.
    pub fn exact_match(&self) -> Option<f64> {
        share(self.exact, self.texts)
    }

    /// Return the edits for each character of the true texts; above 1 if the model writes much more
    /// than it should. `None` of no text.
    pub fn character_error_rate(&self) -> Option<f64> {
        share(self.edits, self.characters)
    }

    /// Return BLEU; `None` of no text.
    pub fn bleu(&self) -> Option<Bleu> {
        (self.texts > 0).then(|| self.bleu.score())
    }
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

#[cfg(test)]
mod tests {
    use super::{BleuTokens, TextScores};

    #[test]
    fn counts_add_up() {
        let mut all = TextScores::default();
        assert_eq!(
            (all.exact_match(), all.character_error_rate()),
            (None, None)
        );
        assert!(all.bleu().is_none());
        for (written, reference) in [("silla", "silla"), ("jongro", "jongno"), ("", "han")] {
            all.add(&TextScores::of(written, reference, BleuTokens::Characters));
        }
        assert_eq!(
            (all.texts, all.exact, all.edits, all.characters),
            (3, 1, 4, 14)
        );
        assert_eq!(all.exact_match(), Some(1.0 / 3.0));
        assert_eq!(all.character_error_rate(), Some(4.0 / 14.0));
        assert_eq!(
            all.bleu().map(|bleu| bleu.precisions[0]),
            Some(1000.0 / 11.0)
        );
    }
}
