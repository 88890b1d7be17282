//! The same word in several places: its vectors layer by layer, their distances, and the heads that
//! move them apart.

mod compare;
mod find;
mod measure;
mod read;

use crate::HeadName;
use crate::attention_maps::Token;
use serde::Serialize;

/// A word to look for.
#[derive(Clone, Debug, PartialEq)]
pub struct AskedWord {
    /// The word, as it is spelt in the texts.
    pub word: String,
    /// The occurrence in each text, from 1; `None` for all.
    pub occurrence: Option<usize>,
}

/// A place of the word.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WordPlace {
    /// Index of the text.
    pub text: usize,
    /// Number of the occurrence in the text, from 1.
    pub occurrence: usize,
    /// Indices of the tokens that cover the word; its vector is the mean of theirs.
    pub tokens: Vec<usize>,
}

/// A text with the word.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SenseText {
    /// The text.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
}

/// The word's vectors after the embedding or after a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SenseRow {
    /// `embed`, or the layer after which the stream is read.
    pub name: String,
    /// Cosine distance, 1 less the cosine, of each two places, `[place, place]`.
    pub distances: Vec<f64>,
    /// Mean of the distances of different places.
    pub mean: f64,
    /// Mean distance of the word's vectors from those of all other tokens of the texts; `None`
    /// without other tokens.
    pub others: Option<f64>,
    /// Coordinates of each place along the two principal components of the vectors, `[place, 2]`.
    pub plane: Vec<f32>,
    /// Shares of the variance along the two components.
    pub shares: [f64; 2],
}

/// A token that a head attends to from the word.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttendedToken {
    /// Index of the token.
    pub index: usize,
    /// Its label.
    pub text: String,
    /// Mean weight over the word's tokens.
    pub weight: f64,
}

/// The difference that a head makes between the places.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadDifference {
    /// The head.
    pub head: HeadName,
    /// Mean distance of its outputs at two places, `‖o_a − o_b‖`, over the mean length of the word's
    /// vectors before the layer.
    pub moved: f64,
    /// The token that it attends to most from each place.
    pub attends: Vec<AttendedToken>,
}

/// Two places whose vectors are the same, because no token before or in the word differs and the
/// mask hides those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SameVectors(pub usize, pub usize);

/// The same word in several places.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Senses {
    /// Description of the model.
    pub model: String,
    /// The word.
    pub word: String,
    /// True if the mask hides tokens that come later.
    pub causal: bool,
    /// True if vectors are added for positions, and the places stand at different ones: they then
    /// differ before any layer.
    pub positions_differ: bool,
    /// The texts.
    pub texts: Vec<SenseText>,
    /// The places of the word in them.
    pub places: Vec<WordPlace>,
    /// A row for the embedding, and one for each layer.
    pub rows: Vec<SenseRow>,
    /// Index of the first row whose mean distance is at least half of the largest; `None` if all
    /// vectors are the same.
    pub separates: Option<usize>,
    /// Places that the mask keeps the same.
    pub same: Vec<SameVectors>,
    /// Every head, the one that moves the places apart most first.
    pub heads: Vec<HeadDifference>,
    /// The word's vectors, `[row, place, d_model]`.
    #[serde(skip)]
    pub vectors: Vec<f32>,
    /// Width of the vectors.
    pub d_model: usize,
}

impl Senses {
    /// Return the distance of two places in a row.
    pub fn distance(&self, row: usize, [a, b]: [usize; 2]) -> f64 {
        self.rows[row].distances[a * self.places.len() + b]
    }

    /// Return the pairs of places, the earlier one first.
    pub fn pairs(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let n = self.places.len();
        (0..n).flat_map(move |a| (a + 1..n).map(move |b| [a, b]))
    }

    /// Return true if the mask keeps the vectors of two places the same.
    pub fn is_same(&self, [a, b]: [usize; 2]) -> bool {
        self.same.contains(&SameVectors(a, b))
    }

    /// Return the name of a place: its number from 1, and the text, shortened.
    pub fn place_name(&self, place: usize) -> String {
        let WordPlace {
            text, occurrence, ..
        } = self.places[place];
        let whole = &self.texts[text].text;
        let several = self.places.iter().filter(|other| other.text == text);
        match several.count() {
            1 => whole.clone(),
            _ => format!("{whole} ({occurrence})"),
        }
    }
}
