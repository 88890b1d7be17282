//! What the tables of all steps are made of: the keys that are shown, column by column.

use super::numbers::{bar, column, number, weight};
use super::page::ExplainPage;
use super::rows::{Row, rows};
use super::table::Table;
use super::text::label;
use super::tone::Tone;
use sisun_infer::Explanation;
use sisun_infer::explain::Key;

/// The keys of an explanation.
pub(super) struct Keys<'a> {
    found: &'a Explanation,
    /// How they are shown.
    pub(super) rows: Vec<Row>,
    /// The one with the largest weight, whose numbers are written out.
    pub(super) top: usize,
}

impl<'a> Keys<'a> {
    pub(super) fn new(found: &'a Explanation, full: bool) -> Self {
        Self {
            found,
            rows: rows(found, full),
            top: found.heaviest()[0],
        }
    }

    /// The heaviest key's numbers written out.
    pub(super) fn of_heaviest(&self, working: &str) -> String {
        format!("“{}”:  {working}", label(&self.found.keys[self.top].label))
    }

    /// A table with a column of numbers and one of labels.
    pub(super) fn table(&self, page: &ExplainPage) -> Table<'a> {
        let (numbers, labels, tones) = self.named(page, &self.rows);
        Table::default()
            .numbers("#", numbers)
            .text(page.say("token", "토큰"), labels)
            .tones(tones)
    }

    /// The same, with a row for the sum below.
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
            .text(page.say("token", "토큰"), labels)
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

    /// A number of each key that is shown, nothing for the others.
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

    /// The scores, also those of hidden keys that are passed over.
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

    /// A text for each key that is shown, nothing for the others.
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

    /// Positive numbers, of keys passed over their sum.
    pub(super) fn sums(&self, of: impl Fn(&Key) -> f64) -> Vec<String> {
        self.rows
            .iter()
            .map(|row| weight(self.sum(row, &of)))
            .collect()
    }

    pub(super) fn sum(&self, row: &Row, of: impl Fn(&Key) -> f64) -> f64 {
        self.found.keys[row.keys()].iter().map(of).sum()
    }

    /// `weight·v` of a key, of keys passed over their sum.
    pub(super) fn weighted(&self, row: &Row) -> Vec<f64> {
        let keys = &self.found.keys[row.keys()];
        (0..self.found.d_head)
            .map(|d| keys.iter().map(|key| key.steps.weight * key.v[d]).sum())
            .collect()
    }

    pub(super) fn bars(&self, width: usize) -> Vec<String> {
        self.cells(|key| bar(self.found.keys[key].steps.weight, width))
    }

    /// The cell of the heaviest key, which is never passed over.
    pub(super) fn of_top<'b>(&self, cells: &'b [String]) -> &'b str {
        let at = self.rows.iter().position(|row| *row == Row::Key(self.top));
        at.map_or("", |at| &cells[at])
    }

    /// By how much the bias falls with each token of distance, where it falls evenly.
    pub(super) fn slope(&self) -> Option<String> {
        let near = if self.found.query > 0 {
            self.found.query - 1
        } else {
            1
        };
        Some(number(-self.found.keys.get(near)?.steps.bias?, 4))
    }
}

/// The score as it would be if nothing were hidden.
pub(super) fn unmasked(key: &Key) -> f64 {
    key.steps.scaled + key.steps.bias.unwrap_or(0.0)
}
