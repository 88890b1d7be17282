//! Activation patching: which activations of the clean run, put into the corrupt one, bring the
//! clean answer back.

mod gradient;
mod options;
mod path;
mod run;
mod sites;
mod texts;

pub use options::{AlignedIndex, AttentionInput, PatchOptions, PathOptions};

use crate::answer::AnswerToken;
use crate::attention_maps::Token;
use sisun_model::Activation;

/// The axis of a patching's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchAxis {
    /// A column for each position, in the clean and in the corrupt text.
    Positions(Vec<(usize, usize)>),
    /// A column for each head, of which all patched positions are replaced at once.
    Heads,
}

/// A text of a patching.
#[derive(Clone, Debug)]
pub struct PatchText {
    /// The text.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// The logit of the answer less that of the other one, after the last token.
    pub difference: f64,
}

/// A path from the output of a head to the inputs of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchedPath {
    /// The receiving head, `(layer, head)`.
    pub to: (usize, usize),
    /// The inputs of the receiver that the path goes into.
    pub into: Vec<AttentionInput>,
}

/// The agreement of attribution patching with exact patching.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Pearson's correlation over the compared cells; `None` if the cells of either do not vary.
    pub correlation: Option<f64>,
    /// Number of cells that were patched exactly, evenly chosen.
    pub cells: usize,
    /// Largest difference of the two.
    pub largest: f64,
}

/// The result of patching one cell at a time.
#[derive(Clone, Debug)]
pub struct Patching {
    /// Title of the model.
    pub model: String,
    /// The text whose activations are put in place.
    pub clean: PatchText,
    /// The text that is read.
    pub corrupt: PatchText,
    /// The answer of the clean text.
    pub answer: AnswerToken,
    /// The other answer.
    pub against: AnswerToken,
    /// The patched activation, `z` if a path is.
    pub activation: Activation,
    /// The path, if one is patched and not the activation itself.
    pub path: Option<PatchedPath>,
    /// The axis of the columns.
    pub axis: PatchAxis,
    /// Layers, a row for each.
    pub layers: Vec<usize>,
    /// Number of columns.
    pub columns: usize,
    /// The recovered share of the difference, `[layer, column]`: 0 is the corrupt run's, 1 the clean
    /// run's; it may lie outside. NaN where nothing can be patched.
    pub recovered: Vec<f64>,
    /// Of attribution patching, its agreement with the exact values.
    pub fast: Option<Agreement>,
}

impl Patching {
    /// Return the recovered share of a cell.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.recovered[row * self.columns + column]
    }
}
