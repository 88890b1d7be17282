//! What the report says, before it is a page or Markdown: both say the same.

use super::figure::Figure;
use crate::claims::Verdict;

/// A piece of the report.
#[derive(Debug)]
pub(super) enum Block {
    /// A section begins.
    Section(String),
    /// A part of it.
    Part(String),
    /// A paragraph.
    Text(String),
    /// What a reader must know before anything else.
    Banner(String),
    /// Points, one a line.
    List(Vec<String>),
    /// Words, and what they mean.
    Terms(Vec<(&'static str, String)>),
    /// Numbers in large type, with what they count.
    Tiles(Vec<(usize, &'static str)>),
    /// Rows and columns.
    Table(Table),
    /// A picture.
    Figure(Figure),
    /// The agreement card.
    Verdicts(Vec<Verdict>),
    /// What a variant wrote.
    Sample {
        /// The variant.
        variant: Cell,
        /// The text.
        text: String,
    },
    /// What is shown when it is asked for.
    Fold {
        /// What it is.
        title: String,
        /// What is inside.
        blocks: Vec<Block>,
    },
}

/// Rows and columns.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// What the columns hold.
    pub(super) head: Vec<String>,
    /// The rows.
    pub(super) rows: Vec<Row>,
}

/// A row of a table.
#[derive(Debug)]
pub(super) struct Row {
    /// Whether it stands out.
    pub(super) strong: bool,
    /// One for each column.
    pub(super) cells: Vec<Cell>,
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// A variant: its number and name.
    Variant(usize, String),
    /// Words.
    Words(String),
    /// A number, or several that stay on one line.
    Number(String),
}

impl Table {
    /// A table with these columns and no rows yet.
    pub(super) fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(|column| (*column).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, strong: bool, cells: Vec<Cell>) {
        self.rows.push(Row { strong, cells });
    }
}

/// All figures, those in folds too.
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
