//! Tables with aligned columns.

use super::numbers::vectors;
use super::text::{columns, left, right};
use super::tone::Tone;

/// Space between columns.
const GAP: &str = "  ";

/// A table of columns with equal numbers of cells.
#[derive(Debug, Default)]
pub(super) struct Table<'a> {
    columns: Vec<(String, Cells<'a>)>,
    tones: Vec<Tone>,
    total: bool,
}

/// Cells of a column.
#[derive(Debug)]
enum Cells<'a> {
    Text(Vec<String>),
    Numbers(Vec<String>),
    /// Vectors, truncated to the width of the table.
    Vectors(Vec<Option<&'a [f64]>>),
}

impl<'a> Table<'a> {
    /// Add a column of text.
    pub(super) fn text(mut self, title: &str, cells: Vec<String>) -> Self {
        self.columns.push((title.to_owned(), Cells::Text(cells)));
        self
    }

    /// Add a column of numbers.
    pub(super) fn numbers(mut self, title: &str, cells: Vec<String>) -> Self {
        self.columns.push((title.to_owned(), Cells::Numbers(cells)));
        self
    }

    /// Add a column of vectors.
    pub(super) fn vectors(mut self, title: &str, cells: Vec<Option<&'a [f64]>>) -> Self {
        self.columns.push((title.to_owned(), Cells::Vectors(cells)));
        self
    }

    /// Set the emphasis of the rows.
    pub(super) fn tones(mut self, tones: Vec<Tone>) -> Self {
        self.tones = tones;
        self
    }

    /// Draw a line above the last row.
    pub(super) fn with_total(mut self) -> Self {
        self.total = true;
        self
    }

    /// Format the table in `room` columns, or more if the columns without vectors need more.
    pub(super) fn lines(&self, room: usize, whole: bool) -> Vec<(String, Tone)> {
        let laid = self.laid(room, whole);
        let join = |text: &dyn Fn(&Laid<'_>) -> String| {
            let cells: Vec<String> = laid
                .iter()
                .map(|column| column.place(&text(column)))
                .collect();
            cells.join(GAP).trim_end().to_owned()
        };
        let gaps = GAP.len() * laid.len().saturating_sub(1);
        let rule = "─".repeat(laid.iter().map(|column| column.width).sum::<usize>() + gaps);
        let mut lines = vec![
            (join(&|column| column.title.to_owned()), Tone::Faint),
            (rule.clone(), Tone::Faint),
        ];
        let rows = laid.first().map_or(0, |column| column.cells.len());
        for row in 0..rows {
            if self.total && row + 1 == rows {
                lines.push((rule.clone(), Tone::Faint));
            }
            let tone = self.tones.get(row).copied().unwrap_or(Tone::Plain);
            let height = laid
                .iter()
                .map(|column| column.cells[row].lines().count())
                .max()
                .unwrap_or(1);
            for line in 0..height {
                lines.push((
                    join(&|column| {
                        column.cells[row]
                            .lines()
                            .nth(line)
                            .unwrap_or_default()
                            .to_owned()
                    }),
                    tone,
                ));
            }
        }
        lines
    }

    /// Format the columns. Vectors share the width that other columns leave.
    fn laid(&self, room: usize, whole: bool) -> Vec<Laid<'_>> {
        let rigid = self.columns.iter().map(|(title, cells)| match cells {
            Cells::Text(cells) | Cells::Numbers(cells) => widest(title, cells),
            Cells::Vectors(_) => 0,
        });
        let taken = rigid.sum::<usize>() + GAP.len() * self.columns.len().saturating_sub(1);
        let flexible = self
            .columns
            .iter()
            .filter(|(_, cells)| matches!(cells, Cells::Vectors(_)))
            .count();
        let each = room
            .saturating_sub(taken)
            .checked_div(flexible)
            .unwrap_or(0);
        (self.columns.iter())
            .map(|(title, cells)| {
                let (cells, at_right) = match cells {
                    Cells::Text(cells) => (cells.clone(), false),
                    Cells::Numbers(cells) => (cells.clone(), true),
                    Cells::Vectors(cells) => (vectors(cells, each, whole), false),
                };
                Laid {
                    title,
                    width: widest(title, &cells),
                    cells,
                    at_right,
                }
            })
            .collect()
    }
}

/// A formatted column.
struct Laid<'a> {
    title: &'a str,
    /// Cells of one or more lines.
    cells: Vec<String>,
    width: usize,
    at_right: bool,
}

impl Laid<'_> {
    fn place(&self, text: &str) -> String {
        if self.at_right {
            right(text, self.width)
        } else {
            left(text, self.width)
        }
    }
}

fn widest(title: &str, cells: &[String]) -> usize {
    cells
        .iter()
        .flat_map(|cell| cell.lines())
        .map(columns)
        .max()
        .unwrap_or(0)
        .max(columns(title))
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::commands::explain::text::columns;

    fn lines(table: &Table<'_>, room: usize, whole: bool) -> Vec<String> {
        table
            .lines(room, whole)
            .into_iter()
            .map(|(line, _)| line)
            .collect()
    }

    #[test]
    fn korean_and_latin_line_up() {
        let labels = ["어제", "cat", "배"].map(str::to_owned).to_vec();
        let weights = ["0.1", "0.25", "-∞"].map(str::to_owned).to_vec();
        let table = Table::default()
            .text("토큰", labels)
            .numbers("weight", weights)
            .with_total();
        let found = lines(&table, 80, false);
        assert_eq!(
            found,
            [
                "토큰  weight",
                "────────────",
                "어제     0.1",
                "cat     0.25",
                "────────────",
                "배        -∞"
            ]
        );
        assert!(found.iter().all(|line| columns(line) == 12));
    }

    #[test]
    fn vectors_share_the_room_that_is_left() {
        let vector = [1.25, -0.5, 3.0, 0.125, 9.0];
        let table = Table::default()
            .text("t", vec!["a".into(), "b".into()])
            .vectors("k", vec![Some(&vector), None])
            .vectors("v", vec![Some(&vector), Some(&vector)]);
        for room in 40..90 {
            for whole in [false, true] {
                assert!(
                    lines(&table, room, whole)
                        .iter()
                        .all(|line| columns(line) <= room),
                    "{room}"
                );
            }
        }
        assert_eq!(
            lines(&table, 60, false)[2],
            "a  [ 1.250, -0.500,  3.000, …]  [ 1.250, -0.500,  3.000, …]"
        );
        assert_eq!(
            lines(&table, 60, true)[2..],
            [
                "a  [ 1.250, -0.500,  3.000,  [ 1.250, -0.500,  3.000,",
                "     0.125,  9.000]            0.125,  9.000]",
                "b                            [ 1.250, -0.500,  3.000,",
                "                               0.125,  9.000]",
            ]
        );
    }
}
