//! Columns shared by the tables of all steps, with a cell for each shown key.

use super::computation::Computation;
use super::numbers::{bar, column, weight};
use super::page::ExplainPage;
use super::rows::{Row, rows};
use super::table::Table;
use super::text::label;
use super::tone::Tone;
use sisun_infer::explain::Key;

/// The keys of an explanation.
pub(super) struct Keys<'a> {
    found: &'a Computation<'a>,
    /// Rows of the tables.
    pub(super) rows: Vec<Row>,
    /// Index of the key with the largest weight, whose computation is written out.
    pub(super) top: usize,
}

impl<'a> Keys<'a> {
    pub(super) fn new(found: &'a Computation<'a>, full: bool) -> Self {
        Self {
            found,
            rows: rows(found, full),
            top: found.heaviest()[0],
        }
    }

    /// Format the written-out computation of the key with the largest weight.
    pub(super) fn of_heaviest(&self, working: &str) -> String {
        format!("“{}”:  {working}", label(&self.found.keys[self.top].label))
    }

    /// Create a table with a column of key numbers and one of labels.
    pub(super) fn table(&self, page: &ExplainPage) -> Table<'a> {
        let (numbers, labels, tones) = self.named(page, &self.rows);
        Table::default()
            .numbers("#", numbers)
            .text(&page.word("token"), labels)
            .tones(tones)
    }

    /// Create the same table with a total row at the bottom.
    pub(super) fn table_with_total(
        &self,
        page: &ExplainPage,
        rows: &[Row],
        total: &str,
    ) -> Table<'a> {
        let (mut numbers, mut labels, tones) = self.named(page, rows);
        numbers.push(String::new());
        labels.push(total.to_owned());
        Table::default()
            .numbers("#", numbers)
            .text(&page.word("token"), labels)
            .tones(tones)
            .with_total()
    }

    fn named(&self, page: &ExplainPage, rows: &[Row]) -> (Vec<String>, Vec<String>, Vec<Tone>) {
        let of = |row: &Row| match row {
            Row::Key(key) => (
                key.to_string(),
                label(&self.found.keys[*key].label),
                self.tone(*key),
            ),
            Row::Gap(keys) => {
                let n = keys.len();
                (
                    "⋮".to_owned(),
                    page.say(format!("{n} more"), format!("{n}개 더")),
                    Tone::Faint,
                )
            }
        };
        let mut columns = (Vec::new(), Vec::new(), Vec::new());
        columns.extend(rows.iter().map(of));
        columns
    }

    fn tone(&self, key: usize) -> Tone {
        match key {
            key if key == self.top => Tone::Strong,
            key if self.found.keys[key].steps.hidden => Tone::Faint,
            _ => Tone::Plain,
        }
    }

    /// Format a number for each shown key; other cells are empty.
    pub(super) fn column(&self, of: impl Fn(&Key) -> f64) -> Vec<String> {
        let shown = self.rows.iter().filter_map(|row| match row {
            Row::Key(key) => Some(of(&self.found.keys[*key])),
            Row::Gap(_) => None,
        });
        let mut texts = column(&shown.collect::<Vec<_>>()).into_iter();
        self.rows
            .iter()
            .map(|row| {
                if let Row::Key(_) = row {
                    texts.next()
                } else {
                    None
                }
                .unwrap_or_default()
            })
            .collect()
    }

    /// Format the scores, including those of skipped hidden keys.
    pub(super) fn scores(&self) -> Vec<String> {
        let hides = |row: &Row| self.found.keys[row.keys().start].steps.hidden;
        let scores = self.column(|key| key.steps.score).into_iter();
        scores
            .zip(&self.rows)
            .map(|(score, row)| {
                if hides(row) {
                    weight(f64::NEG_INFINITY)
                } else {
                    score
                }
            })
            .collect()
    }

    /// Format the scores after the mask, before any edit of them.
    pub(super) fn masked(&self) -> Vec<String> {
        let hides = |row: &Row| self.found.keys[row.keys().start].steps.hidden;
        let scores = self.column(unmasked).into_iter().zip(&self.rows);
        scores
            .map(|(score, row)| match hides(row) {
                true => weight(f64::NEG_INFINITY),
                false => score,
            })
            .collect()
    }

    /// Format a text for each shown key; other cells are empty.
    pub(super) fn cells(&self, of: impl Fn(usize) -> String) -> Vec<String> {
        let cell = |row: &Row| match row {
            Row::Key(key) => of(*key),
            Row::Gap(_) => String::new(),
        };
        self.rows.iter().map(cell).collect()
    }

    pub(super) fn vectors(&self, of: impl Fn(&'a Key) -> &'a [f64]) -> Vec<Option<&'a [f64]>> {
        let cell = |row: &Row| match row {
            Row::Key(key) => Some(of(&self.found.keys[*key])),
            Row::Gap(_) => None,
        };
        self.rows.iter().map(cell).collect()
    }

    /// Format positive numbers; skipped keys show their sum.
    pub(super) fn sums(&self, of: impl Fn(&Key) -> f64) -> Vec<String> {
        self.rows
            .iter()
            .map(|row| weight(self.sum(row, &of)))
            .collect()
    }

    pub(super) fn sum(&self, row: &Row, of: impl Fn(&Key) -> f64) -> f64 {
        self.found.keys[row.keys()].iter().map(of).sum()
    }

    /// Compute `weight·v` of a key, or the sum over skipped keys.
    pub(super) fn weighted(&self, row: &Row) -> Vec<f64> {
        let keys = &self.found.keys[row.keys()];
        (0..self.found.z.len())
            .map(|d| keys.iter().map(|key| key.steps.weight * key.v[d]).sum())
            .collect()
    }

    pub(super) fn bars(&self, width: usize) -> Vec<String> {
        self.cells(|key| bar(self.found.keys[key].steps.weight, width))
    }

    /// Return the cell of the key with the largest weight, which is never skipped.
    pub(super) fn of_top<'b>(&self, cells: &'b [String]) -> &'b str {
        let at = self.rows.iter().position(|row| *row == Row::Key(self.top));
        at.map_or("", |at| &cells[at])
    }
}

/// Return the score without the mask.
pub(super) fn unmasked(key: &Key) -> f64 {
    key.steps.scaled + key.steps.bias.unwrap_or(0.0)
}
