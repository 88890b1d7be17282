//! The content of the report, independent of its output format, HTML or Markdown.

use super::figure::Figure;
use crate::claims::Verdict;

/// A piece of the report.
#[derive(Debug)]
pub(super) enum Block {
    /// The heading of a section.
    Section(String),
    /// The heading of a subsection.
    Part(String),
    /// A paragraph.
    Text(String),
    /// A warning that a reader must see first.
    Banner(String),
    /// A list, one item a line.
    List(Vec<String>),
    /// Terms with their definitions.
    Terms(Vec<(&'static str, String)>),
    /// Numbers in large type, each with a label.
    Tiles(Vec<(usize, &'static str)>),
    /// A table.
    Table(Table),
    /// A figure.
    Figure(Figure),
    /// The agreement card.
    Verdicts(Vec<Verdict>),
    /// A sample of a variant.
    Sample {
        /// The variant.
        variant: Cell,
        /// The text.
        text: String,
    },
    /// Content that is hidden until the reader opens it.
    Fold {
        /// Its title.
        title: String,
        /// Its content.
        blocks: Vec<Block>,
    },
}

/// A table.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Headings of the columns.
    pub(super) head: Vec<String>,
    /// The rows.
    pub(super) rows: Vec<Row>,
}

/// A row of a table.
#[derive(Debug)]
pub(super) struct Row {
    /// True for a highlighted row.
    pub(super) strong: bool,
    /// The cells, one for each column.
    pub(super) cells: Vec<Cell>,
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// A variant: its number and name.
    Variant(usize, String),
    /// Text.
    Words(String),
    /// A number, or several that stay on one line.
    Number(String),
}

impl Table {
    /// Return a table with these columns and no rows.
    pub(super) fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(|column| (*column).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Add a row.
    pub(super) fn push(&mut self, strong: bool, cells: Vec<Cell>) {
        self.rows.push(Row { strong, cells });
    }
}

/// Return all figures, including those in folds.
pub(super) fn figures(blocks: &[Block]) -> Vec<&Figure> {
    let mut found = Vec::new();
    for block in blocks {
        match block {
            Block::Figure(figure) => found.push(figure),
            Block::Fold { blocks, .. } => found.extend(figures(blocks)),
            _ => {}
        }
    }
    found
}
