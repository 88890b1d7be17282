//! The contents of pictures.

use std::sync::Arc;

use super::about::About;
use super::cells::Cells;
use super::colour::Paint;
use super::font::Font;
use super::ruler::Ruler;
use super::sizes::Sizes;
use super::wording::{AxisTitles, Quantity, Wording};

/// Properties shared by the pictures of one activation.
pub(super) struct Subject<'a> {
    pub(super) quantity: Quantity,
    pub(super) wording: Wording,
    /// Prefix of file names.
    pub(super) prefix: String,
    /// Prefix of the titles of pictures.
    pub(super) part: &'static str,
    /// Edits of the model, for the end of the titles of pictures; empty without edits.
    pub(super) edits: String,
    /// Titles of the axes.
    pub(super) titles: AxisTitles,
    /// Colours, shared by all heads so that they are comparable.
    pub(super) paint: Arc<Paint>,
    /// Source of the maps as a line below the title: model and text.
    pub(super) source: String,
    /// Model, text and unit, for the metadata of the picture.
    pub(super) about: About,
    /// Escaped labels of the queries.
    pub(super) rows: Vec<String>,
    /// Escaped labels of the keys.
    pub(super) columns: Vec<String>,
    /// The true alignment as pairs of query and key.
    pub(super) links: &'a [(usize, usize)],
    pub(super) font: Option<&'a Font>,
    pub(super) ruler: Ruler<'a>,
    pub(super) sizes: Sizes,
}

impl Subject<'_> {
    /// Return the metadata of a picture of one head or of all heads.
    pub(super) fn about(&self, title: &str, head: Option<(usize, usize)>) -> About {
        let mut entries = vec![
            ("Title", format!("{title} · {}", self.source)),
            ("Software", "Sisun".to_owned()),
        ];
        entries.extend(self.about.0.iter().cloned());
        if let Some((layer, head)) = head {
            entries.extend([("Layer", layer.to_string()), ("Head", head.to_string())]);
        }
        About(entries)
    }

    /// Return the file name without extension of a picture of one head or of all heads.
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
