//! What pictures are of.

use std::sync::Arc;

use super::cells::Cells;
use super::colour::Paint;
use super::font::Font;
use super::ruler::Ruler;
use super::sizes::Sizes;

/// What is common to the pictures of one kind of activation.
pub(super) struct Subject<'a> {
    /// What the values are, in the singular.
    pub(super) quantity: &'static str,
    /// Prepended to file names.
    pub(super) prefix: &'static str,
    /// Shared by all heads, so that they compare.
    pub(super) paint: Arc<Paint>,
    /// Where the maps come from, for the description of the picture.
    pub(super) source: String,
    /// The labels of the tokens, fit to be drawn.
    pub(super) labels: Vec<String>,
    pub(super) font: Option<&'a Font>,
    pub(super) ruler: Ruler<'a>,
    pub(super) sizes: Sizes,
}

impl Subject<'_> {
    /// File name without extension of a picture of one head, or of all of them.
    pub(super) fn file_name(&self, what: &str) -> String {
        format!("{}{what}", self.prefix)
    }
}

/// One head of one layer.
pub(super) struct Panel<'a> {
    pub(super) layer: usize,
    pub(super) head: usize,
    pub(super) cells: Cells<'a>,
}
